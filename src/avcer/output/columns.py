"""The probabilities of the seven over time, as many columns as the page can show: means, and the spread in a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from avcer.types import Double, Integer

COLUMNS: Final = 820
"""So many stretches of time can be told apart on the time axis: two dots of the print each."""


@dataclass(frozen=True, eq=False)
class Profile:
    """``edges_s (C, 2)``: where each of C columns begins and ends; ``mean``, ``low`` and ``high`` ``(C, K)``: of the
    values in it, NaN where there are none. Without spread, ``low`` and ``high`` are the mean.
    """

    edges_s: Double
    mean: Double
    low: Double
    high: Double


def profile(edges_s: Double, rows: Double, columns: int) -> Profile:
    """What ``columns`` equal stretches of time show of T frames; the frames themselves, if there are no more of them.

    Args:
        edges_s: ``(T, 2)`` the start and end of each frame, which follow each other without a hole.
        rows: ``(T, K)`` its values, NaN where there are none.
        columns: of the page.
    """
    if len(rows) <= columns:
        return Profile(edges_s, rows, rows, rows)
    limits, mean = condensed(edges_s, rows, columns)
    first = np.searchsorted(edges_s[:, 1], limits[:, 0] + 1e-9, side="right")
    after = np.searchsorted(edges_s[:, 0], limits[:, 1] - 1e-9, side="left")
    low = _over(np.minimum, np.where(np.isnan(rows), np.inf, rows), first, after)
    high = _over(np.maximum, np.where(np.isnan(rows), -np.inf, rows), first, after)
    empty = np.isnan(mean)
    return Profile(limits, mean, np.where(empty, np.nan, low), np.where(empty, np.nan, high))


def _over(function: np.ufunc, rows: Double, first: Integer, after: Integer) -> Double:
    """``function`` over the frames ``first`` to before ``after`` of each column, at least one."""
    padded = np.concatenate([rows, rows[-1:]])
    places = np.stack([first, np.maximum(after, first + 1)], axis=1).ravel()
    result: Double = function.reduceat(padded, np.minimum(places, len(rows)), axis=0)[::2]
    return result


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
