"""Sight: the pictures of a clip, from frames to face tracks with the probabilities of the two visual models.

Frames travel in small batches, so that memory does not grow with the length of the clip: pixels are dropped as soon
as their faces have been looked at, and a face costs two hundred bytes a frame from then on. While the faces of one
batch are looked at, they are looked for in the next, and the one after it is decoded.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Final

import numpy as np

from avcer.ahead import ahead
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.looks import LookPlan, Reader, Sighting, as_sighted
from avcer.emotion.static import StaticModel
from avcer.faces.crop import crop
from avcer.faces.cuts import CutDetector
from avcer.faces.detect import Detector
from avcer.faces.sparse import Detections, FaceFinder, SparseDetector
from avcer.faces.track import Tracker
from avcer.timing import Stages
from avcer.types import Double, Face, FaceTrack, Float, Frame, Image, Progress, no_progress

MAX_BATCH: Final = 36
MAX_BATCH_PIXELS: Final = 16_000_000
"""A batch of frames holds at most this many pixels, 48 MB; three are held at once."""
MAX_STRIDE_PIXELS: Final = 50_000_000
"""A single stride of large frames may hold this many (or one frame), 150 MB: six of 3840x2160, from which only the last
need be looked at.
"""
ROOM: Final = {"cpu": 1, "cuda": 4}
"""So many times the frames and pixels of a batch: 144 and 64 million (192 MB) where a GPU wants to be filled."""


@dataclass(frozen=True)
class VisualModels:
    """The three models that look at pictures."""

    detector: Detector
    static: StaticModel
    dynamic: DynamicModel


@dataclass(frozen=True)
class Cadence:
    """How often the pictures are looked at: for faces at every ``detect_every``-th frame at least, see
    ``faces.sparse``; and at the faces as ``looks`` says. The default is every frame.

    ``detect_looks``: a face is looked at where it was found on that very frame, so that for these faces are looked for
    there, too; else where it is taken to be. ``room``: see ``ROOM``.
    """

    detect_every: int = 1
    looks: LookPlan = field(default_factory=LookPlan)
    detect_looks: bool = False
    room: int = 1

    def batch(self, pixels: int) -> int:
        """Frames of so many pixels a batch: as many whole strides as fit; less than one only where the pixels are too
        many, but a frame at least.
        """
        stride = max(self.detect_every, self.looks.every or 1)
        one_stride = min(stride, MAX_STRIDE_PIXELS // pixels)
        most = min(max(self.room * MAX_BATCH, stride), max(self.room * MAX_BATCH_PIXELS // pixels, one_stride, 1))
        return most - most % stride or most


@dataclass(frozen=True)
class Sight:
    """What was seen: ``times_s (T,)`` of all frames; the tracks by id; and what the models say of each.

    ``visual``: track id -> static and dynamic probabilities, ``(N, 7)`` each, a row for each of the track's frames.
    """

    times_s: Double
    tracks: tuple[FaceTrack, ...]
    visual: Mapping[int, tuple[Double, Double]]


def look(
    frames: Iterable[Frame],
    models: VisualModels,
    cadence: Cadence = Cadence(),
    stages: Stages | None = None,
    progress: Progress = no_progress,
) -> Sight:
    """Finds, follows and reads the faces of ``frames``, which come in presentation order; they are taken from another
    thread, and looked for in a second one.
    """
    stages = stages or Stages()
    watcher = _Watcher(models, cadence, stages)
    finder = SparseDetector(_InTurn(models.detector, stages), cadence.detect_every)
    with (
        closing(ahead(_batches(stages.timed("decode", frames), cadence, stages), count=1)) as batches,
        closing(ahead(_detected(batches, finder), count=1)) as detected,
    ):
        for batch, found in detected:
            watcher.watch(batch, found)
            progress("pictures", len(watcher.times_s), 0)
    return watcher.sight()


@dataclass(frozen=True)
class _Batch:
    """Successive frames of one size, and for each whether a new scene begins with it."""

    frames: Sequence[Frame]
    cuts: Sequence[bool]


class _Watcher:
    """What has been seen so far; ``watch`` takes the next frames."""

    def __init__(self, models: VisualModels, cadence: Cadence, stages: Stages) -> None:
        self.times_s = array("d")
        self._stages = stages
        self._detect_looks = cadence.detect_looks
        self._tracker = Tracker(begin_score=models.detector.begin_score)
        self._reader = Reader(models.static, models.dynamic, cadence.looks, stages)

    def watch(self, batch: _Batch, found: Detections) -> None:
        sightings: list[Sighting] = []
        with self._stages.stage("follow", len(batch.frames)):
            for at, (frame, cut) in enumerate(zip(batch.frames, batch.cuts, strict=True)):
                self.times_s.append(frame.time_s)
                sightings += self._follow(frame, cut, found.faces[at])
        locate = partial(self._locate, found, batch.frames[0].index) if self._detect_looks else as_sighted
        self._reader.read(sightings, locate)

    def _follow(self, frame: Frame, cut: bool, faces: Sequence[Face]) -> list[Sighting]:
        """Gives each face its track; a face without a pixel inside the frame is none."""
        inside = [face for face in faces if crop(frame.image, face.box) is not None]
        ids = self._tracker.update(frame.index, frame.time_s, inside, cut)
        return [
            Sighting(track, frame.index, frame.time_s, frame.image, face.box)
            for track, face in zip(ids, inside, strict=True)
            if track is not None
        ]

    def _locate(self, found: Detections, first: int, sightings: Sequence[Sighting]) -> list[Float]:
        """Looks for the faces of the sightings on their own frames, of which ``first`` begins the batch. Where one is
        found its track has it, and all others stay on their lines.
        """
        guessed = [one.frame - first not in found.looked_at for one in sightings]
        found.look(one.frame - first for one in sightings)
        return [
            self._corrected(one, found.nearest(one.frame - first, one.box)) if guess else one.box
            for one, guess in zip(sightings, guessed, strict=True)
        ]

    def _corrected(self, sighting: Sighting, face: Face | None) -> Float:
        """The box of ``face``, which the track takes; or that of the sighting, for no face, or one out of the frame."""
        if face is None or crop(sighting.image, face.box) is None:
            return sighting.box
        self._tracker.correct(sighting.track, sighting.frame, face)
        return face.box

    def sight(self) -> Sight:
        return Sight(np.array(self.times_s), tuple(self._tracker.tracks()), self._reader.readings())


class _InTurn:
    """A detector for two threads, of which one at a time looks for faces; only that counts as its time."""

    def __init__(self, finder: FaceFinder, stages: Stages) -> None:
        self._finder = finder
        self._stages = stages
        self._turn = Lock()

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        """See ``FaceFinder``."""
        with self._turn, self._stages.stage("detect", len(images)):
            return self._finder.detect_batch(images)


def _detected(batches: Iterable[_Batch], finder: SparseDetector) -> Iterator[tuple[_Batch, Detections]]:
    for batch in batches:
        yield batch, finder.detect([frame.image for frame in batch.frames], batch.cuts)


def _batches(frames: Iterable[Frame], cadence: Cadence, stages: Stages) -> Iterator[_Batch]:
    """Runs of frames of one size, bounded in number and in pixels, with the cuts among them."""
    detector = CutDetector()
    batch: list[Frame] = []
    cuts: list[bool] = []
    for frame in frames:
        height, width = frame.image.shape[:2]
        if batch and (len(batch) == cadence.batch(height * width) or batch[0].image.shape != frame.image.shape):
            yield _Batch(batch, cuts)
            batch, cuts = [], []
        with stages.stage("cuts"):
            cuts.append(detector.update(frame.image))
        batch.append(frame)
    if batch:
        yield _Batch(batch, cuts)
