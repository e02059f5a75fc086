"""Segments: stretches of consecutive frames with one label, long enough to be meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from avcer.media.film import FALLBACK_RATE
from avcer.types import KINDS, Boolean, Clip, Double, ExpressionTimeline, Integer, Segment

ROUNDING_S: Final = 1e-9
"""Sums of times may be off by so much."""


def frame_ends(times_s: Double, clip: Clip) -> Double:
    """When each of T frames gives way to the next one, in seconds: ``(T,)``, each later than its frame."""
    return np.append(times_s[1:], last_frame_end(times_s, clip)) if len(times_s) else times_s


def last_frame_end(times_s: Double, clip: Clip) -> float:
    """When the last of T frames ends, in seconds.

    It lasts as long as the median one, or until the clip's end if that comes first. A single frame lasts until the
    clip's end; where that is not stated, or not beyond the frame, for one interval of the average rate, or of
    the usual one where that is not known.
    """
    last_s = float(times_s[-1])
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / (clip.average_rate or FALLBACK_RATE)
    end_s = clip.start_s + clip.duration_s
    if end_s > last_s:
        return end_s if len(times_s) == 1 else min(end_s, last_s + usual_s)
    return last_s + usual_s


def one_label(classes: Integer, valid: Boolean, frames: Integer) -> tuple[Integer, Integer]:
    """The runs of consecutive frames with one label: each one's first row, and the row after its last, ``(R,)`` both.

    ``classes (F,)`` are the rows' labels, ``valid (F,)`` whether they have one, ``frames (F,)`` their frame indices.
    'none' is a label; rows without a decision are in no run.
    """
    if len(frames) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    fresh = (np.diff(frames) > 1) | (np.diff(classes) != 0) | (valid[1:] != valid[:-1])
    starts = np.flatnonzero(np.append(True, fresh))
    stops = np.append(starts[1:], len(frames))
    kept = valid[starts]
    return starts[kept], stops[kept]


class _Rows(NamedTuple):
    """What segments are made of, a row for each of F frames: no more is kept of an open one, which may last hours."""

    frames: Integer
    times_s: Double
    classes: Integer
    valid: Boolean
    kind: Integer
    salience: Double
    probability: Double

    def then(self, later: _Rows) -> _Rows:
        """These, and the later ones after them."""
        return _Rows._make(map(np.concatenate, zip(self, later, strict=True)))

    def since(self, row: int) -> _Rows:
        """Those from ``row`` on."""
        return _Rows._make(array[row:] for array in self)


_NO_ROWS: Final = _Rows(*(np.zeros(0, kind) for kind in (np.int64, float, np.int64, np.bool_, np.int64, float, float)))


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
        self._open = _NO_ROWS
        self._label: Callable[[int], str] = str

    def feed(self, timeline: ExpressionTimeline, frames: Integer) -> list[Segment]:
        """Takes the next rows, whose frame indices are ``frames (F,)``; gives the segments that have ended."""
        new = _Rows(frames, *(getattr(timeline, name) for name in _Rows._fields[1:]))
        rows, self._label = self._open.then(new), timeline.label
        found = self._found(rows, open_at=len(rows.frames))
        ended = [run for run in found if run.stop < len(rows.frames)]
        self._open = rows.since(found[-1].start if len(found) > len(ended) else len(rows.frames))
        return [self._segment(rows, run) for run in ended]

    def finish(self) -> list[Segment]:
        """Gives the segments that last until the last row, if there are any."""
        rows, self._open = self._open, _NO_ROWS
        return [self._segment(rows, run) for run in self._found(rows)]

    def _found(self, rows: _Rows, open_at: int = -1) -> list[_Run]:
        """The rows of the segments. The run that ends at row ``open_at`` may go on: its last frame does not count."""
        together: list[list[_Run]] = []
        for start, stop in zip(*one_label(rows.classes, rows.valid, rows.frames), strict=True):
            last_s = rows.times_s[stop - 1] if stop == open_at else self._frame_end(int(rows.frames[stop - 1]))
            run = _Run(int(start), int(stop), int(rows.classes[start]), float(last_s - rows.times_s[start]))
            if together and together[-1][-1].stop == run.start and rows.frames[start] - rows.frames[start - 1] == 1:
                together[-1].append(run)
            else:
                together.append([run])
        return [run for runs in together for run in _meant(runs, self._least_s)]

    def _segment(self, rows: _Rows, run: _Run) -> Segment:
        chosen = run.start + np.flatnonzero(rows.classes[run.start : run.stop] == run.label)
        return Segment(
            face=self._face,
            start_s=float(rows.times_s[run.start]),
            end_s=self._frame_end(int(rows.frames[run.stop - 1])),
            label=self._label(run.label),
            kind=KINDS[rows.kind[chosen[0]]],
            salience=_mean(rows.salience[chosen]),
            probability=float(rows.probability[chosen].mean()),
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
