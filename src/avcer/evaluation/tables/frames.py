"""Tables of labelled frames: what the three models said of each, and what people said. CSV or Parquet.

Columns: ``label`` (an emotion, a compound's name, or a blend such as ``Anger 70 + Fear 30``), for each model seven
probabilities ``static_Neutral`` to ``audio_Surprise`` (empty where it said nothing); optionally ``video``, which keeps
the frames of a video together, ``recording``, which keeps videos together that are parts of one, and
``static_activity`` to ``audio_activity``, how much the mouth moves and how likely the sound is speech. ``avcer
evaluate`` writes such tables of corpora.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.errors import InputError
from avcer.evaluation.tables.parquet import read_columns
from avcer.labels import BASIC
from avcer.modalities import NAMES
from avcer.types import Boolean, Double, Integer

COLUMNS: Final = tuple(f"{model}_{emotion}" for model in NAMES for emotion in BASIC)

ACTIVITY: Final = tuple(f"{model}_activity" for model in NAMES)


@dataclass(frozen=True)
class FrameTable:
    """N frames: ``values (N, 3, 7)`` in the order of ``NAMES`` and ``BASIC``, zero where ``valid (N, 3)`` is not;
    ``words (N,)``, the labels as they stand; ``videos (N,)``, names; ``activity (N, 3)`` as of
    ``EmotionProbabilities``, NaN where it is not known; ``recordings (N,)``, names of what the videos are parts of, and
    the videos themselves if left out: rows of one recording are drawn, and held out, together.
    """

    values: Double
    valid: Boolean
    words: NDArray[np.str_]
    videos: NDArray[np.str_]
    activity: Double = field(default_factory=lambda: np.zeros(0))
    recordings: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))

    def __post_init__(self) -> None:
        if not self.activity.size:
            object.__setattr__(self, "activity", np.full(self.valid.shape, np.nan))
        if not self.recordings.size:
            object.__setattr__(self, "recordings", self.videos)

    def __len__(self) -> int:
        return len(self.words)

    def rows(self, chosen: Boolean | Integer) -> FrameTable:
        """The chosen rows."""
        return FrameTable(*(getattr(self, name)[chosen] for name in vars(self)))

    def places(self, names: Sequence[str]) -> Integer:
        """Where each label stands among ``names``, ``(N,)``; -1 where it is none of them."""
        known = {name.casefold(): place for place, name in enumerate(names)}
        return np.array([known.get(word.casefold(), -1) for word in self.words.tolist()], np.int64)


def blend_word(blend: Mapping[str, int]) -> str:
    """The label of a blend: ``Anger 70 + Fear 30``; that of a single emotion is the emotion."""
    parts = [f"{emotion} {percent}" for emotion, percent in blend.items() if percent]
    return " + ".join(parts) if len(parts) > 1 else parts[0].partition(" ")[0]


def saliences(words: Sequence[str]) -> Double:
    """Labels as ``blend_word`` makes them -> percent ``(N, 7)``; zeros for any other word."""
    return np.array([_salience(word) for word in words], np.float64).reshape(len(words), len(BASIC))


def _salience(word: str) -> list[int]:
    row = [0] * len(BASIC)
    for part in word.split("+"):
        emotion, _, percent = part.strip().partition(" ")
        if emotion.capitalize() not in BASIC or not (percent or "100").isdecimal():
            return [0] * len(BASIC)
        row[BASIC.index(emotion.capitalize())] = int(percent or 100)
    return row


def read_frames(paths: Sequence[Path]) -> FrameTable:
    """The rows of all files, one after the other.

    Raises:
        InputError: a file is no such table, or holds no row.
    """
    tables = [_read(path) for path in paths]
    return FrameTable(*(np.concatenate([getattr(table, name) for table in tables]) for name in vars(tables[0])))


def _read(path: Path) -> FrameTable:
    columns = read_columns(path) if path.suffix == ".parquet" else _csv(path)
    missing = [name for name in ("label", *COLUMNS) if name not in columns]
    if missing:
        raise InputError(
            f"{path}: has no column {missing[0]}; a table of frames has label, {COLUMNS[0]} to {COLUMNS[-1]}"
        )
    words = np.array([str(word or "") for word in columns["label"]])
    if not len(words):
        raise InputError(f"{path}: holds no frame; give a table with rows")
    try:
        flat, active = (
            [[np.nan if cell in ("", None) else float(cell) for cell in columns.get(name, empty)] for name in names]
            for names, empty in ((COLUMNS, ()), (ACTIVITY, ("",) * len(words)))
        )
    except ValueError as error:
        raise InputError(f"{path}: a probability is no number ({error}); leave the cell empty") from error
    values = np.array(flat).T.reshape(len(words), len(NAMES), len(BASIC))
    valid = np.isfinite(values).all(axis=2)
    videos = np.array([str(video) for video in columns.get("video", [path.stem] * len(words))])
    recordings = np.array([str(name) for name in columns.get("recording", videos.tolist())])
    said = np.where(valid[:, :, np.newaxis], values, 0.0)
    return FrameTable(said, valid, words, videos, np.array(active).T, recordings)


def _csv(path: Path) -> Mapping[str, Sequence[Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            heading, *lines = csv.reader(file)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a table of frames, as avcer evaluate CORPUS writes") from error
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error})") from error
    if any(len(line) != len(heading) for line in lines):
        raise InputError(f"{path}: has lines longer or shorter than its heading; write it again")
    return dict(zip(heading, zip(*lines, strict=True), strict=True)) if lines else dict.fromkeys(heading, ())


def write_frames(table: FrameTable, path: Path) -> None:
    """Writes a CSV table that ``read_frames`` reads."""
    said = np.where(table.valid[:, :, np.newaxis], table.values, np.nan).reshape(len(table), -1)
    cells = np.column_stack([said, table.activity])
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video", "recording", "label", *COLUMNS, *ACTIVITY])
        names = zip(table.videos.tolist(), table.recordings.tolist(), table.words.tolist(), strict=True)
        for named, row in zip(names, cells.tolist(), strict=True):
            writer.writerow([*named, *("" if np.isnan(cell) else f"{cell:.7g}" for cell in row)])
