"""Stretches of one class, and what is left of them where the page has fewer columns than there are frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avcer.decision.segments import one_label
from avcer.types import Double, ExpressionTimeline, Integer


@dataclass(frozen=True, eq=False)
class Runs:
    """R stretches in the order of time: ``starts_s``, ``ends_s`` in seconds, ``classes`` (-1 for 'none'), ``salience``
    (mean percent, NaN where the label has none). Frames that are not valid are in none.
    """

    starts_s: Double
    ends_s: Double
    classes: Integer
    salience: Double

    @property
    def durations_s(self) -> Double:
        """``(R,)`` seconds."""
        return self.ends_s - self.starts_s


def find_runs(timeline: ExpressionTimeline, frames: Integer, ends_s: Double) -> Runs:
    """The stretches of a timeline whose F rows are the clip's ``frames (F,)``; ``ends_s (T,)`` the ends of all frames
    of the clip.
    """
    starts, stops = one_label(timeline.classes, timeline.valid, frames)
    if not len(starts):
        return Runs(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))
    totals = np.append(0.0, np.cumsum(np.nan_to_num(timeline.salience)))
    counts = np.append(0, np.cumsum(np.isfinite(timeline.salience)))
    known = counts[stops] - counts[starts]
    mean = np.where(known > 0, (totals[stops] - totals[starts]) / np.maximum(known, 1), np.nan)
    return Runs(timeline.times_s[starts], ends_s[frames[stops - 1]], timeline.classes[starts], mean)


def joined(parts: Sequence[Runs]) -> Runs:
    """The stretches of several timelines that share no frame, in the order of time."""
    if not parts:
        return Runs(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))
    starts_s = np.concatenate([part.starts_s for part in parts])
    order = np.argsort(starts_s, kind="stable")
    return Runs(
        starts_s[order],
        np.concatenate([part.ends_s for part in parts])[order],
        np.concatenate([part.classes for part in parts])[order],
        np.concatenate([part.salience for part in parts])[order],
    )


def in_columns(runs: Runs, limits_s: tuple[float, float], columns: int) -> Runs:
    """The stretches as so many equal columns of the page can show them: where one is narrower than a column, each
    column has the class with most of its time, and is left empty where more than half of it is.
    """
    edges_s = np.linspace(*limits_s, columns + 1)
    width_s = (limits_s[1] - limits_s[0]) / columns
    if not len(runs.classes) or runs.durations_s.min() >= width_s:
        return runs
    known = np.unique(runs.classes)
    times = np.stack([_amounts(runs, runs.classes == one, runs.durations_s, edges_s) for one in known])
    shown = times.sum(axis=0) >= width_s / 2
    winner = times.argmax(axis=0)
    percent = np.full(columns, np.nan)
    for place, one in enumerate(known):
        chosen = runs.classes == one
        given = _amounts(runs, chosen, np.nan_to_num(runs.salience) * runs.durations_s, edges_s)
        here = shown & (winner == place) & np.isfinite(runs.salience[chosen]).any()
        percent[here] = given[here] / times[place, here]
    return _merged(edges_s, known[winner], percent, shown)


def _amounts(runs: Runs, chosen: Integer, amounts: Double, edges_s: Double) -> Double:
    """What the chosen stretches have to give, each evenly over its time, by column."""
    moments = np.stack([runs.starts_s[chosen], runs.ends_s[chosen]], axis=1).ravel()
    given = np.cumsum(np.stack([np.zeros(len(moments) // 2), amounts[chosen]], axis=1).ravel())
    return np.diff(np.interp(edges_s, moments, given, left=0.0))


def _merged(edges_s: Double, classes: Integer, percent: Double, shown: Integer) -> Runs:
    """Neighbouring columns of one class as one stretch, with the mean of their percentages."""
    fresh = np.append(True, (np.diff(classes) != 0) | (shown[1:] != shown[:-1]))
    starts = np.flatnonzero(fresh)
    stops = np.append(starts[1:], len(classes))
    kept = shown[starts]
    starts, stops = starts[kept], stops[kept]
    sums = np.append(0.0, np.cumsum(np.nan_to_num(percent)))
    mean = (sums[stops] - sums[starts]) / np.maximum(stops - starts, 1)
    return Runs(edges_s[starts], edges_s[stops], classes[starts], np.where(np.isnan(percent[starts]), np.nan, mean))
