"""URDU: 400 pieces of talk shows in Urdu, spontaneous, in four states (Latif et al., FIT 2018). Sound only.

The name of a file is S, sex and number of the speaker, the number of the file, and the first letter of its emotion with
a running number: ``Angry/SM1_F10_A010.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, by_stem, gather
from avcer.evaluation.corpora.record import Corpus, Sample

EMOTIONS: Final = {"A": "Anger", "H": "Happiness", "N": "Neutral", "S": "Sadness"}
LOOKED_FOR: Final = "recordings named like SM1_F10_A010.wav"
_NAME: Final = re.compile(r"(S[MF]\d+)_F\d+_([AHNS])\d+")


def read_urdu(root: Path) -> Corpus:
    """The recordings below ``root``.

    Raises:
        InputError: no such recording.
    """
    found = ((_NAME.fullmatch(stem), path) for stem, path in by_stem(root, SOUNDS).items())
    samples = [Sample(match[0], path, speaker=match[1], label=EMOTIONS[match[2]]) for match, path in found if match]
    return gather("urdu", root, samples, LOOKED_FOR)
