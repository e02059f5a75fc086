"""One emotion or a blend of two, and how much of each: the question of BLEMORE."""

from __future__ import annotations

from typing import Final

import numpy as np

from avcer.labels import BASIC
from avcer.types import Double

SALIENCES: Final = (0, 30, 50)
"""What the weaker of two emotions may have, in percent, as BLEMORE's labels do; the stronger has the rest."""
BOUNDARIES: Final = (0.15, 0.4)
"""Half way between them."""
SHOWN: Final = tuple(emotion for emotion in BASIC if emotion != "Surprise")
"""BLEMORE's emotions. Neutral is never part of a blend."""


def blend(values: Double) -> Double:
    """``values (N, 7)`` -> saliences ``(N, 7)`` in percent, of one or two emotions a row.

    The strongest two emotions share what they have together; the weaker one's share is rounded to a salience.
    """
    known = np.isin(BASIC, SHOWN)
    rows = np.arange(len(values))
    seen = np.where(known, values, -np.inf)
    first = seen.argmax(axis=1)
    second = np.where(np.arange(len(BASIC)) == 0, -np.inf, seen)
    second[rows, first] = -np.inf
    weaker = second.argmax(axis=1)
    strong, weak = np.maximum(values[rows, first], 0), np.maximum(values[rows, weaker], 0)
    total = strong + weak
    share = np.where(first == 0, 0.0, weak / np.where(total > 0, total, 1))
    salience = np.array(SALIENCES)[np.digitize(share, BOUNDARIES)]
    percent = np.zeros(values.shape)
    percent[rows, weaker] = salience
    percent[rows, first] = 100 - salience
    return percent
