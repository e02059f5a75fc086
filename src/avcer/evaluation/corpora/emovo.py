"""EMOVO: six actors speak fourteen Italian sentences in seven states (Costantini et al., LREC 2014). Sound only.

The name of a file is emotion (the beginning of its Italian name), speaker and sentence: ``f1/dis-f1-b1.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import gather, named
from avcer.evaluation.corpora.record import Corpus

EMOTIONS: Final = {
    "neu": "Neutral", "rab": "Anger", "dis": "Disgust", "pau": "Fear", "gio": "Happiness", "tri": "Sadness",
    "sor": "Surprise",
}  # fmt: skip
"""neutro, rabbia, disgusto, paura, gioia, tristezza, sorpresa."""
LOOKED_FOR: Final = "recordings named like dis-f1-b1.wav"
_NAME: Final = re.compile(rf"(?P<emotion>{'|'.join(EMOTIONS)})-(?P<speaker>[fm]\d)-[a-z]\d+")


def read_emovo(root: Path) -> Corpus:
    """The recordings below ``root``.

    Raises:
        InputError: no such recording.
    """
    return gather("emovo", root, named(root, _NAME, EMOTIONS), LOOKED_FOR)
