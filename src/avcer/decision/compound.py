"""The compound decision: scores of pairs of fused probabilities, under one of several rules."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np

from avcer.labels import BASIC, Vocabulary
from avcer.types import KINDS, Double, EmotionProbabilities, ExpressionTimeline, Integer

Rule = Literal["1", "2", "both", "sum", "gated", "geometric"]
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
"""Of the source work: ``1``: values up to chance become 0. ``2``: emotions weigh by their rarity. ``both``. ``sum``:
neither. Of our own: ``gated``: the sum, and 'none' where Neutral is the strongest of the seven or no emotion has more
than twice its chance. ``geometric``: the same with the geometric mean of the pair in place of the sum.
"""

CHANCE: Final = 1 / len(BASIC)
RARITY: Final = {"Anger": 5, "Disgust": 6, "Fear": 5, "Happiness": 6, "Sadness": 4, "Surprise": 2}
"""Rule 2's weights (released code of AVCER): 7 minus the number of the C-EXPR-DB compounds that hold the emotion."""


def masked(values: Double, rule: Rule) -> Double:
    """``values (..., 7)`` as the rule sees them: those that it takes for nothing are 0."""
    if rule in ("1", "both"):
        return np.where(values <= CHANCE, 0.0, values)
    if rule in ("gated", "geometric"):
        strongest = values[..., 1:].max(axis=-1, keepdims=True)
        return np.where((strongest > 2 * CHANCE) & (strongest >= values[..., :1]), values, 0.0)
    return values


def pair_weights(vocabulary: Vocabulary, rule: Rule) -> Double:
    """``(C, 7)``: the weight of each basic emotion in each compound; a row has two entries that are not zero.

    They are 1 and 1; under Rule 2 they are the two rarities divided by their sum.
    """
    weights = np.zeros((len(vocabulary), len(BASIC)))
    for row, compound in zip(weights, vocabulary.compounds, strict=True):
        first, second = compound.indices
        if rule in ("2", "both"):
            rarity = np.array([RARITY[compound.first], RARITY[compound.second]], dtype=np.float64)
            row[[first, second]] = rarity / rarity.sum()
        else:
            row[[first, second]] = 1.0
    return weights


def scores(values: Double, vocabulary: Vocabulary, rule: Rule) -> Double:
    """``values (T, 7)`` in the order of ``BASIC`` -> ``(T, C)``: the score of every compound."""
    seen = masked(values, rule)
    if rule == "geometric":
        pairs = np.array([compound.indices for compound in vocabulary.compounds])
        return 2 * np.sqrt(seen[..., pairs[:, 0]] * seen[..., pairs[:, 1]])
    result: Double = seen @ pair_weights(vocabulary, rule).T
    return result


def salience(values: Double, vocabulary: Vocabulary) -> Double:
    """``values (T, 7)`` -> ``(T, C)``: how much of each pair its first emotion is, 0 to 1; 1/2 where both are 0."""
    pairs = np.array([compound.indices for compound in vocabulary.compounds])
    first, second = values[:, pairs[:, 0]], values[:, pairs[:, 1]]
    total = first + second
    shares: Double = np.where(total > 0, first, 0.5) / np.where(total > 0, total, 1.0)
    return shares


def decide(
    emotions: EmotionProbabilities, vocabulary: Vocabulary, rule: Rule, contributions: Double | None = None
) -> ExpressionTimeline:
    """The compound expression of every frame: the best score wins, a tie goes to the lower class index.

    Args:
        emotions: fused weighted sums, or one modality's own probabilities.
        vocabulary: the compounds to choose from.
        rule: see ``RULES``.
        contributions: ``(T, M, 7)`` as ``fuse`` gives them; without them there are no shares, ``(T, 0)``.

    Returns:
        A timeline whose labels are the compounds. It says 'none' (-1) where every score is 0, and is not valid where
        ``emotions`` is not. Its probability is the winner's score.
    """
    table = np.where(emotions.valid[:, np.newaxis], scores(emotions.values, vocabulary, rule), 0.0)
    ranking = np.argsort(-table, axis=1, kind="stable")
    rows = np.arange(len(table))
    best = table[rows, ranking[:, 0]]
    classes = np.where(best > 0, ranking[:, 0], -1)
    if len(vocabulary) > 1:
        runner_up = np.where(table[rows, ranking[:, 1]] > 0, ranking[:, 1], -1)
    else:
        runner_up = np.full(len(table), -1)
    of_winner = salience(emotions.values, vocabulary)[rows, classes]
    return ExpressionTimeline(
        times_s=emotions.times_s,
        classes=classes,
        kind=np.where(classes >= 0, KINDS.index("compound"), KINDS.index("none")),
        salience=np.where(classes >= 0, 100 * of_winner, np.nan),
        probability=best,
        runner_up=runner_up,
        scores=table,
        shares=_shares(emotions, vocabulary, rule, contributions, classes),
        valid=emotions.valid,
        labels=vocabulary.names,
        vocabulary=vocabulary,
    )


def _shares(
    emotions: EmotionProbabilities, vocabulary: Vocabulary, rule: Rule, contributions: Double | None, classes: Integer
) -> Double:
    """How much of each winner's score each modality gave, ``(T, M)``; zero for 'none'."""
    if contributions is None:
        return np.zeros((len(classes), 0))
    kept = masked(emotions.values, rule) > 0
    of_winner = pair_weights(vocabulary, rule)[classes] * kept  # (T, 7); the row of class -1 is dropped below
    parts: Double = np.einsum("tme,te->tm", contributions, of_winner)
    total = parts.sum(axis=1, keepdims=True)
    decided = (classes >= 0)[:, np.newaxis] & (total > 0)
    return np.where(decided, parts / np.where(total > 0, total, 1.0), 0.0)
