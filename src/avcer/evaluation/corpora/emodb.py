"""EMO-DB: ten actors speak ten German sentences (Burkhardt et al., Interspeech 2005). Sound only.

The name of a file is speaker, sentence, emotion (the first letter of its German name) and version: ``03a01Fa.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, by_stem, gather
from avcer.evaluation.corpora.record import Corpus, Sample

EMOTIONS: Final = {
    "W": "Anger", "E": "Disgust", "A": "Fear", "F": "Happiness", "T": "Sadness", "N": "Neutral",
}  # fmt: skip
"""Wut, Ekel, Angst, Freude, Trauer, neutral. L (Langeweile, boredom) is left out."""
LOOKED_FOR: Final = "recordings named like 03a01Fa.wav"
_NAME: Final = re.compile(rf"(\d\d)[ab]\d\d([{''.join(EMOTIONS)}])[a-z]?")


def read_emodb(root: Path) -> Corpus:
    """The recordings below ``root``, but those of boredom.

    Raises:
        InputError: no such recording.
    """
    found = ((_NAME.fullmatch(stem), path) for stem, path in by_stem(root, SOUNDS).items())
    samples = [Sample(match[0], path, speaker=match[1], label=EMOTIONS[match[2]]) for match, path in found if match]
    return gather("emodb", root, samples, LOOKED_FOR)
