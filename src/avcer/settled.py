"""Settled rows: what no later input of a session can change, and the updates that are made of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from avcer.analysis import FaceAnalysis
from avcer.decision.align import only, take
from avcer.decision.person import Reference
from avcer.decision.policy import Policy
from avcer.decision.segments import SegmentFinder
from avcer.decision.smoothing import Smoother
from avcer.decision.timelines import decide_face, decide_without_face
from avcer.faces.leadership import Leadership
from avcer.labels import BASIC
from avcer.modalities import AUDIO
from avcer.sight import FaceRows, Watcher
from avcer.types import Boolean, Double, EmotionProbabilities, Integer, Segment


@dataclass(frozen=True, eq=False)
class Update:
    """What has become known of a session; no later input changes it.

    ``times_s (T,)``: the times of the new frames, of which ``first`` is the index of the first. ``audio``: what the
    audio model says on each of them, whomever it counts for. ``leads (T,)``: who leads on each, -1 for nobody;
    ``leadership`` names the strategy that chose them, and so made the decisions here.

    ``faces``: new rows, a ``FaceAnalysis`` for each face that has some. Those of a face that was missed for a while
    come once it is seen again, so they may begin before ``first``; all rows of a face come in order and without a
    hole. ``segments``: the stretches that have ended.
    """

    first: int
    times_s: Double
    audio: EmotionProbabilities
    leads: Integer
    leadership: Leadership
    faces: tuple[FaceAnalysis, ...]
    segments: tuple[Segment, ...]


class Settled:
    """Turns a watcher's rows and the sound on them into updates, each row once.

    Decisions are made with the causal leadership, since the whole clip's is known only at its end.

    Args:
        watcher: where the faces' rows come from.
        policy: how to decide.
        sound_for: ``primary`` (the face that leads) or ``all``.
        frame_end: of a frame's index, when the frame gives way to the next.
        smoother: makes a smoother of decisions for a face; None for none.
        reference: what the person is held against; it counts here where it is causal, and once it is known.
    """

    def __init__(
        self,
        watcher: Watcher,
        policy: Policy,
        sound_for: str,
        frame_end: Callable[[int], float],
        smoother: Callable[[], Smoother] | None = None,
        reference: Reference | None = None,
    ) -> None:
        self._watcher = watcher
        self._policy = policy
        self._for_all = sound_for == "all"
        self._frame_end = frame_end
        self._audio = array("d")
        self._heard = array("b")
        self._speech = array("d")
        self._given = 0
        self._alone_given = 0
        self._complete = False
        self._smoother = smoother
        self._smoothers: dict[int | None, Smoother] = {}
        self._reference = reference if reference is not None and reference.causal else None
        self._held: dict[int, Callable[[Mapping[str, Double], Double, int], dict[str, Double]]] = {}
        self._finders: dict[int | None, SegmentFinder] = {}

    @property
    def count(self) -> int:
        """How many frames are settled."""
        return len(self._heard)

    def add(self, audio: EmotionProbabilities) -> None:
        """Settles the next frames, on which the audio model says this."""
        values = np.array(audio.values, np.float64)
        if self._reference is not None:
            values[audio.valid] = self._reference.voice(values[audio.valid])
        self._audio.frombytes(values.tobytes())
        self._heard.frombytes(np.ascontiguousarray(audio.valid, np.int8).tobytes())
        self._speech.frombytes(np.ascontiguousarray(audio.activity, np.float64).tobytes())

    def complete(self) -> None:
        """Says that nothing more comes: what waited for later frames is settled, too."""
        self._complete = True

    def audio(self, start: int = 0, stop: int | None = None) -> EmotionProbabilities:
        """What the audio model says on the settled frames from ``start`` up to ``stop``."""
        stop = self.count if stop is None else stop
        values = np.array(self._audio[start * len(BASIC) : stop * len(BASIC)]).reshape(-1, len(BASIC))
        valid = np.array(self._heard[start:stop], np.bool_)
        speech = np.array(self._speech[start:stop], np.float64)
        return EmotionProbabilities(self._watcher.times_s(start, stop), values, valid, AUDIO.name, speech)

    def update(self) -> Update | None:
        """What is settled and was not given yet; None if there is nothing."""
        first, self._given = self._given, self.count
        alone = self._without_face()
        faces = [self._face(rows) for rows in self._watcher.settled(self.count)]
        if alone is not None:
            faces.append(alone)
        if self._smoother is not None:
            faces = [self._smoothed(face, self._smoother) for face in faces]
        segments = [segment for face in faces for segment in self._segments(face)] + self._last_segments()
        if first == self.count and not faces and not segments:
            return None
        return Update(
            first=first,
            times_s=self._watcher.times_s(first, self.count),
            audio=self.audio(first),
            leads=self._watcher.leads(first, self.count),
            leadership="largest-now",
            faces=tuple(faces),
            segments=tuple(segments),
        )

    def _face(self, rows: FaceRows) -> FaceAnalysis:
        """The decisions of a face's new rows, and of the frames between on which it was missed."""
        start, stop = rows.track.first, rows.track.last + 1
        audio = self.audio(start, stop)
        if not self._for_all:
            audio = only(audio, self._watcher.leads(start, stop) == rows.track.id)
        face = decide_face(
            self._policy,
            replace(rows.track, frames=rows.track.frames - start),
            self._adjusted(rows, audio.times_s[rows.track.frames - start]),
            {AUDIO.name: audio},
            audio.times_s,
            audio.times_s,
            rows.mouth,
        )
        return _new_rows(face, start, skip=1 if rows.continues else 0)

    def _adjusted(self, rows: FaceRows, times_s: Double) -> Mapping[str, Double]:
        """What the models say of the face, held against the reference where that is known."""
        if self._reference is None:
            return rows.said
        if rows.track.id not in self._held:
            self._held[rows.track.id] = self._reference.running()
        return self._held[rows.track.id](rows.said, times_s, int(rows.continues))

    def _without_face(self) -> FaceAnalysis | None:
        """The decisions of the new frames on which no face is alive and something is heard."""
        spans, open_from = self._watcher.spans()
        start, stop = self._alone_given, self.count if self._complete else min(self.count, open_from)
        if stop <= start:
            return None
        self._alone_given = stop
        audio = self.audio(start, stop)
        alone = np.flatnonzero(audio.valid & ~_covered(spans, start, stop))
        if not len(alone):
            return None
        face = decide_without_face(self._policy, alone, {AUDIO.name: audio}, audio.times_s, audio.times_s)
        return _new_rows(face, start, skip=0)

    def _smoothed(self, face: FaceAnalysis, smoother: Callable[[], Smoother]) -> FaceAnalysis:
        if face.id not in self._smoothers:
            self._smoothers[face.id] = smoother()
        return replace(face, expression=self._smoothers[face.id](face.expression))

    def _segments(self, face: FaceAnalysis) -> list[Segment]:
        if face.id not in self._finders:
            self._finders[face.id] = SegmentFinder(face.id, self._frame_end, self._policy.least_segment_s)
        return self._finders[face.id].feed(face.expression, face.frames)

    def _last_segments(self) -> list[Segment]:
        """Those of the faces that have gone; in the end, of all."""
        going_on = set() if self._complete else {None, *self._watcher.open()}
        gone = [face for face in self._finders if face not in going_on]
        return [segment for face in gone for segment in self._finders.pop(face).finish()]


def _covered(spans: list[tuple[int, int]], start: int, stop: int) -> Boolean:
    """``(stop - start,)``: whether a frame lies in one of the spans."""
    covered = np.zeros(stop - start, np.bool_)
    for first, last in spans:
        covered[max(first - start, 0) : max(last + 1 - start, 0)] = True
    return covered


def _new_rows(face: FaceAnalysis, start: int, skip: int) -> FaceAnalysis:
    """The face on the clip's own frames, which begin at ``start``; without the rows that were given before."""
    rows = np.arange(skip, len(face.frames))
    track = face.track
    if track is not None:
        seen = slice(skip, None)
        track = replace(
            track,
            frames=track.frames[seen] + start,
            boxes=track.boxes[seen],
            landmarks=track.landmarks[seen],
            scores=track.scores[seen],
        )
    return replace(
        face,
        track=track,
        frames=face.frames[rows] + start,
        said={name: take(part, rows) for name, part in face.said.items()},
        fused=take(face.fused, rows),
        expression=face.expression.rows(rows),
        curves={name: curve.rows(rows) for name, curve in face.curves.items()},
        segments=(),
    )
