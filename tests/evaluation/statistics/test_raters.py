from __future__ import annotations

import numpy as np
import pytest

from avcer.evaluation.statistics.metrics import confusion
from avcer.evaluation.statistics.raters import cohen_kappa, krippendorff_alpha


def test_textbook_example() -> None:
    """Cohen's own form: 20 and 15 agreed of 50, kappa 0.4."""
    assert float(cohen_kappa(np.array([[20, 5], [10, 15]]))) == pytest.approx(0.4)


def test_as_another_library_computes_it() -> None:
    krippendorff = pytest.importorskip("krippendorff")
    random = np.random.default_rng(0)
    first = random.integers(0, 5, 400)
    second = np.where(random.random(400) < 0.6, first, random.integers(0, 5, 400))
    table = confusion(first, second, 6)
    chance = sum(np.mean(first == index) * np.mean(second == index) for index in range(5))
    assert float(cohen_kappa(table)) == pytest.approx((np.mean(first == second) - chance) / (1 - chance))
    expected = krippendorff.alpha(np.stack([first, second]), level_of_measurement="nominal")
    assert float(krippendorff_alpha(table)) == pytest.approx(expected)


def test_one_class_alone_says_nothing_about_agreement() -> None:
    assert np.isnan(cohen_kappa(np.array([[9, 0], [0, 0]])))
    assert np.isnan(krippendorff_alpha(np.array([[9, 0], [0, 0]])))
    assert np.isnan(cohen_kappa(np.zeros((2, 2), int)))


def test_many_at_once() -> None:
    tables = np.array([[[20, 5], [10, 15]], [[1, 0], [0, 1]]])
    assert cohen_kappa(tables).tolist() == pytest.approx([0.4, 1.0])
