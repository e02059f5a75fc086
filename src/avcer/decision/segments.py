"""Segments: stretches of consecutive frames with one label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from avcer.types import KINDS, PER_FRAME, Clip, Double, ExpressionTimeline, Integer, Segment


def frame_ends(times_s: Double, clip: Clip) -> Double:
    """When each of T frames gives way to the next one, in seconds: ``(T,)``, each later than its frame."""
    return np.append(times_s[1:], last_frame_end(times_s, clip)) if len(times_s) else times_s


def last_frame_end(times_s: Double, clip: Clip) -> float:
    """When the last of T frames ends, in seconds.

    It lasts as long as the median one, or until the clip's end if that comes first. A single frame lasts until the
    clip's end; where that is not stated, or not beyond the frame, for one interval of the average rate.
    """
    last_s = float(times_s[-1])
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / clip.average_rate
    end_s = clip.start_s + clip.duration_s
    if end_s > last_s:
        return end_s if len(times_s) == 1 else min(end_s, last_s + usual_s)
    return last_s + usual_s


def one_label(timeline: ExpressionTimeline, frames: Integer) -> tuple[Integer, Integer]:
    """The runs of consecutive frames with one label: each one's first row, and the row after its last, ``(R,)`` both.

    ``frames (F,)`` are the rows' frame indices. 'none' is a label; rows without a decision are in no run.
    """
    if len(frames) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    fresh = (np.diff(frames) > 1) | (np.diff(timeline.classes) != 0) | (timeline.valid[1:] != timeline.valid[:-1])
    starts = np.flatnonzero(np.append(True, fresh))
    stops = np.append(starts[1:], len(frames))
    kept = timeline.valid[starts]
    return starts[kept], stops[kept]


class SegmentFinder:
    """A segment for each run of one label in the rows of one face, which come in parts.

    Args:
        face: its id; None for the rows without a face.
        frame_end: of a frame's index, when the frame gives way to the next, in seconds.
    """

    def __init__(self, face: int | None, frame_end: Callable[[int], float]) -> None:
        self._face = face
        self._frame_end = frame_end
        self._timeline: ExpressionTimeline | None = None
        self._frames = np.zeros(0, np.int64)

    def feed(self, timeline: ExpressionTimeline, frames: Integer) -> list[Segment]:
        """Takes the next rows, whose frame indices are ``frames (F,)``; gives the segments that have ended."""
        timeline, frames = self._joined(timeline, frames)
        if not len(frames):
            return []
        starts, stops = one_label(timeline, frames)
        ended = stops < len(frames)
        going_on = int(starts[~ended][0]) if (~ended).any() else len(frames)
        self._timeline, self._frames = timeline.rows(slice(going_on, None)), frames[going_on:]
        return self._segments(timeline, frames, starts[ended], stops[ended])

    def finish(self) -> list[Segment]:
        """Gives the segment that lasts until the last row, if there is one."""
        timeline, frames = self._timeline, self._frames
        self._timeline, self._frames = None, frames[:0]
        return [] if timeline is None else self._segments(timeline, frames, *one_label(timeline, frames))

    def _joined(self, timeline: ExpressionTimeline, frames: Integer) -> tuple[ExpressionTimeline, Integer]:
        """The rows that go on, and the new ones after them."""
        if self._timeline is None or not len(self._frames):
            return timeline, frames
        parts = [self._timeline, timeline]
        names = ("times_s", *PER_FRAME)
        joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return replace(timeline, **joined), np.concatenate([self._frames, frames])

    def _segments(
        self, timeline: ExpressionTimeline, frames: Integer, starts: Integer, stops: Integer
    ) -> list[Segment]:
        return [
            Segment(
                face=self._face,
                start_s=float(timeline.times_s[start]),
                end_s=self._frame_end(int(frames[stop - 1])),
                label=timeline.label(int(timeline.classes[start])),
                kind=KINDS[timeline.kind[start]],
                salience=_mean(timeline.salience[start:stop]),
                probability=float(timeline.probability[start:stop].mean()),
            )
            for start, stop in zip(starts, stops, strict=True)
        ]


def find_segments(
    timeline: ExpressionTimeline, frames: Integer, ends_s: Double, face: int | None
) -> tuple[Segment, ...]:
    """All segments of a timeline with F rows, as ``SegmentFinder`` finds them.

    ``frames (F,)`` are the rows' frame indices and ``ends_s (T,)`` the end of every frame of the clip, so that a
    segment lasts until its last frame gives way to the next.
    """
    finder = SegmentFinder(face, lambda frame: float(ends_s[frame]))
    return (*finder.feed(timeline, frames), *finder.finish())


def _mean(values: Double) -> float | None:
    """The mean of those that are numbers; None where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
