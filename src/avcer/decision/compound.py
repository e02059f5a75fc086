"""The compound decision: scores of pairs of fused probabilities, under one of several rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from avcer.labels import BASIC, Compound, Vocabulary
from avcer.types import KINDS, Double, EmotionProbabilities, ExpressionTimeline, Integer
from avcer.words import PairRule

Rule: TypeAlias = PairRule

CHANCE: Final = 1 / len(BASIC)
RARITY: Final = {"Anger": 5, "Disgust": 6, "Fear": 5, "Happiness": 6, "Sadness": 4, "Surprise": 2}
"""Rule 2's weights (released code of AVCER): 7 minus the number of the C-EXPR-DB compounds that hold the emotion."""


def as_they_are(values: Double) -> Double:
    """All values count."""
    return values


def above_chance(values: Double) -> Double:
    """Values up to chance count for nothing."""
    return np.where(values <= CHANCE, 0.0, values)


def gated(values: Double) -> Double:
    """Nothing counts where Neutral is the strongest of the seven or no emotion has more than twice its chance."""
    strongest = values[..., 1:].max(axis=-1, keepdims=True)
    return np.where((strongest > 2 * CHANCE) & (strongest >= values[..., :1]), values, 0.0)


def alike(compound: Compound) -> tuple[float, float]:
    """Both emotions of a pair weigh 1."""
    return 1.0, 1.0


def by_rarity(compound: Compound) -> tuple[float, float]:
    """The emotions of a pair weigh by their ``RARITY``, divided by the sum of both."""
    first, second = RARITY[compound.first], RARITY[compound.second]
    return first / (first + second), second / (first + second)


def sums(seen: Double, pairs: Integer, weights: Double) -> Double:
    """The weighted sum of each pair."""
    result: Double = seen @ weights.T
    return result


def geometric_means(seen: Double, pairs: Integer, weights: Double) -> Double:
    """Twice the geometric mean of each pair, which wants both of its emotions."""
    return 2 * np.sqrt(seen[..., pairs[:, 0]] * seen[..., pairs[:, 1]])


@dataclass(frozen=True)
class Row:
    """A rule: the name that pictures give it, and how it decides.

    ``mask``: ``values (..., 7)`` as it sees them, 0 where it takes one for nothing. ``weigh``: the weights of a pair's
    two emotions. ``combine``: what is seen, pairs ``(C, 2)`` and weights ``(C, 7)`` -> the scores ``(..., C)``.

    ``stored``: documents hold its scores whole, though they follow from the emotions. So it has to be with every rule
    that is newer than their version, whose readers cannot compute it.
    """

    title: str
    mask: Callable[[Double], Double] = as_they_are
    weigh: Callable[[Compound], tuple[float, float]] = alike
    combine: Callable[[Double, Integer, Double], Double] = sums
    stored: bool = True


TABLE: Final[Mapping[Rule, Row]] = {
    "1": Row("Rule 1", above_chance, stored=False),
    "2": Row("Rule 2", weigh=by_rarity, stored=False),
    "both": Row("Rules 1 and 2", above_chance, by_rarity, stored=False),
    "sum": Row("plain pair sums", stored=False),
    "gated": Row("gated pair sums", gated, stored=False),
    "geometric": Row("geometric pair means", gated, combine=geometric_means, stored=False),
}
"""The rules by their words: the first four are the source work's, the others our own."""
RULES: Final = tuple(TABLE)


def pair_weights(vocabulary: Vocabulary, rule: Rule) -> Double:
    """``(C, 7)``: the weight of each basic emotion in each compound; a row has two entries that are not zero."""
    weights = np.zeros((len(vocabulary), len(BASIC)))
    for row, compound in zip(weights, vocabulary.compounds, strict=True):
        row[list(compound.indices)] = TABLE[rule].weigh(compound)
    return weights


def scores(values: Double, vocabulary: Vocabulary, rule: Rule) -> Double:
    """``values (T, 7)`` in the order of ``BASIC`` -> ``(T, C)``: the score of every compound."""
    pairs = np.array([compound.indices for compound in vocabulary.compounds])
    return TABLE[rule].combine(TABLE[rule].mask(values), pairs, pair_weights(vocabulary, rule))


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
        rule: see ``TABLE``.
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
    kept = TABLE[rule].mask(emotions.values) > 0
    return shares(contributions, pair_weights(vocabulary, rule)[classes] * kept, classes)


def shares(contributions: Double, of_label: Double, classes: Integer) -> Double:
    """``(T, M)``: how much of the emotions of each row's label, which weigh ``of_label (T, 7)``, each modality gave by
    its ``contributions (T, M, 7)``; zero where no class is said (-1).
    """
    parts: Double = np.einsum("tme,te->tm", contributions, of_label)
    total = parts.sum(axis=1, keepdims=True)
    return np.where((classes >= 0)[:, np.newaxis], parts / np.where(total > 0, total, 1.0), 0.0)
