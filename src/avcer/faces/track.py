"""Tracking: faces of successive frames are one person's where their boxes overlap most."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from avcer.types import Double, Face, FaceTrack, Float

MIN_OVERLAP: Final = 0.4
"""Least intersection over union of a face and the last box of its track (released code of AVCER)."""
MAX_GAP_S: Final = 1.0
"""How long a face may be missed before its track ends, in seconds. The released code: not one frame."""


def overlaps(first: Float, second: Float) -> Double:
    """Intersection over union of every box ``(N, 4)`` with every box ``(M, 4)`` -> ``(N, M)``."""
    top_left = np.maximum(first[:, np.newaxis, :2], second[np.newaxis, :, :2])
    bottom_right = np.minimum(first[:, np.newaxis, 2:], second[np.newaxis, :, 2:])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=2, dtype=np.float64)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1, dtype=np.float64) for boxes in (first, second)]
    union = areas[0][:, np.newaxis] + areas[1][np.newaxis, :] - shared
    ratio: Double = shared / np.where(union > 0, union, 1.0)
    return ratio


def pairs(first: Float, second: Float, min_overlap: float) -> list[tuple[int, int]]:
    """Which of the boxes ``(N, 4)`` is which of ``(M, 4)``: the assignment (Hungarian) with the largest overlap in all;
    boxes that overlap less than ``min_overlap`` are no pair.
    """
    overlap = overlaps(first, second)
    overlap[overlap < min_overlap] = 0.0
    if min(overlap.shape) == 1:
        rows, columns = (np.array([place]) for place in np.unravel_index(overlap.argmax(), overlap.shape))
    else:
        from scipy.optimize import linear_sum_assignment  # a quarter of a second, which a single face does not need

        rows, columns = linear_sum_assignment(overlap, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if overlap[row, column] > 0]


@dataclass
class _Growing:
    """A track that still takes faces. Plain arrays keep an hour of video within a few megabytes."""

    id: int
    last: Face
    last_seen_s: float
    frames: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("f"))  # 4 of the box, 10 of the landmarks, the score

    def add(self, frame: int, time_s: float, face: Face) -> None:
        self.frames.append(frame)
        self.values.extend(_row(face))
        self.last, self.last_seen_s = face, time_s

    def correct(self, frame: int, face: Face) -> None:
        place = bisect_left(self.frames, frame)
        self.values[15 * place : 15 * (place + 1)] = array("f", _row(face))
        if place == len(self.frames) - 1:
            self.last = face

    def rows(self, start: int = 0, stop: int | None = None) -> FaceTrack:
        """The track's rows from ``start`` up to ``stop``."""
        stop = len(self.frames) if stop is None else stop
        rows = np.array(self.values[15 * start : 15 * stop], dtype=np.float32).reshape(-1, 15)
        return FaceTrack(
            id=self.id,
            frames=np.array(self.frames[start:stop], dtype=np.int64),
            boxes=rows[:, :4],
            landmarks=rows[:, 4:14].reshape(-1, 5, 2),
            scores=rows[:, 14],
        )


def _row(face: Face) -> tuple[float, ...]:
    return (*face.box.tolist(), *face.landmarks.ravel().tolist(), face.score)


class Tracker:
    """Links faces frame by frame. Ids count from 1 by first appearance and are never used twice.

    A face that scores less than ``begin_score`` continues a track but does not begin one: false detections that come
    and go seldom score high.
    """

    def __init__(
        self, min_overlap: float = MIN_OVERLAP, max_gap_s: float = MAX_GAP_S, begin_score: float = 0.0
    ) -> None:
        self._min_overlap = min_overlap
        self._begin_score = begin_score
        self._max_gap_s = max_gap_s
        self._alive: list[_Growing] = []
        self._tracks: dict[int, _Growing] = {}
        self._previous_s = -np.inf

    def update(self, frame: int, time_s: float, faces: Sequence[Face], cut: bool = False) -> list[int | None]:
        """The track id of each of the faces of one frame, None for one that begins no track; frames come in order.

        ``cut`` says that a new scene begins with this frame: no track goes on.
        """
        self._retire(time_s, cut)
        matches = self._match(faces)
        ids: list[int | None] = []
        for number, face in enumerate(faces):
            track = matches.get(number)
            if track is None and face.score >= self._begin_score:
                track = self._begin(face, time_s)
            if track is not None:
                track.add(frame, time_s, face)
            ids.append(None if track is None else track.id)
        self._previous_s = time_s
        return ids

    def rescale(self, stretch: float) -> None:
        """From now on pictures are ``stretch`` times as large: tracks go on where their faces are in the new pixels."""
        for track in self._alive:
            last = track.last
            track.last = Face(last.box * np.float32(stretch), last.landmarks * np.float32(stretch), last.score)

    def correct(self, track: int, frame: int, face: Face) -> None:
        """Replaces the face that the track with this id took on ``frame``."""
        self._tracks[track].correct(frame, face)

    def tracks(self) -> list[FaceTrack]:
        """All tracks so far, by id."""
        return [track.rows() for track in self._tracks.values()]

    def rows(self, track: int, start: int, stop: int) -> FaceTrack:
        """The rows of the track with this id from ``start`` up to ``stop``, counted in frames where it was seen."""
        return self._tracks[track].rows(start, stop)

    def seen_before(self, track: int, frame: int) -> int:
        """On how many frames before ``frame`` the track with this id was seen."""
        return bisect_left(self._tracks[track].frames, frame)

    def span(self, track: int) -> tuple[int, int]:
        """The first and the last frame so far on which the track with this id was seen."""
        frames = self._tracks[track].frames
        return frames[0], frames[-1]

    def alive(self) -> list[int]:
        """The ids of the tracks that may still go on."""
        return [track.id for track in self._alive]

    def _retire(self, time_s: float, cut: bool) -> None:
        """Ends the tracks that missed the previous frame and have been missing for too long by now."""
        self._alive = [
            track
            for track in self._alive
            if not cut and (track.last_seen_s >= self._previous_s or time_s - track.last_seen_s <= self._max_gap_s)
        ]

    def _match(self, faces: Sequence[Face]) -> dict[int, _Growing]:
        """Face number -> its track, by the assignment (Hungarian) with the largest overlap in all."""
        if not faces or not self._alive:
            return {}
        last = np.stack([track.last.box for track in self._alive])
        matched = pairs(last, np.stack([face.box for face in faces]), self._min_overlap)
        return {column: self._alive[row] for row, column in matched}

    def _begin(self, face: Face, time_s: float) -> _Growing:
        track = self._tracks[len(self._tracks) + 1] = _Growing(len(self._tracks) + 1, face, time_s)
        self._alive.append(track)
        return track
