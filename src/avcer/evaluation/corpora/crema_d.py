"""CREMA-D: 91 actors speak twelve sentences in six emotions (Cao et al., IEEE Trans. on Affective Computing 2014).

The name of a file is actor, sentence, emotion and level: ``1001_DFA_ANG_XX.flv``. No clip shows Surprise.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, VIDEOS, choose, find, gather
from avcer.evaluation.corpora.record import Corpus, Sample

EMOTIONS: Final = {
    "ANG": "Anger", "DIS": "Disgust", "FEA": "Fear", "HAP": "Happiness", "NEU": "Neutral", "SAD": "Sadness",
}  # fmt: skip
"""As intended by the actor; what listeners and viewers heard and saw is in tables of its own."""
LOOKED_FOR: Final = "files named like 1001_DFA_ANG_XX.flv, .mp4 or .wav"
_NAME: Final = re.compile(rf"(\d{{4}})_[A-Z]{{3}}_({'|'.join(EMOTIONS)})_(?:LO|MD|HI|XX?)")


def read_crema_d(root: Path, suffixes: tuple[str, ...] = VIDEOS + SOUNDS) -> Corpus:
    """The clips below ``root``; where one is there with several of ``suffixes``, that with the first of them.

    Raises:
        InputError: no such clip.
    """
    found = ((match, path) for path in find(root, suffixes) if (match := _NAME.fullmatch(path.stem)))
    # One recording is published as 1040_ITH_SAD_X.wav, its video as 1040_ITH_SAD_XX.flv.
    clips = choose(((re.sub("_X$", "_XX", match[0]), path) for match, path in found), suffixes)
    samples = [Sample(name, path, speaker=name[:4], label=EMOTIONS[name.split("_")[2]]) for name, path in clips.items()]
    return gather("crema_d", root, samples, LOOKED_FOR)
