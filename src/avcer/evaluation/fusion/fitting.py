"""Ways to find fusion weights on labelled frames: the method's own search, and others beside it.

All look for the best mean recall of the classes other than Neutral (``search.search_score``), or for something
smooth in its place, and all give ``FusionWeights``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from avcer.decision.fuse import LEAST, MEAN, FusionWeights, pool
from avcer.errors import InputError, UsageError
from avcer.evaluation.fusion.search import (
    DRAWS,
    NEUTRAL,
    SEED,
    dirichlet_draws,
    scale_models,
    search_score,
    search_weights,
)
from avcer.evaluation.statistics import metrics
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.types import Boolean, Double, Integer

PENALTY: Final = 1e-3
"""Of the squared weights in the smooth methods; keeps a class without rows where it began."""
STEPS: Final = np.linspace(0, 1, 41)
"""How far a column of weights moves towards one model, or away from it, in one step of the ascent."""
FOLDS: Final = 5


@dataclass(frozen=True)
class Examples:
    """N frames on which all three models speak: ``values (N, 3, 7)``, ``labels (N,)``, ``videos (N,)``: the
    recordings of ``FrameTable``, which are held out whole.
    """

    values: Double
    labels: Integer
    videos: NDArray[np.str_]

    def rows(self, chosen: Boolean) -> Examples:
        """The chosen rows."""
        return Examples(self.values[chosen], self.labels[chosen], self.videos[chosen])


@dataclass(frozen=True)
class Effort:
    """How long the search may take, and from where its draws come."""

    draws: int = DRAWS
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.draws < 1 or not 0 <= self.seed < 2**32:
            raise UsageError(f"draws must be at least 1 and the seed not negative, not {self.draws} and {self.seed}")


def examples_of(table: FrameTable) -> Examples:
    """The frames with a basic emotion as their label, on which all three models speak.

    Raises:
        InputError: there are none, or none of an emotion other than Neutral.
    """
    labels = table.places(BASIC)
    chosen = (labels >= 0) & table.valid.all(axis=1)
    if not np.any(labels[chosen] != NEUTRAL):
        raise InputError("no frame with a basic emotion other than Neutral on which all three models speak; add some")
    return Examples(table.values[chosen], labels[chosen], table.recordings[chosen])


Method = Callable[[Examples, Effort], FusionWeights]


def mean(examples: Examples, effort: Effort) -> FusionWeights:
    """All models alike: what everything else has to beat."""
    return MEAN


def search(examples: Examples, effort: Effort) -> FusionWeights:
    """The source work's search: columns drawn from Dirichlet(1, 1, 1), the best draw wins."""
    draws = dirichlet_draws(examples.values.shape[1], len(BASIC), effort.draws, effort.seed)
    return FusionWeights("search", search_weights(examples.values, examples.labels, draws).weights)


def hierarchical(examples: Examples, effort: Effort) -> FusionWeights:
    """The source work's second stage: one factor more a model, from a grid.

    The columns then add up to anything; divided by their mean sum, they choose the same, and a threshold still means
    what it says.
    """
    found, _ = scale_models(examples.values, examples.labels, search(examples, effort).values)
    return FusionWeights("hierarchical", found.weights / found.weights.sum(axis=0).mean())


def ascent(examples: Examples, effort: Effort) -> FusionWeights:
    """The winner of the search, moved column by column towards one model or away from it, as long as that helps."""
    weights = search(examples, effort).values.copy()
    score = search_score(examples.values, examples.labels, weights)
    while True:
        before = score
        for column in range(len(BASIC)):
            candidates = _moves(weights[:, column])
            scores = _column_scores(examples, weights, column, candidates)
            best = int(scores.argmax())
            if scores[best] > score + 1e-12:
                weights[:, column], score = candidates[best], float(scores[best])
        if score <= before:
            return FusionWeights("ascent", weights)


def _moves(column: Double) -> Double:
    """Columns ``(K, 3)`` on the lines from ``column (3,)`` to each corner, and away from it to the other side."""
    corners = np.eye(len(column))
    without = np.maximum(1 - corners, 0) * column
    away = without / np.maximum(without.sum(axis=1, keepdims=True), 1e-12)
    ends = np.concatenate([corners, away[without.sum(axis=1) > 0]])
    moved: Double = ((1 - STEPS)[:, None, None] * column + STEPS[:, None, None] * ends).reshape(-1, len(column))
    return moved


def _column_scores(examples: Examples, weights: Double, column: int, candidates: Double) -> Double:
    """``search_score`` with each of ``candidates (K, 3)`` in place of one column of ``weights``: ``(K,)``."""
    sums = np.einsum("nmc,mc->nc", examples.values, weights)
    sums[:, column] = -np.inf
    rival = sums.argmax(axis=1)
    height = sums[np.arange(len(sums)), rival]
    own = examples.values[:, :, column] @ candidates.T
    taken = (own > height[:, None]) | ((own == height[:, None]) & (column < rival)[:, None])
    recalls = []
    for label in np.unique(examples.labels[examples.labels != NEUTRAL]):
        rows = examples.labels == label
        hits = taken[rows] if label == column else ~taken[rows] & (rival[rows] == label)[:, None]
        recalls.append(hits.mean(axis=0))
    scores: Double = np.mean(recalls, axis=0)
    return scores


def convex(examples: Examples, effort: Effort) -> FusionWeights:
    """The least cross-entropy of a softmax over the weighted sums, every class counting alike; a convex problem.

    The weights are at least 0, and their columns all add up to the same, at least 1: how steep the softmax is. Divided
    by it they add up to 1, choose the same, and the thresholds of the rules mean what they say.
    """
    start = np.full(examples.values.shape[1:], 4.0)
    loss = _entropy(examples.values, examples.labels, start)
    evenly, first = _steps_between_columns(start.shape), np.eye(len(BASIC))[0]
    above = np.concatenate([np.eye(start.size), np.tile(first, len(start))[np.newaxis]])
    least = np.append(np.zeros(start.size), 1.0)
    limits = (
        {"type": "eq", "fun": lambda flat: evenly @ flat, "jac": lambda flat: evenly},
        {"type": "ineq", "fun": lambda flat: above @ flat - least, "jac": lambda flat: above},
    )
    options = {"ftol": 1e-10, "maxiter": 500}
    found = minimize(loss, start.ravel(), jac=True, method="SLSQP", constraints=limits, options=options).x
    weights = np.maximum(found.reshape(start.shape), 0)
    return FusionWeights("convex", weights / weights.sum(axis=0))


def _steps_between_columns(shape: tuple[int, ...]) -> Double:
    """A matrix ``(C - 1, K * C)`` that takes flat weights ``(K, C)`` to the differences of their columns' sums."""
    columns = np.tile(np.eye(shape[1]), shape[0])
    steps: Double = columns[1:] - columns[:-1]
    return steps


def log_linear(examples: Examples, effort: Effort) -> FusionWeights:
    """Pools logarithms: probabilities to the power of their weights, multiplied, and made to add up to 1."""
    logs = np.log(np.maximum(examples.values, LEAST))
    constant = np.ones((len(logs), 1, len(BASIC)))
    start = np.concatenate([np.full(logs.shape[1:], 1 / 3), np.zeros((1, len(BASIC)))])
    loss = _entropy(np.concatenate([logs, constant], axis=1), examples.labels, start)
    # A fusion file must not leave an emotion without weight; the bias may be anything.
    bounds = [(PENALTY, None)] * logs[0].size + [(None, None)] * len(BASIC)
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds).x.reshape(start.shape)
    return FusionWeights("log-linear", found[:-1], "log-linear", found[-1])


def _entropy(values: Double, labels: Integer, start: Double) -> Callable[[Double], tuple[float, Double]]:
    """Of flat weights ``(K * 7,)``: the cross-entropy of softmax(sum over K of w * v), and its slope."""
    counts = np.bincount(labels, minlength=len(BASIC))
    shares = 1 / (counts[labels] * np.count_nonzero(counts))
    targets = np.eye(len(BASIC))[labels]

    def loss(flat: Double) -> tuple[float, Double]:
        weights = flat.reshape(start.shape)
        logits = np.einsum("nkc,kc->nc", values, weights)
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        away = weights - start
        slope = np.einsum("nkc,nc->kc", values, shares[:, None] * (np.exp(logs) - targets)) + 2 * PENALTY * away
        return float(-(shares @ (logs * targets).sum(axis=1)) + PENALTY * np.sum(away**2)), slope.ravel()

    return loss


METHODS: Final[Mapping[str, Method]] = {
    "mean": mean,
    "search": search,
    "hierarchical": hierarchical,
    "ascent": ascent,
    "convex": convex,
    "log-linear": log_linear,
}


@dataclass(frozen=True)
class Fit:
    """How one method did: ``fitted`` on the frames it had, ``aside`` on frames it had not, and how long it took."""

    method: str
    fitted: float
    aside: float
    seconds: float


def fit(examples: Examples, method: str, effort: Effort) -> tuple[FusionWeights, dict[str, Any]]:
    """The weights that a method of ``METHODS`` finds, and what to keep beside them.

    Raises:
        UsageError: no such method.
    """
    if method not in METHODS:
        raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    weights = METHODS[method](examples, effort)
    about = {"found_by": f"avcer fit-fusion --method {method} --draws {effort.draws} --seed {effort.seed}"}
    return weights, about | {"frames": len(examples.labels), "uar": round(score(examples, weights), 4)}


def compare(examples: Examples, effort: Effort) -> list[Fit]:
    """Every method, in the order of ``METHODS``."""
    fits = []
    for name, method in METHODS.items():
        start = time.perf_counter()
        weights = method(examples, effort)
        seconds = time.perf_counter() - start
        fits.append(Fit(name, score(examples, weights), held_out(examples, method, effort), seconds))
    return fits


def score(examples: Examples, weights: FusionWeights) -> float:
    """The mean recall of the classes other than Neutral that occur."""
    return _score(examples.labels, predict(examples, weights))


def predict(examples: Examples, weights: FusionWeights) -> Integer:
    """The class with the largest fused value, ``(N,)``."""
    everyone = np.ones(examples.values.shape[:2], bool)
    classes: Integer = pool(examples.values, everyone, weights)[0].argmax(axis=1)
    return classes


def held_out(examples: Examples, method: Method, effort: Effort, folds: int = FOLDS) -> float:
    """The score on frames that the weights were not fitted on: each fold of the videos answered by the others' fit.

    With fewer videos than folds, the folds are stretches of frames, whose neighbours the fit has seen.
    """
    places = _folds(examples.videos, folds)
    for fold in range(places.max() + 1):
        if not np.any(examples.labels[places != fold] != NEUTRAL):
            raise InputError("too few labelled frames to hold some out; leave --compare out")
    predicted = np.empty(len(examples.labels), np.int64)
    for fold in range(places.max() + 1):
        aside = places == fold
        predicted[aside] = predict(examples.rows(aside), method(examples.rows(~aside), effort))
    return _score(examples.labels, predicted)


def _folds(videos: NDArray[np.str_], folds: int) -> Integer:
    """Which fold each row belongs to ``(N,)``: videos by turns, or stretches of rows where there are few videos."""
    names, places = np.unique(videos, return_inverse=True)
    if len(names) < folds:
        return np.arange(len(videos)) * folds // len(videos)
    whole: Integer = places % folds
    return whole


def _score(labels: Integer, predicted: Integer) -> float:
    return metrics.uar(labels, predicted, [int(index) for index in np.unique(labels) if index != NEUTRAL])
