"""ASED: 65 people speak Amharic sentences in five states (Retta et al., ACM TALLIP 2022). Sound only.

The name of a file is emotion and folder, sentence, repetition, sex and speaker: ``05Angry/a5-03-01-02-50.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, by_stem, gather
from avcer.evaluation.corpora.record import Corpus, Sample

EMOTIONS: Final = {"n": "Neutral", "f": "Fear", "h": "Happiness", "s": "Sadness", "a": "Anger"}
COMMON: Final = ("01", "02")
"""Sentences that are spoken in all five states; the others belong to one each, so that their words tell it."""
LOOKED_FOR: Final = "recordings named like a5-01-01-02-50.wav"
_NAME: Final = re.compile(r"([nfhsa])[1-5]-(\d\d)-\d\d-\d\d-(\d\d)", re.IGNORECASE)


def read_ased(root: Path) -> Corpus:
    """The recordings below ``root`` of the two sentences that are spoken in all states.

    Raises:
        InputError: no such recording.
    """
    samples = []
    for stem, path in by_stem(root, SOUNDS).items():
        match = _NAME.fullmatch(stem)
        if match and match[2] in COMMON:
            samples.append(Sample(stem, path, speaker=match[3], label=EMOTIONS[match[1].lower()]))
    return gather("ased", root, samples, LOOKED_FOR)
