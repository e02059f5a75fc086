"""The records that travel from station to station, one frozen type a stage.

Time is seconds from presentation time stamps. Boxes and landmarks are pixels of the upright frame. Emotions are in
the order of ``labels.BASIC``. Arrays are given with their axes: T frames, N seen faces, C compounds, M modalities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from avcer.labels import BASIC, Vocabulary

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Integer = NDArray[np.int64]
Boolean = NDArray[np.bool_]
Image = NDArray[np.uint8]
"""``(height, width, 3)``, BGR."""

Source = Literal["static", "dynamic", "audio", "fused"]
MODALITIES: Final = ("static", "dynamic", "audio")
"""The three models in the order of the rows of every fusion weight matrix (VS, VD, A)."""

Progress = Callable[[str, int, int], None]
"""A hook for progress: the stage's name, how much is done, and of how much (0 where that is not known)."""


def no_progress(stage: str, done: int, total: int) -> None:
    """The hook that does nothing."""


@dataclass(frozen=True)
class Clip:
    """What is known of a file before any of its frames is decoded.

    ``frame_count`` is the container's own claim (0 where it makes none); ``average_rate`` is frames a second;
    ``width`` and ``height`` are those of the upright frame; ``rotation`` is the display rotation that was applied,
    in degrees counter-clockwise.
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


@dataclass(frozen=True)
class Frame:
    """One upright picture: its index in presentation order from 0, its time, and its pixels (BGR)."""

    index: int
    time_s: float
    image: Image


@dataclass(frozen=True)
class Face:
    """One detected face: box ``(4,)`` x1, y1, x2, y2; landmarks ``(5, 2)`` eyes, nose, mouth corners; score 0-1."""

    box: Float
    landmarks: Float
    score: float

    def __post_init__(self) -> None:
        expect_shape("Face.box", self.box, (4,))
        expect_shape("Face.landmarks", self.landmarks, (5, 2))

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return float(max(self.box[2] - self.box[0], 0) * max(self.box[3] - self.box[1], 0))


@dataclass(frozen=True)
class FaceTrack:
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


@dataclass(frozen=True)
class EmotionProbabilities:
    """What one model says, frame by frame: ``times_s (T,)``, ``values (T, 7)``, ``valid (T,)``. Never logits.

    Rows that are not valid hold no meaning (they are zero). ``source`` names the model. For ``fused``, values are the
    weighted sums themselves (not divided by their total), as the decision needs them.
    """

    times_s: Double
    values: Double
    valid: Boolean
    source: Source

    def __post_init__(self) -> None:
        expect_shape("EmotionProbabilities.times_s", self.times_s, (len(self.times_s),))
        expect_shape("EmotionProbabilities.values", self.values, (len(self.times_s), len(BASIC)))
        expect_shape("EmotionProbabilities.valid", self.valid, (len(self.times_s),))


@dataclass(frozen=True)
class CompoundTimeline:
    """The decision, frame by frame, over the C compounds of ``vocabulary``.

    ``classes (T,)``: index of the winner, -1 for 'none'; ``probability (T,)``: its score; ``runner_up (T,)``: index
    of the second, -1 where none scores; ``scores (T, C)``; ``shares (T, 3)``: how much of the winner's score came
    from each of ``MODALITIES``, adding up to 1 (zero for 'none'); ``valid (T,)``: whether there is a decision at all.
    """

    times_s: Double
    classes: Integer
    probability: Double
    runner_up: Integer
    scores: Double
    shares: Double
    valid: Boolean
    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        frames = len(self.times_s)
        for name in ("classes", "probability", "runner_up", "valid"):
            expect_shape(f"CompoundTimeline.{name}", getattr(self, name), (frames,))
        expect_shape("CompoundTimeline.scores", self.scores, (frames, len(self.vocabulary)))
        expect_shape("CompoundTimeline.shares", self.shares, (frames, len(MODALITIES)))


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one decision: seconds, the compound's name, its mean probability; face None = sound."""

    face: int | None
    start_s: float
    end_s: float
    compound: str
    probability: float


def expect_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raises ValueError, naming the field, the expected and the actual shape, unless they agree."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}")
