"""The losses of the source work: cross-entropy and soft focal loss, both weighted by class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avcer.types import Integer


def class_weights(labels: Integer, classes: int) -> Tensor:
    """``(C,)``: the inverse of how often each class occurs, 1 on average over the rows; 0 for one that does not."""
    counts = torch.bincount(torch.as_tensor(labels), minlength=classes).float()
    occurring = (counts > 0).sum()
    return torch.where(counts > 0, counts.sum() / (occurring * counts.clamp(min=1)), 0.0)


def soft_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with targets ``(N, C)`` that add up to 1, each class weighted."""
    loss: Tensor = nn.functional.cross_entropy(logits, targets, weights, label_smoothing=smoothing)
    return loss


def soft_focal(logits: Tensor, targets: Tensor, weights: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017) for soft targets: what is nearly right already counts little."""
    likelihood = torch.log_softmax(logits, dim=1)
    hardness = (targets - likelihood.exp()).abs() ** gamma
    return -(weights * targets * hardness * likelihood).sum(dim=1).mean()
