"""Stretches of one class on consecutive frames, and the lines that draw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avcer.decision.segments import one_label
from avcer.types import Double, ExpressionTimeline, Integer


@dataclass(frozen=True)
class Runs:
    """R stretches: ``starts_s``, ``ends_s`` in seconds, ``classes`` (-1 for 'none'); frames not valid are in none."""

    starts_s: Double
    ends_s: Double
    classes: Integer

    @property
    def durations_s(self) -> Double:
        """``(R,)`` seconds."""
        return self.ends_s - self.starts_s


def find_runs(timeline: ExpressionTimeline, ends_s: Double) -> Runs:
    """The stretches of a timeline with a row for every frame ``(T,)`` of the clip; ``ends_s (T,)`` its frames' ends."""
    starts, stops = one_label(timeline, np.arange(len(timeline.times_s)))
    return Runs(timeline.times_s[starts], ends_s[stops - 1], timeline.classes[starts])


def lane_line(runs: Runs, heights: Double) -> tuple[Double, Double]:
    """``x (3R,)``, ``y (3R,)`` of a line with a level piece for each stretch and NaN, a gap in the line, after it."""
    gap = np.full(len(heights), np.nan)
    x = np.stack([runs.starts_s, runs.ends_s, gap], axis=1).ravel()
    return x, np.stack([heights, heights, gap], axis=1).ravel()


def joining_line(runs: Runs, heights: Double) -> tuple[Double, Double]:
    """The upright pieces between stretches that follow each other without a gap, NaN between them."""
    follows = np.flatnonzero(np.isclose(runs.starts_s[1:], runs.ends_s[:-1], rtol=0, atol=1e-9))
    gap = np.full(len(follows), np.nan)
    moments = runs.ends_s[follows]
    x = np.stack([moments, moments, gap], axis=1).ravel()
    return x, np.stack([heights[follows], heights[follows + 1], gap], axis=1).ravel()


def condensed(edges_s: Double, rows: Double, columns: int) -> tuple[Double, Double]:
    """Means over equal stretches of time, each frame counting for as long as it is shown in the stretch.

    ``edges_s (T, 2)`` are the start and end of each frame, which follow each other without a hole, and ``rows (T, K)``
    its values, NaN where there are none; the result has ``columns`` of both.
    """
    limits = np.linspace(edges_s[0, 0], edges_s[-1, 1], columns + 1)
    moments = np.append(edges_s[:, 0], edges_s[-1, 1])
    there = ~np.isnan(rows[:, 0])
    shown_s = np.where(there, edges_s[:, 1] - edges_s[:, 0], 0.0)

    def in_columns(amounts: Double) -> Double:
        """What each frame has to give, spread evenly over its time."""
        given = np.concatenate([[0.0], np.cumsum(amounts)])
        return np.diff(np.interp(limits, moments, given))

    total = in_columns(shown_s)
    filled = total > 1e-6 * (limits[1] - limits[0])  # less is rounding
    means = np.full((columns, rows.shape[1]), np.nan)
    for place, values in enumerate(np.where(there[:, np.newaxis], rows, 0.0).T):
        np.divide(in_columns(shown_s * values), total, out=means[:, place], where=filled)
    return np.stack([limits[:-1], limits[1:]], axis=1), means
