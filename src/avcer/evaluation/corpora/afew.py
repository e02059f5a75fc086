"""AFEW: short scenes from films, an emotion each (Dhall et al., IEEE MultiMedia 2012; the EmotiW challenges).

The challenge's form: ``Train_AFEW/Angry/000046280.avi``; the test part has no such folders, as its labels are secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import VIDEOS, choose, emotion, find, gather, part_of
from avcer.evaluation.corpora.record import Corpus, Sample

FOLDERS: Final = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
LOOKED_FOR: Final = f"videos in folders named {', '.join(FOLDERS)}"


def read_afew(root: Path) -> Corpus:
    """The videos below ``root`` that lie in a folder named after an emotion; parts by the folders above it.

    Raises:
        InputError: no such video, or two of one part with the same name.
    """
    found = [path for path in find(root, VIDEOS) if path.parent.name.capitalize() in FOLDERS]
    clips = choose(((path.with_suffix(""), path) for path in found), VIDEOS).values()
    return gather("afew", root, [_sample(path, root) for path in clips], LOOKED_FOR)


def _sample(path: Path, root: Path) -> Sample:
    part = part_of(path.parent, root)
    return Sample(f"{part}_{path.stem}" if part else path.stem, path, label=emotion(path.parent.name), part=part)
