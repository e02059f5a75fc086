"""What a peer is: a package that names emotions of faces or of voices, brought to our seven."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from avcer.evaluation.tables.speech import WORDS
from avcer.labels import BASIC
from avcer.types import Double

Rater = Callable[[Any], Double | None]
"""A BGR picture of a face, or mono samples ``(S,)`` at 16 kHz -> probabilities ``(7,)``; None where it says nothing."""
SHORT: Final[Mapping[str, str]] = {"neu": "neutral", "ang": "angry", "hap": "happy"}
"""Words that only peers use."""
OFFLINE: Final[Mapping[str, str]] = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""What keeps the libraries of peers from fetching, reporting and chatting."""


@dataclass(frozen=True)
class Peer:
    """A package from elsewhere: its ``name``, what it rates, its name for ``pip``, and what makes the rater.

    ``load`` raises ImportError where the package is missing, and anything where its weights are: they are never
    fetched.
    """

    name: str
    kind: Literal["faces", "voices"]
    package: str
    load: Callable[[], Rater]


def of_words(scores: Mapping[str, float]) -> Double | None:
    """Scores by a peer's own words -> probabilities ``(7,)``. What is none of the seven (contempt, other) is left out,
    and the rest made to add up to 1; None where nothing is left.
    """
    made = np.zeros(len(BASIC))
    for word, score in scores.items():
        plain = word.rpartition("/")[2].strip().lower()
        emotion = WORDS.get(SHORT.get(plain, plain))
        if emotion:
            made[BASIC.index(emotion)] += score
    total = made.sum()
    return made / total if total > 0 else None


@contextmanager
def without_network() -> Iterator[None]:
    """Nothing in this process reaches another machine meanwhile: a peer that would fetch its weights fails instead."""

    def refuse(*_: object) -> None:
        raise OSError("peers are run without a network; put their weights where they look for them")

    environment = {name: os.environ.get(name) for name in OFFLINE}
    doors: tuple[tuple[Any, str], ...] = (
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket, "getaddrinfo"),
    )
    opened = [getattr(holder, name) for holder, name in doors]
    os.environ.update(OFFLINE)
    try:
        for holder, name in doors:
            setattr(holder, name, refuse)
        yield
    finally:
        for (holder, name), former in zip(doors, opened, strict=True):
            setattr(holder, name, former)
        for name, value in environment.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
