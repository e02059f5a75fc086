from __future__ import annotations

import numpy as np
import pytest

from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.statistics.scores import doubts
from avcer.labels import BASIC


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 200)
    return labels, np.where(random.random(200) < 0.6, labels, random.integers(0, 7, 200))


def test_scores_of_a_matrix_are_those_of_the_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    """Classes 5 and 6 are predicted at times, but never true: no mean counts them."""
    labels, predicted = rows
    table = metrics.confusion(labels, predicted, 7)[np.newaxis].astype(float)
    assert intervals.accuracy(table)[0] == pytest.approx(metrics.accuracy(labels, predicted))
    assert intervals.uar(table)[0] == pytest.approx(metrics.uar(labels, predicted))
    assert intervals.macro_f1(table)[0] == pytest.approx(metrics.macro_f1(labels, predicted))
    assert intervals.recalls(table)[0, :5] == pytest.approx(list(metrics.recalls(labels, predicted).values()))
    assert np.isnan(intervals.recalls(table)[0, 5:]).all()


def test_rows_of_a_group_are_drawn_together() -> None:
    """Two speakers of three rows each, one always right, one always wrong: a draw is 0, 1/2 or 1, never 1/3."""
    labels, predicted = np.zeros(6, int), np.array([0, 0, 0, 1, 1, 1])
    drawn = intervals.accuracy(intervals.bootstrap(labels, predicted, np.array(list("aaabbb")), 2, draws=200))
    assert set(drawn.tolist()) == {0.0, 0.5, 1.0}


def test_an_interval_holds_the_score_and_narrows_with_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = rows
    few = intervals.bootstrap(labels, predicted, np.arange(200), 7)
    many = intervals.bootstrap(np.tile(labels, 9), np.tile(predicted, 9), np.arange(1800), 7)
    low, high = intervals.interval(intervals.accuracy(few))
    assert low < metrics.accuracy(labels, predicted) < high
    closer = intervals.interval(intervals.accuracy(many))
    assert (closer[1] - closer[0]) / (high - low) == pytest.approx(1 / 3, abs=0.06)


def test_an_interval_of_known_values() -> None:
    assert intervals.interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))
    assert intervals.interval(np.array([np.nan, 3.0])) == (3.0, 3.0)
    assert np.isnan(intervals.interval(np.array([np.nan]))).all()
    assert np.isnan(intervals.interval(np.arange(101.0), groups=1)).all()


def test_doubts_name_the_classes_that_occur(rows: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = rows
    said = doubts(labels, np.eye(7)[predicted], np.arange(200))
    assert np.sum(said["confusion"]) == 200
    assert said["groups"] == 200
    assert said["labels"] == list(BASIC)
    assert list(said["intervals"]["per_class"]) == ["Neutral", "Anger", "Disgust", "Fear", "Happiness"]
