from __future__ import annotations

import numpy as np
import pytest

from avcer.decision.likely import PAIRS
from avcer.evaluation.expressions import UNCLEAR, kinds_of, score_labels, voted_labels
from avcer.labels import BASIC
from avcer.types import Integer


def votes(**counts: int) -> list[float]:
    return [counts.get(name, 0) for name in BASIC]


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ({"Neutral": 7, "Sadness": 3}, 0),
        ({"Neutral": 6, "Sadness": 4}, UNCLEAR),
        ({"Happiness": 7, "Neutral": 3}, 4),
        ({"Happiness": 8, "Surprise": 1, "Fear": 1}, 4),
        ({"Happiness": 8, "Surprise": 2}, UNCLEAR),  # neither: two votes are more than one, and no blend
        ({"Happiness": 7, "Surprise": 3}, 7 + PAIRS.index((4, 6))),
        ({"Anger": 4, "Disgust": 3, "Fear": 3}, 7 + PAIRS.index((1, 2))),
        ({"Anger": 3, "Disgust": 3, "Neutral": 4}, UNCLEAR),
        ({}, UNCLEAR),
    ],
)
def test_labels_of_votes(counts: dict[str, int], label: int) -> None:
    assert voted_labels(np.array([votes(**counts)])).tolist() == [label]


def labels(*each: tuple[int, int]) -> Integer:
    return np.repeat([label for label, _ in each], [count for _, count in each])


def test_scores_by_hand() -> None:
    """Twenty neutral, twenty happy, ten of one pair, and one of another that counts for all but the macro F1."""
    pair, rare = 7 + PAIRS.index((4, 6)), 7 + PAIRS.index((1, 2))
    true = labels((0, 20), (4, 20), (pair, 10), (rare, 1))
    said = labels((0, 20), (4, 15), (pair, 4), (-1, 1), (pair, 5), (4, 5), (4, 1))
    scores = score_labels(true, said, np.full(51, 0.5))
    assert scores["n"] == 51
    assert scores["accuracy"] == pytest.approx(40 / 51)
    assert scores["kind_recall"] == pytest.approx({"neutral": 1.0, "basic": 0.75, "compound": 5 / 11})
    assert scores["kind_uar"] == pytest.approx((1.0 + 0.75 + 5 / 11) / 3)
    assert scores["false_compound"] == pytest.approx(4 / 20)
    assert scores["macro_f1"] == pytest.approx((1.0 + 2 * 15 / (20 + 21) + 2 * 5 / (10 + 9)) / 3)
    assert scores["ece"] == pytest.approx(40 / 51 - 0.5)


def test_kinds() -> None:
    assert kinds_of(np.array([-1, 0, 1, 6, 7, 21])).tolist() == [-1, 0, 1, 1, 2, 2]
