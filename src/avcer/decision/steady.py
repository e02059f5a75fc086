"""Decisions in time: labels are chosen for stretches, not for frames, so that none is too short to be meant.

Over a whole clip, the division into stretches with the most support (``express.support_of``) is found exactly, each at
least so long, at a cost for each change (Viterbi's algorithm with a least duration). Live, the label changes once what
speaks for another one has added up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from avcer.decision.express import OpenRule, kinds_of, support_of
from avcer.decision.segments import ROUNDING_S
from avcer.decision.smoothing import Smoother
from avcer.types import KINDS, Boolean, Double, ExpressionTimeline, Integer

LEAST_S: Final = 0.25
"""Seconds of a stretch, by default."""
UNIT_S: Final = 0.04
"""Support counts by the time that a frame is shown, in this unit: a frame at 25 a second counts once."""
CHANGE_COST: Final = 3.3
"""What another label must have on top, in logarithms of support times units of time, to be worth a change. No multiple
of ``WORST``, so that no choice hangs on rounding.
"""
WORST: Final = 2.0
"""A label is not held further than this below the best one of a frame, so that no single frame decides."""
LIVE_COST: Final = 4.0
LIVE_MOST: Final = 1.0
"""Live, a frame adds at most this to the case for another label, which wins at ``LIVE_COST``: in a sixth of a second at
the soonest.
"""


@dataclass(frozen=True)
class Steady:
    """The smoothing of the rule ``open`` whose numbers are ``rule``, with stretches of ``least_s`` at least."""

    rule: OpenRule
    least_s: float = LEAST_S

    def whole(self) -> Smoother:
        """For a face's whole timeline."""

        def smooth(timeline: ExpressionTimeline) -> ExpressionTimeline:
            support = _evidence(timeline, self.rule)
            spans = _durations(timeline.times_s)
            classes = timeline.classes.copy()
            for start, stop in _runs(timeline.valid):
                rows = slice(start, stop)
                classes[rows] = best_stretches(support[rows], spans[rows], self.least_s)
            return relabelled(timeline, _none_last(classes, support.shape[1]))

        return smooth

    def causal(self) -> Smoother:
        """For one face whose rows come in parts."""
        return _Live(self)


class _Live:
    """The state between two parts: the label in force, since when, and the case for each other one."""

    def __init__(self, steady: Steady) -> None:
        self._steady = steady
        self._now = -1
        self._since_s = self._last_s = -np.inf
        self._case = np.zeros(0)

    def __call__(self, timeline: ExpressionTimeline) -> ExpressionTimeline:
        evidence = _evidence(timeline, self._steady.rule)
        classes = timeline.classes.copy()
        for row, time_s in enumerate(timeline.times_s.tolist()):
            if not timeline.valid[row]:
                self._now = -1
                continue
            classes[row] = self._next(evidence[row], time_s)
        return relabelled(timeline, _none_last(classes, evidence.shape[1]))

    def _next(self, evidence: Double, time_s: float) -> int:
        units = min(max(time_s - self._last_s, 0.0), self._steady.least_s) / UNIT_S
        self._last_s = time_s
        if self._now < 0:
            self._begin(int(evidence.argmax()), time_s, len(evidence))
            return self._now
        gain = np.clip(evidence - evidence[self._now], -LIVE_MOST, LIVE_MOST) * units
        self._case = np.maximum(self._case + gain, 0.0)
        # Two labels that take turns both speak against the one in force: then the better of them wins.
        other = int(self._case.argmax())
        if self._case[other] >= LIVE_COST and time_s - self._since_s >= self._steady.least_s:
            self._begin(other, time_s, len(evidence))
        return self._now

    def _begin(self, label: int, time_s: float, count: int) -> None:
        self._now, self._since_s, self._case = label, time_s, np.zeros(count)


def _evidence(timeline: ExpressionTimeline, rule: OpenRule) -> Double:
    """``(T, L + 1)``: logarithms of support, 'none' last, relative to the best one of each row, down to ``-WORST``."""
    support = np.maximum(support_of(timeline.scores, rule), 1e-12)
    logs = np.log(support / support.max(axis=1, keepdims=True))
    relative: Double = np.maximum(logs, -WORST)
    return relative


def _durations(times_s: Double) -> Double:
    """How long each row is shown ``(T,)``; the last one as long as the median one."""
    steps = np.diff(times_s)
    return np.append(steps, np.median(steps) if len(steps) else UNIT_S)


def _runs(valid: Boolean) -> list[tuple[int, int]]:
    """First row and the row after the last of each stretch of valid rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], valid, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _none_last(classes: Integer, columns: int) -> Integer:
    """The last column stands for 'none', which is -1 in a timeline."""
    return np.where(classes == columns - 1, -1, classes)


def best_stretches(evidence: Double, spans_s: Double, least_s: float) -> Integer:
    """The column of every row ``(T,)`` of the division with the most evidence ``(T, K)``, weighed by ``spans_s (T,)``.

    Every stretch lasts ``least_s`` at least, or else there is one stretch alone.
    """
    rows, columns = evidence.shape
    ends = np.cumsum(spans_s)
    starts = ends - spans_s
    sums = np.concatenate([np.zeros((1, columns)), np.cumsum(evidence * (spans_s / UNIT_S)[:, np.newaxis], axis=0)])
    # For a stretch that ends with row e, the latest row at which it may have begun; -1: there is none.
    latest = np.searchsorted(starts, ends - least_s + 1e-9, side="right") - 1
    best = np.full((rows + 1, columns), -np.inf)
    begun = np.zeros((rows + 1, columns), np.int64)
    before = np.full((rows + 1, columns), -1)
    for stop in range(1, rows + 1):
        best[stop] = best[stop - 1] + sums[stop] - sums[stop - 1]
        begun[stop], before[stop] = begun[stop - 1], before[stop - 1]
        start = int(latest[stop - 1])
        if start < 0:
            continue
        entry, previous = _entry(best[start]) if start else (np.zeros(columns), np.full(columns, -1))
        fresh = entry + sums[stop] - sums[start]
        won = fresh > best[stop]
        best[stop, won], begun[stop, won], before[stop, won] = fresh[won], start, previous[won]
    if not np.isfinite(best[rows]).any():
        return np.full(rows, sums[rows].argmax())
    return _traced(best, begun, before)


def _entry(best: Double) -> tuple[Double, Integer]:
    """For each column ``(K,)``: the best score of another one, less the cost of a change; and which one it is."""
    order = np.argsort(-best)[:2]
    previous = np.full(len(best), order[0])
    previous[order[0]] = order[-1]
    score = best[previous] - CHANGE_COST
    if len(order) < 2:
        score[:] = -np.inf
    return score, previous


def _traced(best: Double, begun: Integer, before: Integer) -> Integer:
    stop = len(best) - 1
    classes = np.zeros(stop, np.int64)
    column = int(best[stop].argmax())
    while stop > 0:
        start = int(begun[stop, column])
        classes[start:stop] = column
        stop, column = start, int(before[stop, column])
    return classes


def relabelled(timeline: ExpressionTimeline, classes: Integer) -> ExpressionTimeline:
    """The timeline with other labels ``(T,)``. Salience and shares of a row whose label has changed are those of the
    row with that label, unchanged, that is nearest in time; where no row has it, both of its emotions count alike.
    """
    rows, times_s = np.arange(len(classes)), timeline.times_s
    source = rows.copy()
    salience = timeline.salience.copy()
    for label in np.unique(classes[classes != timeline.classes]):
        wanted = rows[(classes == label) & (timeline.classes != label)]
        there = rows[(timeline.classes == label) & timeline.valid]
        if len(there):
            after = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
            before, then = there[np.maximum(after - 1, 0)], there[after]
            since_s, until_s = (np.abs(times_s[other] - times_s[wanted]) for other in (before, then))
            source[wanted] = np.where(since_s <= until_s + ROUNDING_S, before, then)
            salience[wanted] = timeline.salience[source[wanted]]
        else:
            kind = KINDS[int(kinds_of(np.array([label]))[0])]
            salience[wanted] = {"compound": 50.0, "basic": 100.0}.get(kind, np.nan)
    ranking = np.argsort(-timeline.scores, axis=1, kind="stable")[:, :2]
    said = np.where(classes >= 0, classes, ranking[:, 0])
    runner_up = np.where(ranking[:, 0] == said, ranking[:, 1], ranking[:, 0])
    return replace(
        timeline,
        classes=classes,
        kind=kinds_of(classes),
        salience=salience,
        probability=timeline.scores[rows, said],
        runner_up=np.where(timeline.valid, runner_up, -1),
        shares=timeline.shares[source],
    )
