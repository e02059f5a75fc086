"""TurEV-DB: six actors speak Turkish words in four states (Canpolat et al., LREC Workshops 2020). Sound only.

A recording lies in the folder of its emotion; its name is speaker, emotion and word: ``Angry/1157_kz_acik.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, choose, emotion, find, gather
from avcer.evaluation.corpora.record import Corpus, Sample

FOLDERS: Final = ("Angry", "Calm", "Happy", "Sad")
"""Calm counts as Neutral."""
LOOKED_FOR: Final = f"recordings named like 1157_kz_acik.wav in folders {', '.join(FOLDERS)}"
_NAME: Final = re.compile(r"(\d+)_.+")


def read_turev(root: Path) -> Corpus:
    """The recordings below ``root``.

    Raises:
        InputError: no such recording.
    """
    recordings = choose(((_key(path), path) for path in find(root, SOUNDS) if _key(path)[0] in FOLDERS), SOUNDS)
    samples = [
        Sample(f"{folder}_{stem}", path, speaker=match[1], label=emotion(folder))
        for (folder, stem), path in recordings.items()
        if (match := _NAME.fullmatch(stem))
    ]
    return gather("turev", root, samples, LOOKED_FOR)


def _key(path: Path) -> tuple[str, str]:
    return path.absolute().parent.name.capitalize(), path.stem
