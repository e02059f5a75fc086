"""Scores of predictions, as pure functions of arrays. Labels and predictions are class indices, ``(N,)``.

Conventions: a class that nobody predicted has precision 0; a mean over classes is taken over those that occur among
the labels, unless ``classes`` names others. Undefined scores (no rows at all) are not-a-number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.types import Double, Integer

Indices = NDArray[Any]
"""``(N,)`` class indices, any integer type."""


def confusion(labels: Indices, predicted: Indices, count: int) -> Integer:
    """``(count, count)``: rows are the true classes, columns the predicted ones."""
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def accuracy(labels: Indices, predicted: Indices) -> float:
    """The share of rows that are right."""
    return float(np.mean(labels == predicted)) if len(labels) else float("nan")


def recalls(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> dict[int, float]:
    """Class -> the share of its rows that are found; not-a-number for a class without rows."""
    return {
        index: float(np.mean(predicted[labels == index] == index)) if np.any(labels == index) else float("nan")
        for index in _classes(labels, classes)
    }


def precisions(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> dict[int, float]:
    """Class -> the share of its predictions that are right; 0 for a class that nobody predicted."""
    return {
        index: float(np.mean(labels[predicted == index] == index)) if np.any(predicted == index) else 0.0
        for index in _classes(labels, classes)
    }


def uar(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> float:
    """Unweighted average recall, also called balanced accuracy or macro recall."""
    return _mean(recalls(labels, predicted, classes))


def macro_precision(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> float:
    """The mean of the classes' precisions."""
    return _mean(precisions(labels, predicted, classes))


def macro_f1(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> float:
    """The mean of the classes' F1, each 2 hits / (rows + predictions)."""
    scores = {}
    for index in _classes(labels, classes):
        hits = np.sum((labels == index) & (predicted == index))
        scores[index] = 2 * float(hits) / max(int(np.sum(labels == index) + np.sum(predicted == index)), 1)
    return _mean(scores)


def mean_of_four(labels: Indices, predicted: Indices, classes: Sequence[int] | None = None) -> float:
    """The mean of UAR, accuracy, macro F1 and macro precision: the one number of AVCER's released code."""
    three = (score(labels, predicted, classes) for score in (uar, macro_f1, macro_precision))
    return float(np.mean([accuracy(labels, predicted), *three]))


def rank_accuracy(labels: Indices, scores: NDArray[Any], rank: int) -> float:
    """The share of rows whose class is among the ``rank`` ones with the largest of ``scores (N, C)``, and above 0."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :rank]
    hits = (best == labels[:, None]) & (np.take_along_axis(scores, best, axis=1) > 0)
    return float(np.mean(np.any(hits, axis=1))) if len(labels) else float("nan")


def presence_accuracy(true: NDArray[Any], said: NDArray[Any]) -> float:
    """BLEMORE's ACC_presence: the share of rows where exactly the emotions of the label are said to be there.

    Both are ``(N, C)`` saliences; an emotion is there where its salience is above 0.
    """
    return float(np.mean(np.all((true > 0) == (said > 0), axis=1))) if len(true) else float("nan")


def salience_accuracy(true: NDArray[Any], said: NDArray[Any]) -> float:
    """BLEMORE's ACC_salience: the share of true blends where the emotions are right and so are their saliences.

    Both are ``(N, C)`` in percent. Rows with a single emotion do not count.
    """
    blends = np.count_nonzero(true > 0, axis=1) > 1
    return float(np.mean(np.all(true[blends] == said[blends], axis=1))) if np.any(blends) else float("nan")


def ece(labels: Indices, probabilities: NDArray[Any], bins: int = 15) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy, over bins of equal width.

    Confidence is the largest of ``probabilities (N, C)`` (Guo et al., ICML 2017).
    """
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def calibration_error(confidence: NDArray[Any], right: NDArray[np.bool_], bins: int = 15) -> float:
    """The same of decisions that are ``right (N,)`` or not, each with its ``confidence (N,)``."""
    shares, mean_confidence, hits = calibration(confidence, right, bins)
    return float(np.sum(shares * np.abs(mean_confidence - hits)))


def reliability(labels: Indices, probabilities: NDArray[Any], bins: int = 15) -> tuple[Double, Double, Double]:
    """A reliability diagram: for each bin its share of the rows, its mean confidence, its accuracy ``(bins,)``."""
    return calibration(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def calibration(confidence: NDArray[Any], right: NDArray[np.bool_], bins: int = 15) -> tuple[Double, Double, Double]:
    """A reliability diagram, as ``reliability``, of decisions that are ``right (N,)`` or not."""
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    divisor = np.maximum(counts, 1)
    return (
        counts / max(len(right), 1),
        np.bincount(place, weights=confidence, minlength=bins) / divisor,
        np.bincount(place, weights=right, minlength=bins) / divisor,
    )


def _classes(labels: Indices, classes: Sequence[int] | None) -> Sequence[int]:
    return [int(index) for index in np.unique(labels)] if classes is None else classes


def _mean(scores: dict[int, float]) -> float:
    return float(np.mean(list(scores.values()))) if scores else float("nan")
