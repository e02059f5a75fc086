"""C-EXPR-DB, the test part of the compound expression challenge (Kollias, CVPR 2023): its frames, and its answers.

The labels are not public. The organisers send a sample file: a header that begins with ``image_location``, then a line
for each frame that wants an answer, ``<video>/<frame counted from 1, five digits>.jpg,``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from avcer.errors import InputError
from avcer.evaluation.corpora.files import VIDEOS, by_stem, find, gather, read_text
from avcer.evaluation.corpora.record import Corpus, Sample
from avcer.files import atomic_text
from avcer.labels import C_EXPR_DB
from avcer.output.submission import NOTHING_KNOWN
from avcer.types import Integer

FIRST: Final = "image_location"
HEADER: Final = (FIRST, *(name.replace(" ", "_") for name in C_EXPR_DB.names))
LOOKED_FOR: Final = f"a sample file (.txt) whose first line is {FIRST}, alone or followed by {HEADER[1]},..."
_LINE: Final = re.compile(r"(([^/,]+)/0*([1-9]\d*)\.jpg) *(?:,.*)?")


def read_c_expr_db(root: Path) -> Corpus:
    """The videos of the sample file, each with the frames that are wanted of it.

    Raises:
        InputError: no sample file, several, one that cannot be read, or none of its videos below ``root``.
    """
    wanted: dict[str, list[int]] = {}
    for _, video, frame in _places(sample_file(root)):
        wanted.setdefault(video, []).append(frame)
    videos = by_stem(root, VIDEOS)
    samples = [
        Sample(video, videos[video], wanted=tuple(frames), part="test")
        for video, frames in wanted.items()
        if video in videos
    ]
    return gather("c_expr_db", root, samples, LOOKED_FOR, [video for video in wanted if video not in videos])


def sample_file(root: Path) -> Path:
    """The sample file of the challenge below ``root``. Samples of other tracks, and filled-in copies, are no hindrance.

    Raises:
        InputError: there is none, or several.
    """
    found = [path for path in find(root, (".txt",)) if _header(path) in ((FIRST,), HEADER)]
    if not found:
        raise InputError(f"{root}: holds nothing of c_expr_db; looked for {LOOKED_FOR}")
    empty = [path for path in found if not re.search(r"\.jpg *, *\d", read_text(path))]
    if len(empty or found) > 1:
        first, second, *_ = empty or found
        raise InputError(f"{root}: has several sample files ({first}, {second}); keep one of them")
    return (empty or found)[0]


def _header(path: Path) -> tuple[str, ...]:
    line = read_text(path, 1000).partition("\n")[0].strip().rstrip(",")
    return tuple(name.strip().replace(" ", "_") for name in line.split(","))


def _places(sheet: Path) -> list[tuple[str, str, int]]:
    """The places that want an answer, in the order of the file: as it writes them, video, frame counted from 0."""
    _, *lines = read_text(sheet).splitlines() or [""]
    return [_place(line, f"{sheet}, line {number}") for number, line in enumerate(lines, 2) if line.strip()]


def _place(line: str, where: str) -> tuple[str, str, int]:
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise InputError(f"{where}: must be <video>/<frame from 1>.jpg, not {line!r}; take the organisers' file")
    return match[1], match[2], int(match[3]) - 1


def fill_sample_file(classes: Mapping[str, Integer], sheet: Path, path: Path) -> Path:
    """Writes the submission: the challenge's header, then the sample file's places in its order, each with a class.

    A place past the end of a video gets the class of the last frame, as in the released code of AVCER: the sample
    counts frames that not every decoder finds.

    Args:
        classes: video -> ``(T,)`` class indices 0-6, a frame each, as ``output.submission.submission_classes`` gives.
        sheet: the sample file; ``sample_file`` finds it.
        path: the file to write.

    Raises:
        InputError: the sample file cannot be read, or names a video without classes.
        OutputError: ``path`` cannot be written.
    """
    places = _places(sheet)
    for video in dict.fromkeys(video for _, video, _ in places):
        if video not in classes:
            raise InputError(f"{sheet}: asks for the video {video}, which was not analysed; analyse it first")
        if not np.isin(classes[video], range(len(C_EXPR_DB))).all():
            raise ValueError(f"classes of {video} must be indices from 0 to {len(C_EXPR_DB) - 1}")
    with atomic_text(path) as file:
        file.write(",".join(HEADER) + "\n")
        for location, video, frame in places:
            file.write(f"{location},{_at(classes[video], frame)}\n")
    return path


def _at(classes: Integer, frame: int) -> int:
    return int(classes[min(frame, len(classes) - 1)]) if len(classes) else NOTHING_KNOWN
