"""Pictures of faces in folders named after an emotion, as AffectNet, RAF-DB, FER2013 and many others are passed on.

``train/Happiness/0001.jpg``, ``val/happy/12.png`` or ``Anger/a.jpg``; a picture is a face crop. Folders of other words
(contempt) are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import PICTURES, emotion, find, gather, part_of
from avcer.evaluation.corpora.record import Corpus, Sample

LOOKED_FOR: Final = "pictures in folders named after emotions, such as val/happy/1.png"


def read_classes(root: Path) -> Corpus:
    """The pictures below ``root`` that lie in a folder named after an emotion; parts by the folders above it.

    Raises:
        InputError: no such picture.
    """
    samples = []
    for path in find(root, PICTURES):
        if label := emotion(path.absolute().parent.name):
            inside = path.relative_to(root).with_suffix("").as_posix() if path.is_relative_to(root) else path.stem
            name = f"{inside.replace('/', '_')}{path.suffix.lower().replace('.', '_')}"
            samples.append(Sample(name, path, label=label, part=part_of(path.parent, root)))
    return gather("classes", root, samples, LOOKED_FOR)
