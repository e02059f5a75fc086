"""Sight: the pictures of a clip, from frames to face tracks with the probabilities of the two visual models.

Frames travel in small batches, so that memory does not grow with the length of the clip: pixels are dropped as soon
as their faces have been looked at, and a face costs two hundred bytes a frame from then on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from avcer.emotion.dynamic import DynamicModel, FeatureWindow
from avcer.emotion.static import StaticModel
from avcer.faces.cuts import CutDetector
from avcer.faces.detect import Detector
from avcer.faces.track import Tracker
from avcer.labels import BASIC
from avcer.types import Double, Face, FaceTrack, Float, Frame, Progress, no_progress

MAX_BATCH: Final = 8
MAX_BATCH_PIXELS: Final = 4_000_000
"""A batch of frames holds at most this many pixels (or one frame), 12 MB."""


@dataclass(frozen=True)
class VisualModels:
    """The three models that look at pictures."""

    detector: Detector
    static: StaticModel
    dynamic: DynamicModel


@dataclass(frozen=True)
class Sight:
    """What was seen: ``times_s (T,)`` of all frames; the tracks by id; and what the models say of each.

    ``visual``: track id -> static and dynamic probabilities, ``(N, 7)`` each, a row for each of the track's frames.
    """

    times_s: Double
    tracks: tuple[FaceTrack, ...]
    visual: dict[int, tuple[Double, Double]]


def look(frames: Iterable[Frame], models: VisualModels, total: int = 0, progress: Progress = no_progress) -> Sight:
    """Finds, follows and reads the faces of ``frames``, which come in presentation order.

    ``total`` is the number of frames to expect, for ``progress`` alone.
    """
    watcher = _Watcher(models)
    for batch in _batches(frames):
        watcher.watch(batch)
        progress("pictures", len(watcher.times_s), total)
    return watcher.sight()


@dataclass
class _Readings:
    """The emotions of one face so far: a static row for each seen frame, a dynamic row for each step of the window."""

    window: FeatureWindow
    static: array[float] = field(default_factory=lambda: array("d"))
    dynamic: array[float] = field(default_factory=lambda: array("d"))
    steps: array[int] = field(default_factory=lambda: array("q"))  # the static rows at which the dynamic rows begin

    def static_rows(self) -> Double:
        return np.array(self.static).reshape(-1, len(BASIC))

    def dynamic_rows(self) -> Double:
        """A row for each seen frame: between steps the last output holds."""
        outputs = np.array(self.dynamic).reshape(-1, len(BASIC))
        frames = np.arange(len(self.static) // len(BASIC))
        held: Double = outputs[np.searchsorted(np.array(self.steps), frames, side="right") - 1]
        return held


@dataclass(frozen=True)
class _Look:
    """One face of one frame, ready for the static model."""

    track: int
    time_s: float
    crop: Float


class _Watcher:
    """What has been seen so far; ``watch`` takes the next frames."""

    def __init__(self, models: VisualModels) -> None:
        self.times_s = array("d")
        self._models = models
        self._cuts = CutDetector()
        self._tracker = Tracker(begin_score=models.detector.begin_score)
        self._readings: dict[int, _Readings] = {}

    def watch(self, batch: Sequence[Frame]) -> None:
        looks: list[_Look] = []
        detections = self._models.detector.detect_batch([frame.image for frame in batch])
        for frame, faces in zip(batch, detections, strict=True):
            self.times_s.append(frame.time_s)
            looks += self._follow(frame, faces)
        if looks:
            self._read(looks)

    def _follow(self, frame: Frame, faces: Sequence[Face]) -> list[_Look]:
        """Gives each face its track; a face without a pixel inside the frame is none."""
        crops = [self._models.static.prepare(frame.image, face.box) for face in faces]
        kept = [(face, crop) for face, crop in zip(faces, crops, strict=True) if crop is not None]
        cut = self._cuts.update(frame.image)
        ids = self._tracker.update(frame.index, frame.time_s, [face for face, _ in kept], cut)
        looks = [(track, crop) for track, (_, crop) in zip(ids, kept, strict=True) if track is not None]
        return [_Look(track, frame.time_s, crop) for track, crop in looks]

    def _read(self, looks: Sequence[_Look]) -> None:
        output = self._models.static.predict(np.stack([look.crop for look in looks]))
        steps: list[tuple[_Readings, Float]] = []
        for look, probabilities, feature in zip(looks, output.probabilities, output.features, strict=True):
            readings = self._readings_of(look.track)
            row = len(readings.static) // len(BASIC)
            readings.static.extend(probabilities.tolist())
            window = readings.window.push(look.time_s, feature)
            if window is not None:
                readings.steps.append(row)
                steps.append((readings, window))
        if steps:
            outputs = self._models.dynamic.predict(np.stack([window for _, window in steps]))
            for (readings, _), probabilities in zip(steps, outputs, strict=True):
                readings.dynamic.extend(probabilities.tolist())

    def _readings_of(self, track: int) -> _Readings:
        if track not in self._readings:
            self._readings[track] = _Readings(self._models.dynamic.window())
        return self._readings[track]

    def sight(self) -> Sight:
        return Sight(
            times_s=np.array(self.times_s),
            tracks=tuple(self._tracker.tracks()),
            visual={track: (kept.static_rows(), kept.dynamic_rows()) for track, kept in self._readings.items()},
        )


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Runs of frames of one size, bounded in number and in pixels."""
    batch: list[Frame] = []
    for frame in frames:
        height, width = frame.image.shape[:2]
        full = len(batch) == min(MAX_BATCH, max(1, MAX_BATCH_PIXELS // (height * width)))
        if batch and (full or batch[0].image.shape != frame.image.shape):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch
