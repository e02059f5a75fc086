from __future__ import annotations

import torch
from torch import Tensor, nn

from avcer.models.networks.head import class_activation


def test_agrees_with_autograd_on_the_top_class() -> None:
    torch.manual_seed(0)
    fc1, fc2 = nn.Linear(12, 9), nn.Linear(9, 7)
    activations = torch.rand(5, 12, 4, 3, requires_grad=True)
    features = fc1(activations.mean((2, 3)))
    logits = fc2(features.relu())

    heat = class_activation(activations, features, logits, fc1, fc2)

    torch.testing.assert_close(heat, _by_autograd(activations, logits))
    assert heat.shape == (5, 4, 3)
    assert float(heat.detach().max()) > 0


def _by_autograd(activations: Tensor, logits: Tensor) -> Tensor:
    top = logits.softmax(1).max(1).values.sum()
    (gradient,) = torch.autograd.grad(top, activations)
    return (activations * gradient.mean((2, 3), keepdim=True)).mean(1).relu()
