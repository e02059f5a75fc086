"""RAVDESS: 24 actors speak and sing two sentences (Livingstone and Russo, PLoS ONE 2018).

The name of a file is seven numbers, ``01-01-06-01-02-01-12.mp4``: modality, channel, emotion, intensity, statement,
repetition, actor.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, VIDEOS, by_stem, gather
from avcer.evaluation.corpora.record import Corpus, Sample

EMOTIONS: Final = {
    "01": "Neutral", "02": "Neutral", "03": "Happiness", "04": "Sadness",
    "05": "Anger", "06": "Fear", "07": "Disgust", "08": "Surprise",
}  # fmt: skip
"""02 is 'calm', which counts as Neutral."""
LOOKED_FOR: Final = "files named like 01-01-06-01-02-01-12.mp4 or 03-01-06-01-02-01-12.wav"
_NAME: Final = re.compile(r"0[123]-(0[12])-(0[1-8])-\d\d-\d\d-\d\d-(\d\d)")


def read_ravdess(root: Path, songs: bool = False, suffixes: tuple[str, ...] = VIDEOS + SOUNDS) -> Corpus:
    """The recordings of speech below ``root`` that end in one of ``suffixes``; with ``songs``, also those of song.

    A performance comes as video with sound (01), without (02), and as sound alone (03); of what is there, the first
    in this order is taken, so that none counts twice.

    Raises:
        InputError: no such recording.
    """
    performances: dict[str, Sample] = {}
    for stem, path in sorted(by_stem(root, suffixes).items()):
        match = _NAME.fullmatch(stem)
        if match and (songs or match[1] == "01"):
            performances.setdefault(stem[2:], Sample(stem, path, speaker=match[3], label=EMOTIONS[match[2]]))
    return gather("ravdess", root, performances.values(), LOOKED_FOR)
