"""The mini dynamic model: a small recurrent layer over the mini static model's features. The project's own design."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from avcer.models.networks.mini_static import FEATURES

INNER: Final = 64
HIDDEN: Final = 96


class MiniDynamic(nn.Module):
    """Windows ``(N, 10, 192)`` of the static model's features, after ReLU, to logits in the order of ``BASIC``."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Linear(FEATURES, INNER)
        self.memory = nn.GRU(INNER, HIDDEN, batch_first=True)
        self.classify = nn.Linear(HIDDEN + INNER, 7)

    def each_step(self, windows: Tensor) -> Tensor:
        """Logits ``(N, 10, 7)``: what could be said at each step, knowing only that step and those before it."""
        reduced = torch.relu(self.reduce(windows))
        remembered, _ = self.memory(reduced)
        logits: Tensor = self.classify(torch.cat([remembered, reduced], dim=2))
        return logits

    def forward(self, windows: Tensor) -> Tensor:
        """Logits ``(N, 7)`` at the last step."""
        return self.each_step(windows)[:, -1]
