"""A person's own resting face, taken off what the face models say: some people look sad or stern at rest.

Annotators do the same by eye. What a model says of the face at rest, in logarithms, is subtracted from what it says on
every frame, and what it says of a usual face at rest is added, so that rest comes out as Neutral.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from avcer.decision.likely import logarithms
from avcer.emotion.probabilities import softmax
from avcer.errors import UsageError
from avcer.labels import BASIC
from avcer.types import Boolean, Double

NO_BASELINE: Final = "none"
OWN: Final = "own"
FIRST: Final = "first:"
FORMS: Final = f"{NO_BASELINE}, {FIRST}N (the first N seconds of each face), START-END (seconds), or {OWN}"
AT_REST: Final = np.log(np.where(np.arange(len(BASIC)) == 0, 0.88, 0.02))
"""What a model is taken to say of a usual face at rest: Neutral, and the six alike."""
SPEAKS_NEUTRALLY: Final = np.log(np.where(np.arange(len(BASIC)) == 0, 0.4, 0.1))
"""The same of one that speaks neutrally. With as much of Neutral as at rest, emotions in mid-speech are missed."""
LEAST_ROWS: Final = 3
"""A resting face seen on fewer frames than this is not known."""


@dataclass(frozen=True)
class Baseline:
    """Which part of a face's time shows it at rest.

    ``first``: from its first frame to ``end_s`` seconds later; ``span``: from ``start_s`` to ``end_s`` seconds after
    the start of the clip; ``own``: the frames on which its most frequent emotion, or Neutral, is the strongest.
    """

    kind: Literal["first", "span", "own"]
    start_s: float = 0.0
    end_s: float = 0.0

    @classmethod
    def parse(cls, words: str) -> Baseline | None:
        """The baseline that the words of ``--baseline`` mean; None for ``none``.

        Raises:
            UsageError: the words have none of the ``FORMS``.
        """
        if words == NO_BASELINE:
            return None
        if words == OWN:
            return cls("own")
        try:
            if words.startswith(FIRST):
                return cls("first", 0.0, _seconds(words.removeprefix(FIRST)))
            start_s, end_s = (_seconds(word, zero=True) for word in words.split("-"))
        except ValueError:
            raise UsageError(f"baseline must be {FORMS}, not {words!r}") from None
        if end_s <= start_s:
            raise UsageError(f"baseline must end after it starts: {words!r}")
        return cls("span", start_s, end_s)

    @property
    def causal(self) -> bool:
        """Whether it can be known while a clip is still going on."""
        return self.kind == "first"

    def rows(self, values: Double, times_s: Double, starts_s: float) -> Boolean:
        """The rows ``(N,)`` of a face that show it at rest: ``values (N, 7)`` are what a model says at ``times_s (N,)``
        of a clip that starts at ``starts_s``.
        """
        if self.kind == "own":
            strongest = values.argmax(axis=1)
            most: Boolean = strongest == np.bincount(strongest, minlength=len(BASIC)).argmax()
            return most
        origin = times_s[0] if self.kind == "first" else starts_s
        return (times_s >= origin + self.start_s) & (times_s < origin + self.end_s)

    @property
    def knows_voice(self) -> bool:
        """Whether the voice is normalised, too: a baseline is of the face."""
        return False

    def faces(self, said: Mapping[str, Double], times_s: Double, starts_s: float) -> dict[str, Double]:
        """What each face model says ``(N, 7)``, by its modality's name, of a whole face seen at ``times_s (N,)`` of a
        clip that starts at ``starts_s``.
        """
        return {
            name: without(values, resting(values[self.rows(values, times_s, starts_s)]))
            for name, values in said.items()
        }

    def running(self) -> Running:
        """The same for a face whose rows come in parts."""
        return Running(self)

    def voice(self, values: Double) -> Double:
        """What the audio model says ``(N, 7)``, as it is: a baseline is of the face."""
        return values


def _seconds(word: str, zero: bool = False) -> float:
    value = float(word)
    if not np.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError(word)
    return value


def resting(values: Double) -> Double | None:
    """What a model says of a face at rest, ``(7,)``, in logarithms, from the rows ``(N, 7)`` that show it; None for too
    few of them.
    """
    return logarithms(values).mean(axis=0) if len(values) >= LEAST_ROWS else None


def without(values: Double, rest: Double | None, usual: Double = AT_REST) -> Double:
    """``values (N, 7)``, adding up to 1, as if the model said ``usual (7,)`` where it says ``rest (7,)``, both in
    logarithms; as they are where ``rest`` is None.
    """
    return values if rest is None else softmax(logarithms(values) - rest + usual)


class Running:
    """The first seconds of one face as its rows come in parts: until they are over, rows stay as they are."""

    def __init__(self, baseline: Baseline) -> None:
        self._seconds = baseline.end_s
        self._first_s: float | None = None
        self._rest: dict[str, Double | None] | None = None
        self._rows: dict[str, list[Double]] = {}

    def __call__(self, said: Mapping[str, Double], times_s: Double, known: int) -> dict[str, Double]:
        """The next rows; ``known`` of them, at the beginning, were given before."""
        if self._first_s is None:
            self._first_s = float(times_s[0])
        early = times_s < self._first_s + self._seconds
        if self._rest is None:
            new = early & (np.arange(len(times_s)) >= known)
            for name, values in said.items():
                self._rows.setdefault(name, []).append(values[new])
            if not early.all():
                self._rest = {name: resting(np.concatenate(parts)) for name, parts in self._rows.items()}
        rest = self._rest
        if rest is None:
            return dict(said)
        return {
            name: np.where(early[:, np.newaxis], values, without(values, rest[name])) for name, values in said.items()
        }
