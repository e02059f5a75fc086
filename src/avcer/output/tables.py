"""The tables of an analysis as CSV: one for each modality, then fused, compound, segments.

Rows are made and written one by one, sorted by frame and then face: memory does not grow with the clip.
"""

from __future__ import annotations

import csv
import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.files import atomic_text
from avcer.labels import BASIC
from avcer.modalities import FUSED, Modality
from avcer.types import KINDS, Boolean, Double, EmotionProbabilities, ExpressionTimeline, FaceTrack, Integer

Row = tuple[int | str, ...]

_PLACE: Final = ("frame", "time_s", "face")
_BOX: Final = ("x1", "y1", "x2", "y2")
_DECISION: Final = ("kind", "salience", "probability", "runner_up")
_BLOCK: Final = 1024
"""Rows that are turned from arrays into Python numbers at a time."""


@dataclass(frozen=True)
class Table:
    """The names of the columns, and the rows as they come."""

    columns: tuple[str, ...]
    rows: Iterable[Row]


def write_tables(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes every table into ``folder`` and returns the paths.

    Raises:
        OutputError: a file cannot be written; it is then not there, or as it was before.
    """
    return [_write(folder / f"{name}.csv", table) for name, table in tables(analysis).items()]


def modality_table(analysis: Analysis, modality: Modality) -> Table:
    """What one modality says: a row per frame and face, or, where it speaks for the clip, per frame, the face empty.
    Cells are empty where it says nothing.
    """
    if modality.speaks_for == "face":
        return _emotions(analysis, [(face, face.said[modality.name]) for face in analysis.faces if face.track])
    frames = np.arange(len(analysis.times_s))
    return Table((*_PLACE, *BASIC), _emotion_rows(analysis.times_s, None, frames, analysis.said[modality.name]))


def fused_table(analysis: Analysis) -> Table:
    """The fused probabilities, divided by their total: rows as in the compound table."""
    return _emotions(analysis, [(face, face.fused) for face in analysis.faces])


def compound_table(analysis: Analysis) -> Table:
    """The decisions: the box, the class of each curve, the winner's score, the runner-up, and every score of AV."""
    curves = tuple(modality.curve for modality in analysis.modalities)
    columns = (*_PLACE, *_BOX, FUSED, *curves, *_DECISION, *analysis.leader().labels)
    return Table(columns, _merged(_compound_rows(analysis.times_s, face, curves) for face in analysis.faces))


def segments_table(analysis: Analysis) -> Table:
    """The stretches of one decision: by face, then time."""
    segments = [segment for face in analysis.faces for segment in face.segments]
    rows = (
        (
            _label(s.face),
            f"{s.start_s:.6f}",
            f"{s.end_s:.6f}",
            s.label,
            s.kind,
            "" if s.salience is None else f"{s.salience:.1f}",
            f"{s.probability:.6f}",
        )
        for s in segments
    )
    return Table(("face", "start_s", "end_s", "label", "kind", "salience", "probability"), rows)


def tables(analysis: Analysis) -> dict[str, Table]:
    """Each table by the stem of its file: one for each modality, then what is made of them."""
    alone = {modality.name: modality_table(analysis, modality) for modality in analysis.modalities}
    return alone | {
        "fused": fused_table(analysis),
        "compound": compound_table(analysis),
        "segments": segments_table(analysis),
    }


def _write(path: Path, table: Table) -> Path:
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)
    return path


def _emotions(analysis: Analysis, sources: list[tuple[FaceAnalysis, EmotionProbabilities]]) -> Table:
    rows = (_emotion_rows(analysis.times_s, face.id, face.frames, values) for face, values in sources)
    return Table((*_PLACE, *BASIC), _merged(rows))


def _merged(rows_by_face: Iterable[Iterator[Row]]) -> Iterator[Row]:
    return heapq.merge(*rows_by_face, key=lambda row: (row[0], -1 if row[2] == "" else row[2]))


def _emotion_rows(
    times_s: Double, face: int | None, frames: Integer, probabilities: EmotionProbabilities
) -> Iterator[Row]:
    for block in _blocks(len(frames)):
        values = probabilities.values[block]
        cells = _cells(_divided(values) if probabilities.source == "fused" else values, probabilities.valid[block])
        for frame, row in zip(frames[block].tolist(), cells, strict=True):
            yield (frame, f"{times_s[frame]:.6f}", _label(face), *row)


def _compound_rows(times_s: Double, face: FaceAnalysis, curves: tuple[str, ...]) -> Iterator[Row]:
    timeline = face.expression
    for block in _blocks(len(face.frames)):
        valid, frames = timeline.valid[block], face.frames[block]
        columns = zip(
            frames.tolist(),
            _box_cells(face.track, frames),
            zip(*(_names(face.curve(name), face.curve(name).classes, block) for name in (FUSED, *curves)), strict=True),
            _kinds(timeline, block),
            _saliences(timeline.salience[block]),
            _cells(timeline.probability[block, None], valid),
            _names(timeline, timeline.runner_up, block),
            _cells(timeline.scores[block], valid),
            strict=True,
        )
        for frame, box, labels, kind, salience, (probability,), runner_up, scores in columns:
            place = (frame, f"{times_s[frame]:.6f}", _label(face.id))
            yield (*place, *box, *labels, kind, salience, probability, runner_up, *scores)


def _kinds(timeline: ExpressionTimeline, block: slice) -> Iterator[str]:
    for code, there in zip(timeline.kind[block].tolist(), timeline.valid[block].tolist(), strict=True):
        yield KINDS[code] if there else ""


def _saliences(percents: Double) -> Iterator[str]:
    for percent in percents.tolist():
        yield "" if math.isnan(percent) else f"{percent:.1f}"


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, rows, _BLOCK))


def _cells(values: Double, valid: Boolean) -> Iterator[tuple[str, ...]]:
    empty = ("",) * values.shape[1]
    for row, there in zip(values.tolist(), valid.tolist(), strict=True):
        yield tuple(f"{value:.6f}" for value in row) if there else empty


def _names(timeline: ExpressionTimeline, classes: Integer, block: slice) -> Iterator[str]:
    for index, there in zip(classes[block].tolist(), timeline.valid[block].tolist(), strict=True):
        yield timeline.label(index) if there else ""


def _box_cells(track: FaceTrack | None, frames: Integer) -> Iterator[tuple[str, ...]]:
    if track is None:
        return (("",) * 4 for _ in frames)
    # Rows of a track run from its first to its last frame; those in between without a box are gaps.
    places = np.searchsorted(track.frames, frames)
    seen = track.frames[places] == frames
    boxes = track.boxes[places].tolist()
    return (
        tuple(f"{side:.2f}" for side in box) if there else ("",) * 4 for box, there in zip(boxes, seen, strict=True)
    )


def _divided(sums: Double) -> Double:
    """Weighted sums ``(T, 7)`` divided by their totals."""
    totals = sums.sum(axis=1, keepdims=True)
    return np.asarray(sums / np.where(totals > 0, totals, 1.0), dtype=np.float64)


def _label(face: int | None) -> int | str:
    return "" if face is None else face
