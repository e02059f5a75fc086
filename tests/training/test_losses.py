from __future__ import annotations

import numpy as np
import pytest
import torch

from avcer.training.losses import class_weights, soft_cross_entropy, soft_focal


def test_rare_classes_weigh_more() -> None:
    """Three rows of class 0 and one of class 1: 4 / (2 * 3) and 4 / (2 * 1); class 2 never occurs."""
    weights = class_weights(np.array([0, 0, 0, 1]), 3)
    assert weights.tolist() == pytest.approx([2 / 3, 2.0, 0.0])
    assert float(weights[[0, 0, 0, 1]].mean()) == pytest.approx(1)


def test_cross_entropy_by_hand() -> None:
    """Two classes at equal odds: log 2, however the target is split."""
    logits, targets = torch.zeros(1, 2), torch.tensor([[0.3, 0.7]])
    assert float(soft_cross_entropy(logits, targets, torch.ones(2))) == pytest.approx(np.log(2))


def test_focal_loss_by_hand() -> None:
    """At odds of one to one a hard target is off by 1/2: a quarter of the cross-entropy; right ones count nothing."""
    even = soft_focal(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.ones(2))
    assert float(even) == pytest.approx(np.log(2) / 4)
    sure = soft_focal(torch.tensor([[20.0, 0.0]]), torch.tensor([[1.0, 0.0]]), torch.ones(2))
    assert float(sure) == pytest.approx(0, abs=1e-6)


def test_focal_loss_is_least_at_the_target() -> None:
    targets, ones = torch.tensor([[0.3, 0.7]]), torch.ones(2)
    at_target = soft_focal(torch.log(targets), targets, ones)
    assert float(at_target) == pytest.approx(0, abs=1e-6)
    assert float(soft_focal(torch.tensor([[1.0, 0.0]]), targets, ones)) > 0.05
