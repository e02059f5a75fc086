"""Segments: stretches of consecutive frames with one label, long enough to be meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from avcer.types import KINDS, PER_FRAME, Clip, Double, ExpressionTimeline, Integer, Segment

ROUNDING_S: Final = 1e-9
"""Sums of times may be off by so much."""


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


@dataclass(frozen=True)
class _Run:
    """Rows from ``start`` up to ``stop`` with one label, by its index, and how long they last."""

    start: int
    stop: int
    label: int
    seconds: float


class SegmentFinder:
    """The segments in the rows of one face, which come in parts.

    A run of one label that is too short belongs to the segment before it, or, at the beginning, to the one after it.
    Where no run between two gaps is long enough, they are one segment of the label that takes most of the time.

    Args:
        face: its id; None for the rows without a face.
        frame_end: of a frame's index, when the frame gives way to the next, in seconds.
        least_s: how long a run must last to begin a segment.
    """

    def __init__(self, face: int | None, frame_end: Callable[[int], float], least_s: float = 0.0) -> None:
        self._face = face
        self._frame_end = frame_end
        self._least_s = least_s
        self._timeline: ExpressionTimeline | None = None
        self._frames = np.zeros(0, np.int64)

    def feed(self, timeline: ExpressionTimeline, frames: Integer) -> list[Segment]:
        """Takes the next rows, whose frame indices are ``frames (F,)``; gives the segments that have ended."""
        timeline, frames = self._joined(timeline, frames)
        found = self._found(timeline, frames, len(frames))
        ended = [run for run in found if run.stop < len(frames)]
        going_on = found[-1].start if len(found) > len(ended) else len(frames)
        self._timeline, self._frames = timeline.rows(slice(going_on, None)), frames[going_on:]
        return [self._segment(timeline, frames, run) for run in ended]

    def finish(self) -> list[Segment]:
        """Gives the segments that last until the last row, if there are any."""
        timeline, frames = self._timeline, self._frames
        self._timeline, self._frames = None, frames[:0]
        if timeline is None:
            return []
        return [self._segment(timeline, frames, run) for run in self._found(timeline, frames)]

    def _joined(self, timeline: ExpressionTimeline, frames: Integer) -> tuple[ExpressionTimeline, Integer]:
        """The rows that go on, and the new ones after them."""
        if self._timeline is None or not len(self._frames):
            return timeline, frames
        parts = [self._timeline, timeline]
        names = ("times_s", *PER_FRAME)
        joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return replace(timeline, **joined), np.concatenate([self._frames, frames])

    def _found(self, timeline: ExpressionTimeline, frames: Integer, open_at: int = -1) -> list[_Run]:
        """The rows of the segments. The run that ends at row ``open_at`` may go on: its last frame does not count."""
        together: list[list[_Run]] = []
        for start, stop in zip(*one_label(timeline, frames), strict=True):
            last_s = timeline.times_s[stop - 1] if stop == open_at else self._frame_end(int(frames[stop - 1]))
            run = _Run(int(start), int(stop), int(timeline.classes[start]), float(last_s - timeline.times_s[start]))
            if together and together[-1][-1].stop == run.start and frames[run.start] - frames[run.start - 1] == 1:
                together[-1].append(run)
            else:
                together.append([run])
        return [run for runs in together for run in _meant(runs, self._least_s)]

    def _segment(self, timeline: ExpressionTimeline, frames: Integer, run: _Run) -> Segment:
        rows = run.start + np.flatnonzero(timeline.classes[run.start : run.stop] == run.label)
        return Segment(
            face=self._face,
            start_s=float(timeline.times_s[run.start]),
            end_s=self._frame_end(int(frames[run.stop - 1])),
            label=timeline.label(run.label),
            kind=KINDS[timeline.kind[rows[0]]],
            salience=_mean(timeline.salience[rows]),
            probability=float(timeline.probability[rows].mean()),
        )


def _meant(runs: Sequence[_Run], least_s: float) -> list[_Run]:
    """Runs that follow each other, as ``SegmentFinder`` joins them."""
    lasting = [run for run in runs if run.seconds >= least_s - ROUNDING_S]
    if not lasting:
        labels = dict.fromkeys(run.label for run in runs)
        lasting = [replace(runs[0], label=max(labels, key=lambda label: _time_of(label, runs)))]
    first: list[_Run] = []
    for run in lasting:
        if not first or first[-1].label != run.label:
            first.append(run)
    starts = [runs[0].start, *(run.start for run in first[1:])]
    stops = [*starts[1:], runs[-1].stop]
    return [replace(run, start=start, stop=stop) for run, start, stop in zip(first, starts, stops, strict=True)]


def _time_of(label: int, runs: Sequence[_Run]) -> float:
    return sum(run.seconds for run in runs if run.label == label)


def find_segments(
    timeline: ExpressionTimeline, frames: Integer, ends_s: Double, face: int | None, least_s: float = 0.0
) -> tuple[Segment, ...]:
    """All segments of a timeline with F rows, as ``SegmentFinder`` finds them, each ``least_s`` long if it can be.

    ``frames (F,)`` are the rows' frame indices and ``ends_s (T,)`` the end of every frame of the clip, so that a
    segment lasts until its last frame gives way to the next.
    """
    finder = SegmentFinder(face, lambda frame: float(ends_s[frame]), least_s)
    return (*finder.feed(timeline, frames), *finder.finish())


def _mean(values: Double) -> float | None:
    """The mean of those that are numbers; None where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
