"""Segments: stretches of consecutive frames with one decision."""

from __future__ import annotations

import numpy as np

from avcer.labels import NONE
from avcer.types import CompoundTimeline, Double, Integer, Segment


def frame_ends(times_s: Double, end_s: float) -> Double:
    """When each of T frames gives way to the next one, in seconds; the last lasts until ``end_s``, the clip's end.

    A clip whose stated end is not beyond its last frame gets one more median frame interval.
    """
    if len(times_s) == 0:
        return times_s
    usual = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    last = end_s if end_s > times_s[-1] else times_s[-1] + usual
    return np.append(times_s[1:], min(last, times_s[-1] + usual) if usual > 0 else last)


def find_segments(timeline: CompoundTimeline, frames: Integer, ends_s: Double, face: int | None) -> tuple[Segment, ...]:
    """The runs of one class in a timeline with F rows; 'none' is a class, frames without a decision end a run.

    ``frames (F,)`` are the rows' frame indices and ``ends_s (T,)`` the end of every frame of the clip, so that a
    segment lasts until its last frame gives way to the next.
    """
    if len(frames) == 0:
        return ()
    fresh = np.ones(len(frames), dtype=np.bool_)
    fresh[1:] = (
        (np.diff(frames) > 1) | (np.diff(timeline.classes) != 0) | (timeline.valid[1:] != timeline.valid[:-1])
    )  # fmt: skip
    starts = np.flatnonzero(fresh)
    stops = np.append(starts[1:], len(frames))
    names = timeline.vocabulary.names
    return tuple(
        Segment(
            face=face,
            start_s=float(timeline.times_s[start]),
            end_s=float(ends_s[frames[stop - 1]]),
            compound=names[timeline.classes[start]] if timeline.classes[start] >= 0 else NONE,
            probability=float(timeline.probability[start:stop].mean()),
        )
        for start, stop in zip(starts, stops, strict=True)
        if timeline.valid[start]
    )
