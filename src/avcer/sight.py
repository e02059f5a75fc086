"""Sight: from frames to face tracks with the probabilities of the two visual models.

Frames travel in small batches, so that memory does not grow with the length of the clip: pixels are dropped as soon
as their faces are classified, and a face costs two hundred bytes a frame from then on. While the faces of one batch
are classified, the detector runs on the next one.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Final

import numpy as np

from avcer.emotion.classify import FaceClassifier, Observation, observed_boxes
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.faces.crop import crop
from avcer.faces.cuts import CutDetector
from avcer.faces.detect import Detector
from avcer.faces.leadership import LargestNow
from avcer.faces.mouth import MouthMovement
from avcer.faces.portraits import Portraits
from avcer.faces.sparse import Detections, FaceFinder, SparseDetector
from avcer.faces.track import Tracker
from avcer.modalities import DYNAMIC, STATIC
from avcer.sampling import Batcher, SamplingPlan
from avcer.timing import Stages
from avcer.types import Double, Face, FaceTrack, Float, Frame, Image, Integer
from avcer.waiting import result_of

SAME_SHAPE: Final = 0.05
"""Pictures whose width by height differs by no more than this show the same in another size."""

Seen = Callable[[int], None]
"""Called after each batch with the number of frames that are done."""


@dataclass(frozen=True)
class VisualModels:
    """The three models of the pictures."""

    detector: Detector
    static: StaticModel
    dynamic: DynamicModel


@dataclass(frozen=True)
class FaceRows:
    """New rows of one face: where it was seen, what each model says there, ``(N, 7)`` by its modality's name, and how
    much its ``mouth (N,)`` moves.

    ``continues``: the first row was given before; it tells on which frames in between the face was missed.
    """

    track: FaceTrack
    said: Mapping[str, Double]
    mouth: Double
    continues: bool


class Watcher:
    """Detects, tracks and classifies the faces of frames that come in batches, in presentation order.

    ``detect`` may run in another thread than the rest, one batch ahead.
    """

    def __init__(
        self,
        models: VisualModels,
        plan: SamplingPlan | None = None,
        stages: Stages | None = None,
        portraits: Portraits | None = None,
    ) -> None:
        plan, self._stages = plan or SamplingPlan(), stages or Stages()
        self._times_s = array("d")
        self._leads = array("q")
        self._cuts = CutDetector()
        self._detector = SparseDetector(_InTurn(models.detector, self._stages), plan.detect_every)
        self._detect_classified = plan.detect_classified
        self._tracker = Tracker(begin_score=models.detector.begin_score)
        self._leadership = LargestNow()
        self._classifier = FaceClassifier(models.static, models.dynamic, plan.classify, self._stages)
        self._portraits = portraits
        self._mouths: dict[int, tuple[MouthMovement, array[float]]] = {}
        self._given: dict[int, int] = {}
        self._size: tuple[int, int] | None = None

    def detect(self, frames: Sequence[Frame]) -> Detections:
        """Finds cuts and faces in the next batch of frames of one size."""
        cuts = []
        for frame in frames:
            with self._stages.stage("cuts"):
                cuts.append(self._cuts.update(frame.image))
        return self._detector.detect([frame.image for frame in frames], cuts)

    def watch(self, frames: Sequence[Frame], found: Detections) -> None:
        """Tracks and classifies what ``detect`` found on these frames; their rows are settled afterwards."""
        observations: list[Observation] = []
        with self._stages.stage("follow", len(frames)):
            for at, frame in enumerate(frames):
                observations += self._follow(frame, found.cuts[at], found.faces[at])
        with self._stages.stage("mouth", len(observations)):
            for one in observations:
                movement, rows_of = self._mouths.setdefault(one.track, (MouthMovement(), array("d")))
                rows_of.append(movement(one.time_s, one.image, one.box))
        self._given |= {one.track: 0 for one in observations if one.track not in self._given}
        locate = partial(self._locate, found, frames[0].index) if self._detect_classified else observed_boxes
        self._classifier.classify(observations, locate)

    @property
    def count(self) -> int:
        """How many frames are done."""
        return len(self._times_s)

    def times_s(self, start: int = 0, stop: int | None = None) -> Double:
        """The times of the frames from ``start`` up to ``stop``."""
        return np.array(self._times_s[start:stop], np.float64)

    def leads(self, start: int = 0, stop: int | None = None) -> Integer:
        """The id of the largest face on each of those frames, with hysteresis; see ``LargestNow``."""
        return np.array(self._leads[start:stop], np.int64)

    def tracks(self) -> tuple[FaceTrack, ...]:
        """All tracks so far, by id."""
        return tuple(self._tracker.tracks())

    def probabilities(self) -> dict[int, Mapping[str, Double]]:
        """Track id -> modality -> probabilities ``(N, 7)``, a row for each of the track's frames."""
        return {track: self._said(*rows) for track, rows in self._classifier.probabilities().items()}

    def mouths(self) -> dict[int, Double]:
        """Track id -> how much its mouth moves ``(N,)``, see ``faces.mouth``; rows as of ``probabilities``."""
        return {track: self._mouth(track) for track in self._mouths}

    def settled(self, before: int) -> Iterator[FaceRows]:
        """Each face's rows on frames before ``before`` that were not given yet; no later frame can change them."""
        alive = set(self._tracker.alive())
        for track, given in sorted(self._given.items()):
            seen = self._tracker.seen_before(track, before)
            if seen > given:
                start = max(given - 1, 0)
                said = self._said(*self._classifier.rows(track, start, seen))
                yield FaceRows(self._tracker.rows(track, start, seen), said, self._mouth(track, start, seen), given > 0)
                self._given[track] = seen
            if track not in alive and self._tracker.span(track)[1] < before:
                del self._given[track]

    def spans(self) -> tuple[list[tuple[int, int]], int]:
        """First and last frame of the tracks whose rows were not all given yet, and from which frame on a face that is
        missed now may turn out to have been there.
        """
        open_from = [self._tracker.span(track)[1] + 1 for track in self._tracker.alive()]
        return [self._tracker.span(track) for track in self._given], min([self.count, *open_from])

    def open(self) -> list[int]:
        """The ids of the tracks whose rows were not all given yet, or that may still go on."""
        return list(self._given)

    @staticmethod
    def _said(static: Double, dynamic: Double) -> Mapping[str, Double]:
        return {STATIC.name: static, DYNAMIC.name: dynamic}

    def _follow(self, frame: Frame, cut: bool, faces: Sequence[Face]) -> list[Observation]:
        """Gives each face its track; a face without a pixel inside the frame is none."""
        inside = [face for face in faces if crop(frame.image, face.box) is not None]
        turned = self._resized(frame.image)
        ids = self._tracker.update(frame.index, frame.time_s, inside, cut or turned)
        tracked = [(track, face) for track, face in zip(ids, inside, strict=True) if track is not None]
        areas = {track: face.area for track, face in tracked}
        self._times_s.append(frame.time_s)
        self._leads.append(self._leadership.update(frame.time_s, areas, self._tracker.alive()))
        if self._portraits is not None:
            for track, face in tracked:
                self._portraits.add(track, frame, face.box)
        return [Observation(track, frame.index, frame.time_s, frame.image, face.box) for track, face in tracked]

    def _mouth(self, track: int, start: int = 0, stop: int | None = None) -> Double:
        return np.array(self._mouths[track][1][start:stop], np.float64)

    def _resized(self, image: Image) -> bool:
        """Whether the picture has another shape than the one before, so that no face is where it was; one that only
        grew or shrank, as in a video call, takes its tracks along.
        """
        before, self._size = self._size, (image.shape[1], image.shape[0])
        if before is None or before == self._size:
            return False
        across, down = self._size[0] / before[0], self._size[1] / before[1]
        if abs(across / down - 1) > SAME_SHAPE:
            return True
        self._tracker.rescale(across)
        return False

    def _locate(self, found: Detections, first: int, observations: Sequence[Observation]) -> list[Float]:
        """Runs the detector on the frames of the observations, of which ``first`` begins the batch. Where it finds a
        face again its track takes the box; the others keep their interpolated ones.
        """
        guessed = [one.frame - first not in found.detected for one in observations]
        found.detect(one.frame - first for one in observations)
        return [
            self._corrected(one, found.nearest(one.frame - first, one.box)) if guess else one.box
            for one, guess in zip(observations, guessed, strict=True)
        ]

    def _corrected(self, observation: Observation, face: Face | None) -> Float:
        """The box of ``face``, which the track takes; that of the observation for no face, or one out of the frame."""
        if face is None or crop(observation.image, face.box) is None:
            return observation.box
        self._tracker.correct(observation.track, observation.frame, face)
        return face.box


class Eye:
    """Takes frames one by one and gives them to a ``Watcher`` in batches, the detector one batch ahead in a thread of
    its own; with a limit of latency, each batch is done at once.
    """

    def __init__(self, watcher: Watcher, plan: SamplingPlan, seen: Seen = lambda count: None) -> None:
        self._watcher = watcher
        self._seen = seen
        self._batcher = Batcher(plan)
        self._count = 0
        self._waiting: deque[tuple[Sequence[Frame], Future[Detections]]] = deque()
        self._thread: ThreadPoolExecutor | None = None
        if plan.latency_s is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="avcer-detect")

    def see(self, frames: Sequence[Frame]) -> None:
        """Takes the next frames, in presentation order."""
        for frame in frames:
            counted = frame if frame.index == self._count else replace(frame, index=self._count)
            self._count += 1
            for batch in self._batcher.add(counted):
                self._take(batch)

    def flush(self) -> None:
        """Gives the frames that wait for others to the watcher as a batch."""
        for batch in self._batcher.rest():
            self._take(batch)

    def finish(self) -> None:
        """Works off what is waiting; no more frames come."""
        self.flush()
        while self._waiting:
            self._watch_next()
        self.close()

    def close(self) -> None:
        """Ends the thread; what is waiting is dropped."""
        self._waiting.clear()
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def _take(self, batch: Sequence[Frame]) -> None:
        if self._thread is None:
            self._watch(batch, self._watcher.detect(batch))
            return
        self._waiting.append((batch, self._thread.submit(self._watcher.detect, batch)))
        if len(self._waiting) > 1:
            self._watch_next()

    def _watch_next(self) -> None:
        batch, found = self._waiting.popleft()
        self._watch(batch, result_of(found))

    def _watch(self, batch: Sequence[Frame], found: Detections) -> None:
        self._watcher.watch(batch, found)
        self._seen(self._watcher.count)


class _InTurn:
    """A detector for two threads, one at a time; only the detector's own time counts for its stage."""

    def __init__(self, finder: FaceFinder, stages: Stages) -> None:
        self._finder = finder
        self._stages = stages
        self._turn = Lock()

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        """See ``FaceFinder``."""
        with self._turn, self._stages.stage("detect", len(images)):
            return self._finder.detect_batch(images)
