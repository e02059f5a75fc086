"""Temperature scaling: probabilities that say how often they are right (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import nn

from avcer.emotion.probabilities import softmax
from avcer.types import Double, Integer

RANGE: Final = (0.2, 5.0)


def best_temperature(logits: Double, labels: Integer, weights: Double) -> float:
    """What to divide ``logits (N, C)`` by, for the least negative log-likelihood of ``labels (N,)``.

    ``weights (N,)`` tell how much each row counts.
    """

    def surprise(temperature: float) -> float:
        likelihood = softmax(logits / temperature)[np.arange(len(labels)), labels]
        return float(-np.average(np.log(np.maximum(likelihood, 1e-12)), weights=weights))

    return float(minimize_scalar(surprise, bounds=RANGE, method="bounded").x)


def even_temperature(logits: Mapping[str, Double], labels: Mapping[str, Integer]) -> float:
    """The temperature for the logits ``(N, C)`` of several corpora, by their names, each counting the same."""
    weights = [np.full(len(part), 1 / len(part)) for part in logits.values()]
    truth = np.concatenate([labels[name] for name in logits])
    return best_temperature(np.concatenate(list(logits.values())), truth, np.concatenate(weights))


@torch.no_grad()
def cool(layer: nn.Linear, temperature: float) -> None:
    """Divides the logits that ``layer`` gives by ``temperature``, for good."""
    layer.weight.div_(temperature)
    layer.bias.div_(temperature)
