"""Aff-Wild2, the expression track: videos from the web, a basic emotion a frame (Kollias, CVPR Workshops 2022).

The challenge's form: folders ``Train_Set`` and ``Validation_Set`` of text files, a header, then a number a frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.files import VIDEOS, by_stem, find, gather, read_text
from avcer.evaluation.corpora.record import Corpus, Part, Sample, Side
from avcer.labels import BASIC

SETS: Final[dict[str, Part]] = {"Train_Set": "train", "Validation_Set": "validation"}
EMOTIONS: Final[dict[str, str | None]] = {"-1": None, **{str(i): word for i, word in enumerate(BASIC)}, "7": None}
"""The challenge's classes begin in the order of ``BASIC``. Left out: -1, not annotated, and 7, 'Other'."""
LOOKED_FOR: Final = "text files in Train_Set and Validation_Set whose first line begins Neutral,Anger,Disgust"


def read_affwild2(root: Path) -> Corpus:
    """The annotated videos below ``root``, each once for every person that is annotated in it.

    Files of the other tracks (valence and arousal, action units) are told by their header, and passed over.

    Raises:
        InputError: no such annotations, none of their videos, or an annotation that cannot be read.
    """
    videos = by_stem(root, VIDEOS)
    samples, missing = [], []
    for path, frames in _annotations(root):
        video, side = _video(path.stem, videos)
        if video is None:
            missing.append(path.stem)
        else:
            part = SETS[path.parent.name]
            samples.append(Sample(path.stem, video, frames=frames, side=side, part=part, recording=video.stem))
    return gather("affwild2", root, samples, LOOKED_FOR, missing)


def _annotations(root: Path) -> Iterator[tuple[Path, tuple[str | None, ...]]]:
    for path in find(root, (".txt",)):
        if path.parent.name in SETS:
            header, *lines = read_text(path).strip().splitlines() or [""]
            if tuple(header.replace(" ", "").split(","))[: len(BASIC)] == BASIC:
                yield path, _emotions(lines, path)


def _emotions(lines: list[str], path: Path) -> tuple[str | None, ...]:
    try:
        return tuple(EMOTIONS[line.strip()] for line in lines)
    except KeyError as error:
        raise InputError(f"{path}: has the class {error}; classes are -1 to 7, take the published file") from error


def _video(stem: str, videos: Mapping[str, Path]) -> tuple[Path | None, Side | None]:
    if stem in videos:
        return videos[stem], None
    suffix = re.search("_(left|right)$", stem)
    if not suffix:
        return None, None
    return videos.get(stem[: suffix.start()]), "left" if suffix[1] == "left" else "right"
