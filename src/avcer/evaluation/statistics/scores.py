"""What ``avcer evaluate`` and the cards say of a classifier: one dictionary, the same for faces and for voices."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from numpy.typing import NDArray

from avcer.evaluation.statistics import intervals, metrics
from avcer.labels import BASIC
from avcer.types import Double, Integer


def classification(labels: Integer, probabilities: Double) -> dict[str, Any]:
    """Scores of ``probabilities (N, 7)`` against ``labels (N,)``; means are over the classes that occur."""
    predicted = probabilities.argmax(axis=1)
    return {
        "n": len(labels),
        "accuracy": metrics.accuracy(labels, predicted),
        "uar": metrics.uar(labels, predicted),
        "macro_f1": metrics.macro_f1(labels, predicted),
        "ece": metrics.ece(labels, probabilities),
        "per_class": {BASIC[index]: recall for index, recall in metrics.recalls(labels, predicted).items()},
    }


def doubts(labels: Integer, probabilities: Double, groups: NDArray[Any]) -> dict[str, Any]:
    """What belongs beside the scores: the confusion matrix (rows the true emotions, columns those that were said, both
    in the order of ``labels``), and intervals of 95 % over ``groups (N,)`` of rows; of one group, not-a-number.
    """
    predicted = probabilities.argmax(axis=1)
    drawn = intervals.bootstrap(labels, predicted, groups, len(BASIC))
    recalls = intervals.recalls(drawn)
    count = len(set(groups.tolist()))
    span = partial(intervals.interval, groups=count)
    occurring = metrics.recalls(labels, predicted)
    return {
        "labels": list(BASIC),
        "confusion": metrics.confusion(labels, predicted, len(BASIC)).tolist(),
        "groups": count,
        "intervals": {
            "accuracy": span(intervals.accuracy(drawn)),
            "uar": span(intervals.uar(drawn)),
            "macro_f1": span(intervals.macro_f1(drawn)),
            "per_class": {BASIC[index]: span(recalls[:, index]) for index in occurring},
        },
    }


def finite(value: Any) -> Any:
    """Scores for JSON: undefined ones as null, which JSON knows; not-a-number it does not."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
