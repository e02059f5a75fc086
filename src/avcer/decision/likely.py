"""How likely each label is: Neutral, one of the six emotions, or a pair of them, from the seven probabilities.

A handful of numbers that all emotions and all pairs share. They say how many emotions people would see, from the
logarithms of Neutral and of the strongest emotions in their order; which ones follows from the probabilities
themselves. So no number belongs to an emotion or to a pair, and pairs that nobody voted for are as well off as others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.labels import BASIC, PAIRS_15, Vocabulary
from avcer.types import Double, Integer, expect_shape


def pairs_of(vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """The pair of each compound, as indices of ``BASIC``, the lower one first."""
    return [(min(compound.indices), max(compound.indices)) for compound in vocabulary.compounds]


PAIRS: Final = pairs_of(PAIRS_15)
"""The fifteen pairs of the six emotions."""
STRONGEST: Final = 3
"""So many of the six, by their strength, tell how many emotions there are."""
LEAST: Final = 1e-3
"""Smaller probabilities are taken for this one: below it, a model's numbers are noise."""
LABELS: Final = len(BASIC) + len(PAIRS)
_FIRST, _SECOND = (np.array(side) for side in zip(*PAIRS, strict=True))


@dataclass(frozen=True)
class Likelihood:
    """The numbers for one set of modalities.

    ``kinds (2, 5)``: the logits of one emotion and of a blend against Neutral are linear in 1, log Neutral, and the
    logs of the three strongest emotions. ``sharpness``: the exponents by which emotions, and pairs, are told apart.
    ``cuts (3,)``: a label belongs to the 90 % set if it is at least so likely; for neutral, one emotion, a blend.
    """

    kinds: Double
    sharpness: tuple[float, float]
    cuts: tuple[float, float, float]

    def __post_init__(self) -> None:
        expect_shape("Likelihood.kinds", self.kinds, (2, 2 + STRONGEST))

    @classmethod
    def of_dict(cls, document: dict[str, Any]) -> Likelihood:
        """The numbers that ``as_dict`` gave."""
        one, two = document["sharpness"]
        neutral, basic, compound = document["cuts"]
        return cls(np.array(document["kinds"], dtype=np.float64), (one, two), (neutral, basic, compound))

    def as_dict(self) -> dict[str, Any]:
        """The numbers, for the file."""
        return {"kinds": self.kinds.tolist(), "sharpness": list(self.sharpness), "cuts": list(self.cuts)}

    def __call__(self, values: Double) -> Double:
        """``values (T, 7)``, not negative, of any sum -> ``(T, 22)``, adding up to 1: Neutral, the six, the fifteen
        ``PAIRS``.
        """
        logs = logarithms(values)
        return label_probabilities(logs, features(logs), self.kinds, self.sharpness)


def logarithms(values: Double) -> Double:
    """Of ``values (T, 7)`` divided by their sum, and no less than ``LEAST``; a row of zeros counts as even."""
    total = values.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, values / np.where(total > 0, total, 1.0), 1 / len(BASIC))
    logs: Double = np.log(np.maximum(shares, LEAST))
    return logs


def features(logs: Double) -> Double:
    """``(T, 5)``: 1, log Neutral, and the logs of the strongest emotions, strongest first."""
    ranked = -np.sort(-logs[:, 1:], axis=1)[:, :STRONGEST]
    return np.column_stack([np.ones(len(logs)), logs[:, 0], ranked])


def label_probabilities(logs: Double, given: Double, kinds: Double, sharpness: tuple[float, float]) -> Double:
    """``(T, 22)`` from ``logarithms`` and ``features``."""
    of_kind = softmax(np.column_stack([np.zeros(len(given)), given @ kinds.T]))
    single = softmax(sharpness[0] * logs[:, 1:])
    pairs = softmax(sharpness[1] * (logs[:, _FIRST] + logs[:, _SECOND]))
    return np.column_stack([of_kind[:, :1], of_kind[:, 1:2] * single, of_kind[:, 2:] * pairs])


def within(likely: Double, values: Double, vocabulary: Vocabulary) -> Double:
    """``likely (T, 22)`` -> ``(T, 7 + C)``: Neutral, the six, and the compounds of a vocabulary.

    A pair that the vocabulary lacks counts for the stronger of its two emotions in ``values (T, 7)``, the first of
    equals; of two compounds with the same pair, the first has it all.
    """
    columns = {pair: len(BASIC) + place for place, pair in reversed([*enumerate(pairs_of(vocabulary))])}
    rows = np.arange(len(likely))
    result = np.zeros((len(likely), len(BASIC) + len(vocabulary)))
    result[:, : len(BASIC)] = likely[:, : len(BASIC)]
    for place, (first, second) in enumerate(PAIRS):
        share = likely[:, len(BASIC) + place]
        if (first, second) in columns:
            result[:, columns[first, second]] = share
        else:
            stronger: Integer = np.where(values[:, first] >= values[:, second], first, second)
            result[rows, stronger] += share
    return result
