"""Worked by hand: rows (label, predicted) = (0,0) (0,0) (0,1) (1,1) (2,1); class 3 occurs nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.evaluation.statistics import metrics

LABELS = np.array([0, 0, 0, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1])


def test_confusion_has_labels_in_rows() -> None:
    assert metrics.confusion(LABELS, PREDICTED, 4).tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0] * 4]


def test_accuracy() -> None:
    assert metrics.accuracy(LABELS, PREDICTED) == pytest.approx(3 / 5)


def test_recalls_and_their_mean() -> None:
    assert metrics.recalls(LABELS, PREDICTED) == pytest.approx({0: 2 / 3, 1: 1, 2: 0})
    assert metrics.uar(LABELS, PREDICTED) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_precisions_and_their_mean() -> None:
    assert metrics.precisions(LABELS, PREDICTED) == pytest.approx({0: 1, 1: 1 / 3, 2: 0})
    assert metrics.macro_precision(LABELS, PREDICTED) == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_macro_f1() -> None:
    # class 0: 2*2/(3+2); class 1: 2*1/(1+3); class 2: 0
    assert metrics.macro_f1(LABELS, PREDICTED) == pytest.approx((4 / 5 + 1 / 2 + 0) / 3)


def test_a_mean_over_chosen_classes() -> None:
    assert metrics.macro_f1(LABELS, PREDICTED, [0, 1]) == pytest.approx((4 / 5 + 1 / 2) / 2)


def test_the_mean_of_four() -> None:
    four = (2 / 3 + 1 + 0) / 3, 3 / 5, (4 / 5 + 1 / 2 + 0) / 3, (1 + 1 / 3 + 0) / 3
    assert metrics.mean_of_four(LABELS, PREDICTED) == pytest.approx(sum(four) / 4)


def test_rank_accuracy() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    right = [metrics.rank_accuracy(np.array([0, 1, 2]), scores, rank) for rank in (1, 2, 3)]
    assert right == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_rank_among_zeros_is_no_hit() -> None:
    assert metrics.rank_accuracy(np.array([0, 1]), np.array([[0.0, 0, 0], [0, 0.5, 0]]), 2) == pytest.approx(1 / 2)


def test_presence_and_salience_of_blends() -> None:
    # right; salience wrong; one emotion too many; a single one, right
    true = np.array([[70, 30, 0], [70, 30, 0], [0, 50, 50], [100, 0, 0]])
    said = np.array([[70, 30, 0], [50, 50, 0], [30, 30, 40], [100, 0, 0]])
    assert metrics.presence_accuracy(true, said) == pytest.approx(3 / 4)
    assert metrics.salience_accuracy(true, said) == pytest.approx(1 / 3)
    assert np.isnan(metrics.salience_accuracy(true[3:], said[3:]))


def test_no_rows_give_not_a_number() -> None:
    nothing = np.array([], int)
    assert np.isnan(metrics.accuracy(nothing, nothing))
    assert np.isnan(metrics.uar(nothing, nothing))
    assert np.isnan(metrics.recalls(LABELS, PREDICTED, [3])[3])


def test_ece_is_the_gap_between_confidence_and_accuracy() -> None:
    # one bin holds all rows: confidence 0.8, accuracy 3/5
    probabilities = np.full((5, 3), 0.1)
    probabilities[np.arange(5), PREDICTED] = 0.8
    assert metrics.ece(LABELS, probabilities) == pytest.approx(0.2)


def test_ece_weighs_bins_by_their_rows() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.95, 0.05], [0.45, 0.55]])
    # three rows of confidence 0.95 are all right, one of 0.55 is wrong
    assert metrics.ece(np.array([0, 0, 0, 0]), probabilities, bins=10) == pytest.approx(0.75 * 0.05 + 0.25 * 0.55)


def test_reliability_of_certain_predictions_falls_into_the_last_bin() -> None:
    shares, confidence, hits = metrics.reliability(np.array([0, 1]), np.eye(2), bins=4)
    assert shares.tolist() == [0, 0, 0, 1]
    assert confidence[3] == hits[3] == 1


@pytest.mark.parametrize("second_stage", [False, True])
def test_metrics_of_the_released_code(golden: Path, second_stage: bool) -> None:
    reference = np.load(golden / "weight_search.npz")
    labels, weights = reference["labels"], reference["dirichlet_weights"]
    if second_stage:
        weights = weights * reference["hierarchical_weights"][:, None]
    models = np.stack([reference[name] for name in ("static", "dynamic", "audio")])
    predicted = (weights[:, None, :] * models).sum(axis=0).argmax(axis=1)
    measures = (metrics.uar, metrics.accuracy, metrics.macro_f1, metrics.macro_precision)
    scores = [measure(labels, predicted) for measure in measures]
    expected = reference["metrics_double" if second_stage else "metrics_dirichlet"]
    assert [*scores, np.mean(scores)] == pytest.approx(expected.tolist(), abs=1e-6)
