"""The tables of an analysis as data: typed columns, made once; CSV, JSON lines, Parquet and pandas only write them.

Rows are sorted by frame and then face, those without a face first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.labels import BASIC, NONE
from avcer.modalities import FUSED, Modality
from avcer.output.times import zero
from avcer.types import FUSED as FUSED_SOURCE
from avcer.types import KINDS, Boolean, Double, EmotionProbabilities, ExpressionTimeline, FaceTrack, Integer, Segment

_BOX: Final = (
    ("x1", "left side of the face's box, in pixels"),
    ("y1", "upper side of the box"),
    ("x2", "right side of the box"),
    ("y2", "lower side of the box"),
)
_EMOTION: Final = "probability of the emotion, 0 to 1"
_SCORE: Final = "score of this label, from all modalities together"


@dataclass(frozen=True, eq=False)
class Column:
    """A name, the ``values`` of all rows, and a line that says what they mean.

    Values are float64 (NaN: an empty cell), int64, or object (text; None: an empty cell). ``decimals`` is how many a
    number has in a text, 0 for whole numbers, and None for texts.
    """

    name: str
    values: NDArray[Any]
    description: str
    decimals: int | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, by order; ``name`` is the stem of the table's files."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """The column with that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self.columns[0].values)


def tables(analysis: Analysis) -> dict[str, Table]:
    """Every table by its name: one for each modality, then ``fused``, ``compound`` and ``segments``."""
    alone = {modality.name: modality_table(analysis, modality) for modality in analysis.modalities}
    return alone | {
        "fused": fused_table(analysis),
        "compound": compound_table(analysis),
        "segments": segments_table(analysis),
    }


def modality_table(analysis: Analysis, modality: Modality) -> Table:
    """What one modality says: a row per frame and face, or, where it speaks for the clip, per frame, the face empty.
    Cells are empty where it says nothing.
    """
    if modality.speaks_for == "face":
        rows = _Rows(analysis, [face for face in analysis.faces if face.track])
        return Table(modality.name, (*rows.place(), *rows.emotions(lambda face: face.said[modality.name])))
    frames = np.arange(len(analysis.times_s))
    place = _place(frames, analysis.times_s - zero(analysis, "file"), np.full(len(frames), np.nan))
    return Table(modality.name, (*place, *_emotion_columns(_emotion_cells(analysis.said[modality.name]))))


def fused_table(analysis: Analysis) -> Table:
    """The fused probabilities, divided by their total: rows as in the compound table."""
    rows = _Rows(analysis, analysis.faces)
    return Table("fused", (*rows.place(), *rows.emotions(lambda face: face.fused)))


def compound_table(analysis: Analysis) -> Table:
    """The decisions: the box, the label of each curve, what is known of the AV label, and the score of every label."""
    return Table("compound", _decision_columns(analysis, _Rows(analysis, analysis.faces)))


def whole_table(analysis: Analysis) -> Table:
    """The rows of the compound table, and beside them the probabilities of each modality and of all together."""
    rows = _Rows(analysis, analysis.faces)
    columns = list(_decision_columns(analysis, rows))
    for modality in analysis.modalities:
        columns += rows.emotions(lambda face, name=modality.name: face.said[name], f"{modality.name}_")  # type: ignore[misc]
    return Table("analysis", (*columns, *rows.emotions(lambda face: face.fused, f"{FUSED_SOURCE}_")))


def segments_table(analysis: Analysis) -> Table:
    """The stretches of one decision: by face, then time."""
    segments = [segment for face in analysis.faces for segment in face.segments]
    zero_s = zero(analysis, "file")

    def numbers(take: Callable[[Segment], float | None]) -> Double:
        return np.array([np.nan if take(each) is None else take(each) for each in segments], np.float64)

    def texts(take: Callable[[Segment], str]) -> NDArray[Any]:
        return np.array([take(each) for each in segments], object)

    columns = (
        Column("face", numbers(lambda segment: segment.face), "number of the face; empty: decided without one", 0),
        Column(
            "start_s", numbers(lambda segment: segment.start_s) - zero_s, "time at which the stretch begins, seconds", 6
        ),
        Column("end_s", numbers(lambda segment: segment.end_s) - zero_s, "time at which its last frame gives way", 6),
        Column("label", texts(lambda segment: segment.label), "label of the segment"),
        Column("kind", texts(lambda segment: segment.kind), "what the label is"),
        Column("salience", numbers(lambda segment: segment.salience), "mean salience of its frames, percent", 1),
        Column(
            "probability",
            numbers(lambda segment: segment.probability),
            "mean probability of its frames",
            6,
        ),
    )
    return Table("segments", columns)


class _Rows:
    """The rows of several faces in the order of the tables."""

    def __init__(self, analysis: Analysis, faces: Sequence[FaceAnalysis]) -> None:
        self.faces = faces
        self.times_s = analysis.times_s - zero(analysis, "file")
        self.frames = _joined([face.frames for face in faces], np.int64)
        self.ids = _joined([np.full(len(face.frames), np.nan if face.id is None else face.id) for face in faces])
        self.order = np.lexsort((np.nan_to_num(self.ids, nan=-1), self.frames))

    def take(self, part: Callable[[FaceAnalysis], NDArray[Any]], dtype: Any = np.float64) -> NDArray[Any]:
        """What ``part`` gives of each face, with a row for each of its frames, in the order of the tables."""
        return _joined([part(face) for face in self.faces], dtype)[self.order]

    def place(self) -> tuple[Column, ...]:
        return _place(self.frames[self.order], self.times_s, self.ids[self.order])

    def emotions(self, said: Callable[[FaceAnalysis], EmotionProbabilities], prefix: str = "") -> tuple[Column, ...]:
        if not self.faces:
            return _emotion_columns(np.zeros((0, len(BASIC))), prefix)
        return _emotion_columns(self.take(lambda face: _emotion_cells(said(face))), prefix)


def _decision_columns(analysis: Analysis, rows: _Rows) -> tuple[Column, ...]:
    boxes = rows.take(_box_cells) if rows.faces else np.zeros((0, 4))
    scores = rows.take(lambda face: _cells(face.expression.scores, face.expression.valid)) if rows.faces else None
    scores = np.zeros((0, len(analysis.labels))) if scores is None else scores

    def labels(heading: str) -> NDArray[Any]:
        return rows.take(lambda face: _labels(face.curve(heading), face.curve(heading).classes), object)

    def number(name: str) -> Double:
        return rows.take(lambda face: _cells(getattr(face.expression, name), face.expression.valid))

    return (
        *rows.place(),
        *(Column(name, boxes[:, side], meaning, 2) for side, (name, meaning) in enumerate(_BOX)),
        Column(FUSED, labels(FUSED), "the label decided from all modalities together"),
        *(Column(one.curve, labels(one.curve), f"the label from '{one.title}' alone") for one in analysis.modalities),
        Column("kind", rows.take(lambda face: _kinds(face.expression), object), "what the AV label is"),
        Column(
            "salience",
            number("salience"),
            "of a compound, the share of its first emotion in percent; of a basic emotion, 100",
            1,
        ),
        Column(
            "probability",
            number("probability"),
            "probability of the AV label; for none, of the most probable label",
            6,
        ),
        Column(
            "runner_up",
            rows.take(lambda face: _labels(face.expression, face.expression.runner_up), object),
            "the label with the second score",
        ),
        *(Column(name, scores[:, place], _SCORE, 6) for place, name in enumerate(analysis.labels)),
        *_asked(analysis, rows),
    )


def _asked(analysis: Analysis, rows: _Rows) -> tuple[Column, ...]:
    """The columns that are written on request alone."""
    options = analysis.provenance.get("options", {})
    columns = []
    if options.get("raw_labels"):
        raw = rows.take(lambda face: _labels(face.expression, face.expression.raw), object)
        columns.append(Column("label_raw", raw, "the AV label of this frame by itself, before labels are made steady"))
    if options.get("label_sets"):
        sets = rows.take(lambda face: _sets(face.expression), object)
        columns.append(
            Column("label_set", sets, "labels, the likeliest first, that hold the true one nine times in ten")
        )
    return tuple(columns)


def _place(frames: Integer, times_s: Double, faces: Double) -> tuple[Column, ...]:
    return (
        Column("frame", frames, "index of the frame in presentation order, counted from 0", 0),
        Column("time_s", times_s[frames], "time of the frame in seconds, from its presentation time stamp", 6),
        Column("face", faces, "number of the face's track; empty where the row is not about a face", 0),
    )


def _emotion_columns(cells: NDArray[Any], prefix: str = "") -> tuple[Column, ...]:
    return tuple(Column(prefix + name, cells[:, place], _EMOTION, 6) for place, name in enumerate(BASIC))


def _emotion_cells(emotions: EmotionProbabilities) -> Double:
    """``(T, 7)``, NaN where not valid; fused sums divided by their totals."""
    values = emotions.values
    if emotions.source == FUSED_SOURCE:
        totals = values.sum(axis=1, keepdims=True)
        values = values / np.where(totals > 0, totals, 1.0)
    return _cells(values, emotions.valid)


def _cells(values: Double, valid: Boolean) -> Double:
    return np.where(valid if values.ndim == 1 else valid[:, np.newaxis], values, np.nan)


def _labels(timeline: ExpressionTimeline, classes: Integer) -> NDArray[Any]:
    names = np.array([*timeline.labels, NONE, None], object)
    return names[np.where(timeline.valid, np.where(classes < 0, len(names) - 2, classes), len(names) - 1)]


def _sets(timeline: ExpressionTimeline) -> NDArray[Any]:
    """Names joined by '|', the likeliest first; 'none' of an empty set."""
    names = np.array(timeline.labels, object)
    order = np.argsort(-timeline.scores, axis=1, kind="stable")
    cells = np.full(len(order), None, object)
    for place in np.flatnonzero(timeline.valid).tolist():
        cells[place] = "|".join(names[order[place][timeline.sets[place][order[place]]]]) or NONE
    return cells


def _kinds(timeline: ExpressionTimeline) -> NDArray[Any]:
    return np.array([*KINDS, None], object)[np.where(timeline.valid, timeline.kind, len(KINDS))]


def _box_cells(face: FaceAnalysis) -> Double:
    """``(F, 4)``, NaN where the face was not seen."""
    cells = np.full((len(face.frames), 4), np.nan)
    track: FaceTrack | None = face.track
    if track is not None:
        # Rows of a track run from its first to its last frame; those in between without a box are gaps.
        cells[np.searchsorted(face.frames, track.frames)] = track.boxes
    return cells


def _joined(parts: Sequence[NDArray[Any]], dtype: Any = np.float64) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
