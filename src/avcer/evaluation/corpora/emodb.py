"""EMO-DB: ten actors speak ten German sentences (Burkhardt et al., Interspeech 2005). Sound only.

The name of a file is speaker, sentence, emotion (the first letter of its German name) and version: ``03a01Fa.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import gather, named
from avcer.evaluation.corpora.record import Corpus

EMOTIONS: Final = {
    "W": "Anger", "E": "Disgust", "A": "Fear", "F": "Happiness", "T": "Sadness", "N": "Neutral",
}  # fmt: skip
"""Wut, Ekel, Angst, Freude, Trauer, neutral. L (Langeweile, boredom) is left out."""
LOOKED_FOR: Final = "recordings named like 03a01Fa.wav"
_NAME: Final = re.compile(rf"(?P<speaker>\d\d)[ab]\d\d(?P<emotion>[{''.join(EMOTIONS)}])[a-z]?")


def read_emodb(root: Path) -> Corpus:
    """The recordings below ``root``, but those of boredom.

    Raises:
        InputError: no such recording.
    """
    return gather("emodb", root, named(root, _NAME, EMOTIONS), LOOKED_FOR)
