"""From what a network gives to probabilities in the one order of emotions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.labels import BASIC
from avcer.types import Double


def softmax(logits: NDArray[Any]) -> Double:
    """``(N, C)`` logits to ``(N, C)`` probabilities, in float64."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: Double = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def in_basic_order(values: Double, labels: Sequence[str]) -> Double:
    """``(N, C)`` in the order of ``labels`` to ``(N, 7)`` in the order of ``BASIC``."""
    ordered: Double = values[:, [labels.index(emotion) for emotion in BASIC]]
    return ordered
