"""Arousal, as far as categories tell it: how well loud emotions are told from calm ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from avcer.labels import BASIC
from avcer.types import Double, Integer

AROUSED: Final = tuple(BASIC.index(name) for name in ("Anger", "Fear", "Happiness", "Surprise"))
CALM: Final = tuple(BASIC.index(name) for name in ("Neutral", "Sadness"))


def arousal(labels: Integer, values: Double) -> float | None:
    """How well the share of anger, fear, happiness and surprise tells them from neutral and sadness: the area under the
    curve; None where one side is missing.

    Args:
        labels: ``(N,)`` indices of ``BASIC``.
        values: probabilities ``(N, 7)``.
    """
    known = np.isin(labels, AROUSED + CALM)
    score, aroused = values[known][:, list(AROUSED)].sum(axis=1), np.isin(labels[known], AROUSED)
    above, below = score[aroused], np.sort(score[~aroused])
    if not len(above) or not len(below):
        return None
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(wins.mean() / 2 / len(below))
