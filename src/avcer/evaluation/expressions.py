"""Neutral, one emotion, or a blend: what people saw in a picture, by their votes, against what is said of it.

Conventions, for ten votes a picture. Neutral: seven or more votes for it. One emotion: seven or more for one of the
six, and at most one for each other of them. A blend: the two strongest of the six have three or more each and seven or
more together; any of the fifteen pairs, decided with a vocabulary of all fifteen. Other rows are not scored.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from avcer.decision.express import SINGLE, OpenRule, express
from avcer.decision.likely import PAIRS
from avcer.evaluation.statistics import metrics
from avcer.labels import BASIC, PAIRS_15
from avcer.modalities import STATIC
from avcer.types import Double, EmotionProbabilities, Integer

CLEAR_VOTES: Final = 7
OTHER_VOTES: Final = 1
BLEND_VOTES: Final = 3
LEAST_ROWS: Final = 10
"""Labels with fewer rows are not in the macro F1."""
UNCLEAR: Final = -1
NAMES: Final = ("neutral", "basic", "compound")
"""The kinds, in the order of ``kinds_of``."""


def voted_labels(votes: Double) -> Integer:
    """``votes (N, 7)`` -> ``(N,)``: 0 Neutral, 1 to 6 an emotion, from 7 on the pairs of ``PAIRS``; or ``UNCLEAR``."""
    six = votes[:, 1:]
    ranking = np.argsort(-six, axis=1, kind="stable")
    strongest, second = np.take_along_axis(six, ranking[:, :2], axis=1).T
    places = np.full((len(BASIC), len(BASIC)), UNCLEAR)
    for place, (one, two) in enumerate(PAIRS):
        places[one, two] = places[two, one] = len(BASIC) + place
    labels = np.full(len(votes), UNCLEAR)
    blend = (second >= BLEND_VOTES) & (strongest + second >= CLEAR_VOTES)
    labels[blend] = places[ranking[blend, 0] + 1, ranking[blend, 1] + 1]
    single = (strongest >= CLEAR_VOTES) & (second <= OTHER_VOTES)
    labels[single] = ranking[single, 0] + 1
    labels[votes[:, 0] >= CLEAR_VOTES] = 0
    return labels


def kinds_of(labels: Integer) -> Integer:
    """0 neutral, 1 one emotion, 2 a blend; -1 for a label of -1."""
    return np.select([labels < 0, labels == 0, labels < len(BASIC)], [-1, 0, 1], 2)


def score_votes(probabilities: Double, votes: Double, rule: OpenRule) -> dict[str, Any]:
    """Scores of the static model's ``probabilities (N, 7)`` under the rule ``open``; empty where no row is clear."""
    labels = voted_labels(votes)
    rows = labels >= 0
    if not rows.any():
        return {}
    return score_labels(labels[rows], *said_of(probabilities[rows], rule))


def said_of(
    probabilities: Double, rule: OpenRule, headings: tuple[str, ...] = (STATIC.curve,)
) -> tuple[Integer, Double]:
    """What is said of ``probabilities (N, 7)``: labels as those of ``voted_labels`` (-1 for 'none'), and their
    probability, ``(N,)`` both.
    """
    everywhere = np.ones(len(probabilities), dtype=np.bool_)
    emotions = EmotionProbabilities(np.zeros(len(probabilities)), probabilities, everywhere, STATIC.name)
    said = express(emotions, dict.fromkeys(headings, everywhere), PAIRS_15, rule)
    return said.classes, said.probability


def score_labels(labels: Integer, said: Integer, probability: Double) -> dict[str, Any]:
    """Scores of what is ``said (N,)`` against ``labels (N,)``, none of them unclear. 'none' is never right."""
    true, named = kinds_of(labels), kinds_of(said)
    frequent = [int(label) for label in np.unique(labels) if np.sum(labels == label) >= LEAST_ROWS]
    recalls = metrics.recalls(true, named, (0, 1, 2))
    single = true == SINGLE
    return {
        "n": len(labels),
        "accuracy": metrics.accuracy(labels, said),
        "macro_f1": metrics.macro_f1(labels, said, frequent),
        "kind_uar": float(np.nanmean(list(recalls.values()))),
        "kind_recall": {NAMES[kind]: recall for kind, recall in recalls.items()},
        "false_compound": float(np.mean(named[single] > SINGLE)) if single.any() else float("nan"),
        "ece": metrics.calibration_error(probability, labels == said),
    }
