"""Finding fusion weights on labelled probabilities, as AVCER does: random draws, the best mean recall wins.

Probabilities are ``(N, M, C)``: N rows, M models, C classes. The draws are those of the released code for the same
seed, so the same data give the same winner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.evaluation.statistics import metrics
from avcer.types import Double, Integer

DRAWS: Final = 10_000
SEED: Final = 42
GRID: Final = tuple(round(0.01 + 0.05 * step, 2) for step in range(10))
"""Of the second stage: 0.01, 0.06, .. 0.46. Source of all three: AVCER's released code."""
NEUTRAL: Final = 0
ROWS, COLUMNS, THREADS = 512, 256, 2
"""A block of rows and draws is scored at once: small enough to stay in a core's own cache."""


@dataclass(frozen=True)
class Found:
    """The winner of a search: ``weights (M, C)``; its ``score``; ``draw``, which of those tried it was."""

    weights: Double
    score: float
    draw: int


def dirichlet_draws(models: int, classes: int, count: int = DRAWS, seed: int = SEED) -> Double:
    """``(count, M, C)``: each column is drawn from Dirichlet(1, .., 1) over the models.

    NumPy's legacy generator gives the released code's own numbers.
    """
    random = np.random.RandomState(seed)
    drawn: Double = random.dirichlet(np.ones(models), (count, classes)).transpose(0, 2, 1)
    return drawn


def fused_classes(probabilities: NDArray[Any], weights: Double) -> Integer:
    """The class with the largest weighted sum, ``(N,)``; of equal ones the first."""
    sums: Double = (probabilities * weights).sum(axis=1)
    winners: Integer = sums.argmax(axis=1)
    return winners


def search_score(probabilities: NDArray[Any], labels: Integer, weights: Double) -> float:
    """The mean recall of the classes other than Neutral that occur among ``labels (N,)``."""
    return metrics.uar(labels, fused_classes(probabilities, weights), _scored(labels))


def search_weights(probabilities: NDArray[Any], labels: Integer, draws: Double) -> Found:
    """The first of ``draws (D, M, C)`` with the best ``search_score``.

    Raises:
        ValueError: no row has a class other than Neutral.
    """
    return best_draws(probabilities, labels, draws, 1)[0]


def best_draws(probabilities: NDArray[Any], labels: Integer, draws: Double, count: int) -> list[Found]:
    """The ``count`` of ``draws (D, M, C)`` with the best ``search_score``, best first, of equal ones the first drawn.

    All draws are scored in single precision, counting every row as right that may be; only those that could still be
    among the best are scored exactly.

    Raises:
        ValueError: no row has a class other than Neutral.
    """
    if not _scored(labels):
        raise ValueError("a search needs rows of at least one class other than Neutral")
    hopes = _upper_bounds(probabilities, labels, draws)
    best: list[Found] = []
    for index in np.argsort(-hopes, kind="stable"):
        if len(best) == count and hopes[index] < best[-1].score - 1e-12:
            break
        best.append(Found(draws[index], search_score(probabilities, labels, draws[index]), int(index)))
        best = sorted(best, key=lambda found: (-found.score, found.draw))[:count]
    return best


def scale_models(
    probabilities: NDArray[Any], labels: Integer, weights: Double, grid: Sequence[float] = GRID
) -> tuple[Found, tuple[float, ...]]:
    """The second, hierarchical stage: one more factor a model, all combinations of ``grid`` tried in order.

    Returns:
        The weights times the factors, which no longer add up to 1; and the factors ``(M,)``.
    """
    factors = list(product(grid, repeat=len(weights)))
    draws = np.array(factors)[:, :, np.newaxis] * weights
    found = search_weights(probabilities, labels, draws)
    return found, factors[found.draw]


def _scored(labels: Integer) -> list[int]:
    return [int(index) for index in np.unique(labels) if index != NEUTRAL]


def _upper_bounds(probabilities: NDArray[Any], labels: Integer, draws: Double) -> Double:
    """No draw's score is above its bound ``(D,)``; a bound is off by the rows whose two best sums nearly tie."""
    single = draws.astype(np.float32)
    slack = np.float32(1e-6 * draws.shape[1] * max(1.0, float(np.abs(draws).max())))
    recalls = []
    with ThreadPoolExecutor(THREADS) as pool:
        for label in _scored(labels):
            rows = probabilities[labels == label].astype(np.float32)
            blocks = pool.map(lambda block, rows=rows, label=label: _hits(rows, label, block, slack), _blocks(single))
            recalls.append(np.concatenate(list(blocks)) / len(rows))
    bounds: Double = np.mean(recalls, axis=0)
    return bounds


def _blocks(draws: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(draws), COLUMNS):
        yield draws[start : start + COLUMNS]


def _hits(rows: NDArray[np.float32], label: int, draws: NDArray[np.float32], slack: np.float32) -> Double:
    """How many of ``rows (n, M, C)``, all of one label, each of the draws gets right or nearly so, ``(d,)``."""
    hits = np.zeros(len(draws))
    by_class = [np.ascontiguousarray(draws[:, :, index].T) for index in range(draws.shape[2])]
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        others = np.full((len(block), len(draws)), -np.inf, np.float32)
        for index, weights in enumerate(by_class):
            if index != label:
                np.maximum(others, block[:, :, index] @ weights, out=others)
        hits += np.count_nonzero(block[:, :, label] @ by_class[label] + slack >= others, axis=0)
    return hits
