"""The protocol of each corpus: what is scored, of whom, and where the corpus is from. None of it is a choice.

Everything is scored against the seven basic emotions, also where a corpus has fewer: a model does not know which of
them a stranger's recording can have. Words of a corpus are mapped as ``tables.speech.WORDS`` has it (calm counts
as Neutral); rows under any other word (boredom, contempt) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avcer.evaluation.tables.speech import kept_aside
from avcer.models.card import ModelCard
from avcer.types import Boolean

DEVELOPMENT: Final[Mapping[str, frozenset[str]]] = {
    "ravdess": frozenset(f"{number:02}" for number in range(1, 17)),
    "nemo": frozenset({"IC0", "MK0", "MP0", "SM0", "WR0"}),
    "emodb": frozenset({"03", "08", "09", "10", "12", "14"}),
    "savee": frozenset({"DC"}),
}
"""Speakers that shipped models learned from. They are never scored, by whichever model."""
BY_HASH: Final = ("crema_d", "ased")
"""Corpora of which shipped models learned from all speakers but a fifth, by the hash of the name."""


@dataclass(frozen=True)
class Protocol:
    """How one corpus is scored: its ``title``, ``language``, which ``speakers`` or rows, and its ``source``, in words;
    ``only`` is a pattern that the names of recordings must match.
    """

    title: str
    language: str = ""
    speakers: str = "all"
    source: str = ""
    only: str = ""


_ASIDE = "those that no shipped model learned from"
PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "ravdess": Protocol("RAVDESS", "English", f"{_ASIDE}: 17-24; speech, no song", "Livingstone and Russo 2018"),
    "crema_d": Protocol("CREMA-D", "English", f"{_ASIDE}: a fifth by hash; the actor's intention", "Cao et al. 2014"),
    "savee": Protocol("SAVEE", "English", f"{_ASIDE}: JE, JK, KL", "Haq and Jackson 2010"),
    "emodb": Protocol("EMO-DB", "German", f"{_ASIDE}: 11, 13, 15, 16; no boredom", "Burkhardt et al. 2005"),
    "nemo": Protocol("nEMO", "Polish", f"{_ASIDE}: all but IC0, MK0, MP0, SM0, WR0", "Christop 2024"),
    "ased": Protocol(
        "ASED",
        "Amharic",
        f"{_ASIDE}: a fifth by hash; sentences 01 and 02, which are spoken in all emotions",
        "Retta et al. 2022",
        only=r"[nfhsaNFHSA][1-5]-0[12]-",
    ),
    "emovo": Protocol("EMOVO", "Italian", source="Costantini et al. 2014"),
    "turev": Protocol("TurEV-DB", "Turkish", source="Canpolat et al. 2020"),
    "urdu": Protocol("URDU", "Urdu", source="Latif et al. 2018"),
    "ferplus": Protocol(
        "FER+", speakers="PublicTest and PrivateTest; pictures with more than half of the votes", source="Barsoum 2016"
    ),
    "affect7": Protocol("affect7", speakers="a tenth by the hash of the picture, kept from training"),
}
"""Each corpus by its name on cards. Others are scored whole: every row that has one of the seven emotions."""


def protocol_of(name: str) -> Protocol:
    """The protocol of a corpus; of one that is not in ``PROTOCOLS``, all that is labelled."""
    return PROTOCOLS.get(name, Protocol(name))


def speakers_scored(name: str, speakers: Sequence[str]) -> Boolean:
    """Which of N rows are scored, by their speakers."""
    if name in DEVELOPMENT:
        taught = {speaker.lstrip("0") for speaker in DEVELOPMENT[name]}
        return np.array([speaker.lstrip("0") not in taught for speaker in speakers], bool)
    if name in BY_HASH:
        return kept_aside(name, np.array(speakers))
    return np.ones(len(speakers), bool)


def seen(name: str, cards: Sequence[ModelCard]) -> bool:
    """Whether one of the models learned from other parts of the corpus, as its card tells; ``ravdess01``, a numbered
    part of a corpus, belongs to it.
    """
    return any(learned_from(name, card) or learned_from(re.sub(r"\d+$", "", name), card) for card in cards)


def learned_from(name: str, card: ModelCard) -> bool:
    """Whether a model's card names the corpus among what it learned from."""
    return bool(name) and re.search(rf"\b{re.escape(_plain(name))}\b", _plain(card.training_data)) is not None


def _plain(text: str) -> str:
    """In small letters, with the corpora's names as in ``PROTOCOLS``."""
    text = text.lower()
    for name, protocol in PROTOCOLS.items():
        text = text.replace(protocol.title.lower(), name)
    return text
