"""A last layer fitted anew: labelled pictures and labelled clips, each set counting by its share, near the old layer.

What lies below stays as it is, for a network taught anew on a handful of clips learns the people in them by heart. A
last layer is small, is held near the one before by a penalty, and is fitted in seconds, so that each choice can be
judged on people and corpora left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.probabilities import softmax
from avcer.evaluation.tables.speaking import Speaking
from avcer.labels import BASIC
from avcer.types import Boolean, Double, Float

BOUND: Final = 80
"""Iterations of the fit at most."""


@dataclass(frozen=True)
class Settings:
    """How a last layer is fitted; the recipe's table ``readout``.

    ``clips`` is the weight of a set of clips beside 1 for all pictures, ``alone`` that of one with a single person, and
    ``calm`` that of one where every clip is labelled the same; ``smoothing`` is of the clips' targets: in an angry
    sentence not every frame is angry. ``before`` is the share of what the model said before in the pictures' targets.
    ``penalty`` is on the squares of what the layer changes; with ``emotions`` the change is one of the seven logits (49
    numbers), not of all the features.
    """

    clips: float = 1.0
    alone: float = 0.3
    calm: float = 0.6
    smoothing: float = 0.1
    before: float = 0.5
    penalty: float = 5e-3
    emotions: bool = False

    def weight_of(self, clips: Speaking) -> float:
        """How much a set of clips counts."""
        if len(np.unique(clips.labels)) == 1:
            return self.calm
        return self.alone if len(np.unique(clips.speakers)) == 1 else self.clips


@dataclass(frozen=True)
class Lesson:
    """R rows to fit on: ``features (R, D)``, ``targets (R, 7)`` that add up to 1, ``weights (R,)`` that add up to the
    weight of the set.
    """

    features: Float
    targets: Double
    weights: Double


@dataclass(frozen=True)
class Layer:
    """Logits ``features @ weight + bias``: ``weight (D, 7)``, ``bias (7,)``."""

    weight: Double
    bias: Double

    @classmethod
    def of(cls, last: nn.Linear) -> Self:
        """What a network ends with."""
        weight, bias = (part.detach().double().cpu().numpy() for part in (last.weight, last.bias))
        return cls(weight.T.copy(), bias.copy())

    def __call__(self, features: Float) -> Double:
        """Logits ``(R, 7)``."""
        logits: Double = features @ self.weight + self.bias
        return logits

    @torch.no_grad()
    def put(self, last: nn.Linear, temperature: float = 1.0) -> None:
        """Works the layer into ``last``, its logits over ``temperature``."""
        last.weight.copy_(torch.from_numpy(self.weight.T / temperature))
        last.bias.copy_(torch.from_numpy(self.bias / temperature))


def lesson_of_clips(clips: Speaking, features: Float, settings: Settings, chosen: Boolean | None = None) -> Lesson:
    """All frames of the ``chosen`` clips ``(C,)``: emotions count alike, then clips, then frames."""
    chosen = np.ones(len(clips), np.bool_) if chosen is None else chosen
    crops = chosen[clips.owners]
    owners = clips.owners[crops]
    labels = clips.labels[owners]
    weights = 1 / np.bincount(clips.owners)[owners] / np.bincount(clips.labels[chosen], minlength=len(BASIC))[labels]
    targets = (1 - settings.smoothing) * np.eye(len(BASIC))[labels] + settings.smoothing / len(BASIC)
    return Lesson(features[crops], targets, settings.weight_of(clips) * weights / weights.sum())


def lesson_of_pictures(features: Float, targets: Double, before: Layer, settings: Settings, share: float) -> Lesson:
    """Rows of pictures that count ``share`` in all, each the same: their ``targets (R, 7)``, mixed with what the layer
    before says, which is to stay true of pictures.
    """
    mixed = settings.before * softmax(before(features)) + (1 - settings.before) * targets
    return Lesson(features, mixed, np.full(len(features), share / len(features)))


def fit(lessons: Sequence[Lesson], before: Layer, settings: Settings) -> Layer:
    """A layer near ``before`` with the least cross-entropy to the targets of all lessons."""
    inputs, targets, weights = (
        torch.from_numpy(np.concatenate([np.asarray(getattr(one, name)) for one in lessons])).float()
        for name in ("features", "targets", "weights")
    )
    said = inputs @ torch.from_numpy(before.weight).float() + torch.from_numpy(before.bias).float()
    change, bias = _least(said if settings.emotions else inputs, said, targets, weights / weights.sum(), settings)
    if settings.emotions:
        change, bias = before.weight @ change, before.bias @ change + bias
    return Layer(before.weight + change, before.bias + bias)


def _least(inputs: Tensor, said: Tensor, targets: Tensor, weights: Tensor, settings: Settings) -> tuple[Double, Double]:
    """What to add to weights ``(K, 7)`` and biases ``(7,)`` of a layer over ``inputs (R, K)`` that says ``said``."""
    change = torch.zeros(inputs.shape[1], len(BASIC), requires_grad=True)
    bias = torch.zeros(len(BASIC), requires_grad=True)
    optimizer = torch.optim.LBFGS([change, bias], max_iter=BOUND, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = said + inputs @ change + bias
        surprise = -(weights * (targets * torch.log_softmax(logits, 1)).sum(1)).sum()
        value: Tensor = surprise + settings.penalty * (change**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return change.detach().double().numpy(), bias.detach().double().numpy()
