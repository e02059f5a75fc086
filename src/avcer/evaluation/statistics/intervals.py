"""Bootstrap intervals: groups of rows (speakers, recordings) are drawn again, since rows of one group go together.

Every score here follows from a confusion matrix, and that of a draw is the sum of its groups' own, so a thousand
draws are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.types import Double, Integer

DRAWS: Final = 1000
SEED: Final = 42
LEVEL: Final = 0.95

Score = Callable[[Double], Double]
"""Confusion matrices ``(B, C, C)`` (rows: true classes) -> a score of each ``(B,)``, or several ``(B, C)``."""


def recalls(tables: Double) -> Double:
    """The share found of each class ``(B, C)``; not-a-number for a class without rows."""
    totals = tables.sum(axis=2)
    hits = np.diagonal(tables, axis1=1, axis2=2)
    shares: Double = np.divide(hits, totals, out=np.full(hits.shape, np.nan), where=totals > 0)
    return shares


def accuracy(tables: Double) -> Double:
    """The share of rows that are right ``(B,)``."""
    rate: Double = np.trace(tables, axis1=1, axis2=2) / tables.sum(axis=(1, 2))
    return rate


def uar(tables: Double) -> Double:
    """The mean recall of the classes that occur ``(B,)``."""
    mean: Double = np.nanmean(recalls(tables), axis=1)
    return mean


def macro_f1(tables: Double) -> Double:
    """The mean F1 of the classes that occur ``(B,)``."""
    hits = np.diagonal(tables, axis1=1, axis2=2)
    occurs = tables.sum(axis=2) > 0
    f1 = 2 * hits / np.maximum(tables.sum(axis=1) + tables.sum(axis=2), 1)
    mean: Double = np.where(occurs, f1, 0).sum(axis=1) / occurs.sum(axis=1)
    return mean


def bootstrap(
    labels: Integer, predicted: Integer, groups: NDArray[Any], count: int, draws: int = DRAWS, seed: int = SEED
) -> Double:
    """Confusion matrices ``(draws, count, count)`` of as many groups drawn again, with replacement.

    Args:
        labels: true classes ``(N,)``.
        predicted: predicted ones ``(N,)``.
        groups: which group each row belongs to ``(N,)``, of any type.
        count: the number of classes.
        draws: how many times the groups are drawn.
        seed: of the draws.
    """
    names, places = np.unique(groups, return_inverse=True)
    cells = np.zeros((len(names), count * count))
    np.add.at(cells, (places, np.asarray(labels) * count + predicted), 1)
    return draw_groups(cells, draws, seed).reshape(draws, count, count)


def draw_groups(cells: NDArray[Any], draws: int = DRAWS, seed: int = SEED) -> Double:
    """Sums ``(draws, K)`` over as many groups drawn again with replacement; ``cells (G, K)`` is what each adds."""
    times = np.random.default_rng(seed).multinomial(len(cells), np.full(len(cells), 1 / len(cells)), draws)
    sums: Double = times.astype(np.float64) @ cells.astype(np.float64)
    return sums


def interval(values: Double, groups: int | None = None, level: float = LEVEL) -> tuple[float, float]:
    """The middle ``level`` of the drawn ``values (B,)``; draws where a score is not defined are left out.

    Of a single one of ``groups`` every draw is the same, which says nothing of others: not-a-number.
    """
    defined = values[np.isfinite(values)]
    if not len(defined) or groups == 1:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
