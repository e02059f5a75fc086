"""The records that travel from station to station, one frozen type a stage.

Time is seconds from presentation time stamps. Boxes and landmarks are pixels of the upright frame. Emotions are in
the order of ``labels.BASIC``. Arrays are given with their axes: T frames, N seen faces, L labels, M modalities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from html import escape
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from avcer.labels import BASIC, NONE, Vocabulary

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Integer = NDArray[np.int64]
Boolean = NDArray[np.bool_]
Image = NDArray[np.uint8]
"""``(height, width, 3)``, BGR."""

Kind = Literal["none", "neutral", "basic", "compound"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""What a label can be; a kind's code is its place here. ``none``: no label could be given."""

SAME_TIME_S: Final = 0.0005
"""Half a millisecond: times that differ by no more are one, as files round theirs to milliseconds, and floating-point
numbers are off by a little.
"""

FEW: Final = 16
LONGEST: Final = 300
"""A notebook shows arrays of so few numbers whole, and so many characters of anything else."""

FUSED: Final = "fused"
"""The source of what all modalities say together."""

Progress = Callable[[str, int, int], None]
"""A hook for progress: the stage's name, how much is done, and of how much (0 where that is not known)."""


def no_progress(stage: str, done: int, total: int) -> None:
    """The hook that does nothing."""


class Record:
    """What the records share: in a notebook each is a table of its fields, arrays by their shapes."""

    def _repr_html_(self) -> str:
        shown = {one.name: _in_short(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]
        rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in shown.items())
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def _in_short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > FEW:
        return f"{value.dtype} array {value.shape}"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


@dataclass(frozen=True)
class Clip(Record):
    """What is known of a file before any of its frames is decoded.

    ``frame_count`` is the container's own claim (0 where it makes none); ``average_rate`` is frames a second;
    ``width`` and ``height`` are those of the first frame as a player shows it; ``rotation`` is the display rotation
    that was applied, in degrees counter-clockwise, ``mirrored`` whether it was then mirrored left to right, and
    ``pixel_aspect`` the width of a stored pixel by its height. ``start_s`` is the time of the file that players show
    as 0. ``video_track`` counts from 1. ``sizes`` holds (index of the first frame, width, height) for every run of
    frames of one size; it is empty before they were decoded.
    """

    path: Path
    duration_s: float
    frame_count: int
    average_rate: float
    width: int
    height: int
    rotation: int
    has_video: bool
    has_audio: bool
    start_s: float = 0.0
    mirrored: bool = False
    pixel_aspect: float = 1.0
    video_track: int = 1
    sizes: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Frame(Record):
    """One upright picture: its index in presentation order from 0, its time, and its pixels (BGR)."""

    index: int
    time_s: float
    image: Image

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"<Frame {self.index} at {self.time_s:.3f} s, {width} x {height}>"


@dataclass(frozen=True, eq=False, repr=False)
class Face(Record):
    """One detected face: box ``(4,)`` x1, y1, x2, y2; landmarks ``(5, 2)`` eyes, nose, mouth corners; score 0-1."""

    box: Float
    landmarks: Float
    score: float

    def __post_init__(self) -> None:
        expect_shape("Face.box", self.box, (4,))
        expect_shape("Face.landmarks", self.landmarks, (5, 2))

    def __repr__(self) -> str:
        return f"<Face at {', '.join(f'{side:.0f}' for side in self.box.tolist())}, score {self.score:.2f}>"

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return float(max(self.box[2] - self.box[0], 0) * max(self.box[3] - self.box[1], 0))


@dataclass(frozen=True, eq=False, repr=False)
class FaceTrack(Record):
    """One person's faces. ``frames (N,)`` are the frames where the face was seen, rising; a number left out between
    the first and the last is a gap. ``boxes (N, 4)``, ``landmarks (N, 5, 2)``, ``scores (N,)`` go with them.
    """

    id: int
    frames: Integer
    boxes: Float
    landmarks: Float
    scores: Float

    def __post_init__(self) -> None:
        seen = len(self.frames)
        expect_shape("FaceTrack.boxes", self.boxes, (seen, 4))
        expect_shape("FaceTrack.landmarks", self.landmarks, (seen, 5, 2))
        expect_shape("FaceTrack.scores", self.scores, (seen,))

    def __repr__(self) -> str:
        return f"<FaceTrack {self.id}: seen on {len(self.frames)} frames>"

    @property
    def first(self) -> int:
        """The frame where the track begins."""
        return int(self.frames[0])

    @property
    def last(self) -> int:
        """The last frame on which the face was seen."""
        return int(self.frames[-1])

    @property
    def span(self) -> range:
        """All frames from the first to the last, gaps included."""
        return range(self.first, self.last + 1)


@dataclass(frozen=True, eq=False, repr=False)
class EmotionProbabilities(Record):
    """What one model says, frame by frame: ``times_s (T,)``, ``values (T, 7)``, ``valid (T,)``. Never logits.

    Rows that are not valid hold no meaning (they are zero). ``source`` is the modality's name, or ``fused``: then the
    values are the weighted sums themselves (not divided by their total), as the decision needs them.

    ``activity (T,)``: how much of what the model speaks of is there at all, NaN where that is not known: of a face, how
    much its mouth moves (``faces.mouth``); of sound, the chance that it is speech (``emotion.speech``).
    """

    times_s: Double
    values: Double
    valid: Boolean
    source: str
    activity: Double = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        expect_shape("EmotionProbabilities.times_s", self.times_s, (len(self.times_s),))
        if not self.activity.size:
            object.__setattr__(self, "activity", np.full(len(self.times_s), np.nan))
        expect_shape("EmotionProbabilities.activity", self.activity, (len(self.times_s),))
        expect_shape("EmotionProbabilities.values", self.values, (len(self.times_s), len(BASIC)))
        expect_shape("EmotionProbabilities.valid", self.valid, (len(self.times_s),))

    def __repr__(self) -> str:
        return f"<EmotionProbabilities of {self.source}: {len(self.times_s)} rows, {int(self.valid.sum())} valid>"


@dataclass(frozen=True, eq=False, repr=False)
class ExpressionTimeline(Record):
    """The decision, frame by frame, among the L ``labels`` that could be said.

    ``classes (T,)``: index of the label, -1 for 'none'; ``kind (T,)``: its place in ``KINDS``; ``salience (T,)``: the
    first emotion's share of a compound in percent, 100 for a basic emotion, else NaN; ``probability (T,)``: how sure
    the decision is (under the released rules, the winner's score); ``runner_up (T,)``: index of the second label, -1
    where there is none; ``scores (T, L)``; ``shares (T, M)``: how much each modality gave to the winner, adding up to
    1 (zero for 'none'; M is 0 where that is not asked, as for a single modality); ``valid (T,)``: whether there is a
    decision at all. ``vocabulary`` holds the compounds that the decision chose from.

    ``raw (T,)``: the index of the label that each frame would have by itself, before labels were made steady in time.
    ``sets (T, L)``: the labels of the frame's 90 % set, under the rule ``open``; else none.
    """

    times_s: Double
    classes: Integer
    kind: Integer
    salience: Double
    probability: Double
    runner_up: Integer
    scores: Double
    shares: Double
    valid: Boolean
    labels: tuple[str, ...]
    vocabulary: Vocabulary
    raw: Integer = field(default_factory=lambda: np.zeros(0, np.int64))
    sets: Boolean = field(default_factory=lambda: np.zeros((0, 0), np.bool_))

    def __post_init__(self) -> None:
        frames = len(self.times_s)
        if not self.raw.size:
            object.__setattr__(self, "raw", self.classes.copy())
        if not self.sets.size:
            object.__setattr__(self, "sets", np.zeros((frames, len(self.labels)), np.bool_))
        for name in ("classes", "kind", "salience", "probability", "runner_up", "valid", "raw"):
            expect_shape(f"ExpressionTimeline.{name}", getattr(self, name), (frames,))
        expect_shape("ExpressionTimeline.scores", self.scores, (frames, len(self.labels)))
        expect_shape("ExpressionTimeline.sets", self.sets, (frames, len(self.labels)))
        expect_shape("ExpressionTimeline.shares", self.shares, (frames, *self.shares.shape[1:2]))

    def __repr__(self) -> str:
        rows, known = len(self.times_s), int(self.valid.sum())
        return f"<ExpressionTimeline: {rows} rows, {known} decided, {len(self.labels)} labels>"

    def label(self, index: int) -> str:
        """The label with that index; ``none`` for -1."""
        return NONE if index < 0 else self.labels[index]

    @property
    def compounds(self) -> Integer:
        """``(T,)``: the index of the compound in the vocabulary; -1 where the label is none."""
        return np.maximum(self.classes - self._others, -1)

    @property
    def compound_scores(self) -> Double:
        """``(T, C)``: the scores of the compounds alone."""
        return self.scores[:, self._others :]

    @property
    def _others(self) -> int:
        """How many labels come before the compounds."""
        return len(self.labels) - len(self.vocabulary)

    def rows(self, chosen: Boolean | Integer | slice) -> ExpressionTimeline:
        """The chosen rows alone."""
        parts = {name: getattr(self, name)[chosen] for name in ("times_s", *PER_FRAME)}
        return replace(self, **parts)


PER_FRAME: Final = (
    *("classes", "kind", "salience", "probability", "runner_up", "scores", "shares", "valid", "raw", "sets"),
)
"""The arrays of an ``ExpressionTimeline`` that have a row for each frame, beside its times."""


@dataclass(frozen=True)
class Segment(Record):
    """A stretch of time with one decision: seconds, the label and its kind, and the means of salience (percent; None
    where the label has none) and probability. The face is None for what is decided without one.
    """

    face: int | None
    start_s: float
    end_s: float
    label: str
    kind: Kind
    salience: float | None
    probability: float

    @property
    def compound(self) -> str:
        """The same as ``label``: the name that it had when nothing but compounds was decided."""
        return self.label


def expect_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raises ValueError, naming the field, the expected and the actual shape, unless they agree."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}")
