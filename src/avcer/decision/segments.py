"""Segments: stretches of consecutive frames with one label."""

from __future__ import annotations

import numpy as np

from avcer.types import KINDS, Clip, Double, ExpressionTimeline, Integer, Segment


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


def find_segments(
    timeline: ExpressionTimeline, frames: Integer, ends_s: Double, face: int | None
) -> tuple[Segment, ...]:
    """A segment for each run of one label in a timeline with F rows.

    ``frames (F,)`` are the rows' frame indices and ``ends_s (T,)`` the end of every frame of the clip, so that a
    segment lasts until its last frame gives way to the next.
    """
    return tuple(
        Segment(
            face=face,
            start_s=float(timeline.times_s[start]),
            end_s=float(ends_s[frames[stop - 1]]),
            label=timeline.label(int(timeline.classes[start])),
            kind=KINDS[timeline.kind[start]],
            salience=_mean(timeline.salience[start:stop]),
            probability=float(timeline.probability[start:stop].mean()),
        )
        for start, stop in zip(*one_label(timeline, frames), strict=True)
    )


def _mean(values: Double) -> float | None:
    """The mean of those that are numbers; None where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
