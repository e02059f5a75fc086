"""The mini face detector: a single-shot network of depthwise-separable blocks with a small feature pyramid.

Its outputs and its priors are those of RetinaFace (Deng et al., CVPR 2020), so that both share everything behind the
network. The first two convolutions bring the picture to a quarter of its size, which keeps a core of a laptop fast.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM: Final = (16, 32)
_STAGES: Final = ((64, 1), (96, 4), (128, 3))
"""Channels, and blocks after the one that halves the size, of the stages at strides 8, 16 and 32."""
_PYRAMID: Final = 48
_CONTEXT: Final = (1, 2, 2)
"""Blocks in front of each level's head: small faces need little surrounding, and their level costs the most."""
_PRIORS: Final = 2
_PRIOR_OUTPUTS: Final = (4, 2, 10)
"""Box offsets, class scores (background, face), landmarks."""
_RARE: Final = 0.01
"""The share of priors that hold a face, as the heads assume at first (Lin et al., ICCV 2017, focal loss)."""


class MiniDetector(nn.Module):
    """``(N, 3, H, W)`` -> box offsets ``(N, P, 4)``, scores ``(N, P, 2)`` after softmax, landmarks ``(N, P, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(3, _STEM[0], 3, stride=2), _Separable(_STEM[0], _STEM[1], stride=2))
        self.stages = nn.ModuleList()
        channels = _STEM[1]
        for width, depth in _STAGES:
            self.stages.append(
                nn.Sequential(_Separable(channels, width, stride=2), *(_Separable(width, width) for _ in range(depth)))
            )
            channels = width
        self.lateral = nn.ModuleList(_convolution(width, _PYRAMID, 1) for width, _ in _STAGES)
        self.merge = nn.ModuleList(_Separable(_PYRAMID, _PYRAMID) for _ in _STAGES[1:])
        self.context = nn.ModuleList(
            nn.Sequential(*(_Separable(_PYRAMID, _PYRAMID) for _ in range(depth))) for depth in _CONTEXT
        )
        self.heads = nn.ModuleList(_head() for _ in _STAGES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Offsets, scores after softmax, landmarks."""
        offsets, logits, landmarks = self.raw(images)
        return offsets, logits.softmax(-1), landmarks

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As ``forward``, with the class scores as logits, for the loss."""
        levels = self._pyramid(images)
        per_level = [
            head(context(level)).permute(0, 2, 3, 1).reshape(images.shape[0], -1, sum(_PRIOR_OUTPUTS))
            for level, context, head in zip(levels, self.context, self.heads, strict=True)
        ]
        offsets, logits, landmarks = torch.split(torch.cat(per_level, 1), list(_PRIOR_OUTPUTS), -1)
        return offsets, logits, landmarks

    def shift_scores(self, logit: float) -> None:
        """Adds ``logit`` to the log-odds of a face at every prior, to calibrate the scores."""
        with torch.no_grad():
            for head in self.heads:
                assert isinstance(head, nn.Conv2d)
                assert head.bias is not None
                head.bias.view(_PRIORS, -1)[:, 5] += logit

    def _pyramid(self, images: Tensor) -> list[Tensor]:
        features, levels = self.stem(images), []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            features = stage(features)
            levels.append(lateral(features))
        for fine in (1, 0):
            coarse = F.interpolate(levels[fine + 1], size=levels[fine].shape[-2:], mode="nearest")
            levels[fine] = self.merge[fine](levels[fine] + coarse)
        return levels


class _Separable(nn.Module):
    """3x3 depthwise, then 1x1; the input is added where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = _convolution(inputs, inputs, 3, stride, groups=inputs)
        self.pointwise = _convolution(inputs, outputs, 1, activation=False)
        self.residual = inputs == outputs and stride == 1

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.pointwise(self.depthwise(features))
        return F.relu(features + changed if self.residual else changed)


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: bool = True
) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)]
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs), *([nn.ReLU(inplace=True)] if activation else []))


def _head() -> nn.Conv2d:
    head = nn.Conv2d(_PYRAMID, _PRIORS * sum(_PRIOR_OUTPUTS), 1)
    assert head.bias is not None
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    head.bias.data.view(_PRIORS, -1)[:, 5] = math.log(_RARE / (1 - _RARE))
    return head
