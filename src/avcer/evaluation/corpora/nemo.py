"""nEMO: nine actors speak ninety Polish sentences in six states (Christop, LREC-COLING 2024). Sound only.

``data.tsv`` lists the recordings of the folder ``samples``; their names, ``WR0_surprised_64.wav``, say the same:
speaker, emotion, sentence. So the list is not needed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, by_stem, emotion, gather
from avcer.evaluation.corpora.record import Corpus, Sample

LOOKED_FOR: Final = "recordings named like WR0_surprised_64.wav"
_NAME: Final = re.compile(r"([A-Z]{2}\d)_(anger|fear|happiness|neutral|sadness|surprised)_\d+")


def read_nemo(root: Path) -> Corpus:
    """The recordings below ``root``. No recording shows Disgust.

    Raises:
        InputError: no such recording.
    """
    found = ((_NAME.fullmatch(stem), path) for stem, path in by_stem(root, SOUNDS).items())
    samples = [Sample(match[0], path, speaker=match[1], label=emotion(match[2])) for match, path in found if match]
    return gather("nemo", root, samples, LOOKED_FOR)
