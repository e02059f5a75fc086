"""URDU: 400 pieces of talk shows in Urdu, spontaneous, in four states (Latif et al., FIT 2018). Sound only.

The name of a file is S, sex and number of the speaker, the number of the file, and the first letter of its emotion with
a running number: ``Angry/SM1_F10_A010.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import gather, named
from avcer.evaluation.corpora.record import Corpus

EMOTIONS: Final = {"A": "Anger", "H": "Happiness", "N": "Neutral", "S": "Sadness"}
LOOKED_FOR: Final = "recordings named like SM1_F10_A010.wav"
_NAME: Final = re.compile(r"(?P<speaker>S[MF]\d+)_F\d+_(?P<emotion>[AHNS])\d+")


def read_urdu(root: Path) -> Corpus:
    """The recordings below ``root``.

    Raises:
        InputError: no such recording.
    """
    return gather("urdu", root, named(root, _NAME, EMOTIONS), LOOKED_FOR)
