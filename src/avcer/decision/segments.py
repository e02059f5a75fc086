"""Segments: stretches of consecutive frames with one decision."""

from __future__ import annotations

import numpy as np

from avcer.labels import NONE
from avcer.types import Clip, CompoundTimeline, Double, Integer, Segment


def frame_ends(times_s: Double, clip: Clip) -> Double:
    """When each of T frames gives way to the next one, in seconds: ``(T,)``, each later than its frame.

    The last frame lasts as long as the median one, or until the clip's end if that comes first. A single frame lasts
    until the clip's end; where that is not stated, or not beyond the frame, for one interval of the average rate.
    """
    if len(times_s) == 0:
        return times_s
    last_s = float(times_s[-1])
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / clip.average_rate
    end_s = last_s + usual_s
    if clip.duration_s > last_s:
        end_s = clip.duration_s if len(times_s) == 1 else min(clip.duration_s, end_s)
    return np.append(times_s[1:], end_s)


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
