"""Agreement of two raters beyond chance, from their confusion matrix: ``(C, C)``, or ``(B, C, C)`` for many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.types import Double


def cohen_kappa(tables: NDArray[Any]) -> Double:
    """Cohen's kappa (1960) of each matrix; not-a-number where both raters know one and the same class only.

    1: always the same; 0: as often as chance makes two raters agree who use the classes as often as these do.
    """
    totals = tables.sum(axis=(-2, -1))
    by_chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    observed = np.trace(tables, axis1=-2, axis2=-1) * totals
    return _divided(observed - by_chance, totals.astype(np.float64) ** 2 - by_chance)


def krippendorff_alpha(tables: NDArray[Any]) -> Double:
    """Krippendorff's alpha for names (nominal data) of two raters who both judged every unit."""
    together = tables + np.swapaxes(tables, -1, -2)
    values = together.sum(axis=-1)
    count = values.sum(axis=-1)
    differing = count - np.trace(together, axis1=-2, axis2=-1)
    by_chance = count.astype(np.float64) ** 2 - (values.astype(np.float64) ** 2).sum(axis=-1)
    alpha: Double = 1 - _divided(differing * (count - 1), by_chance)
    return alpha


def _divided(above: NDArray[Any], below: NDArray[Any]) -> Double:
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    found: Double = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return found
