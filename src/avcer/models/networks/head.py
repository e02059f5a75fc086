"""Where a static network looks: Grad-CAM of its head in closed form, so that it can be exported and needs no autograd.

Every static network ends in ``global average pool -> fc1 -> ReLU -> fc2 -> softmax``, and its forward returns
``(logits (N, 7), features (N, D) = fc1 before ReLU, heat (N, h, w))``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d


def class_activation(activations: Tensor, features: Tensor, logits: Tensor, fc1: nn.Linear, fc2: nn.Linear) -> Tensor:
    """Grad-CAM of the top class (Selvaraju et al., ICCV 2017) for the head ``pool -> fc1 -> ReLU -> fc2 -> softmax``.

    The gradient of the top class's softmax output, averaged over space, weights the activations; then the mean over
    channels, and ReLU. Not divided by the maximum.

    Args:
        activations: ``(N, K, h, w)``, what the average pool takes.
        features: ``(N, D)``, what fc1 gives, before ReLU.
        logits: ``(N, C)``, what fc2 gives.
        fc1: K -> D.
        fc2: D -> C.

    Returns:
        ``(N, h, w)``, not negative.
    """
    probabilities = logits.softmax(1)
    classes = torch.arange(fc2.out_features, device=logits.device)
    top = (logits.argmax(1, keepdim=True) == classes).to(logits.dtype)
    by_logit = (probabilities * top).sum(1, keepdim=True) * (top - probabilities)
    by_feature = (by_logit @ fc2.weight) * (features > 0).to(logits.dtype)
    # As a convolution with a transposed copy: OpenVINO (2026.4) takes a square weight that a linear layer and its
    # backward product share for one and the same product.
    by_pooled = conv1d(by_feature[:, :, None], fc1.weight.t()[:, :, None])[:, :, 0]
    cells = activations.shape[2] * activations.shape[3]
    weights = (by_pooled / cells)[:, :, None, None]
    return (activations * weights).mean(1).relu()
