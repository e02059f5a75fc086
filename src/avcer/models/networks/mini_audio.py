"""The mini audio network: a small residual CNN over a log-mel spectrogram, a recurrent layer, attention over time."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

WIDTHS: Final = (32, 48, 64, 96)
"""Channels after the stem and after each residual block."""
STRIDES: Final = ((2, 2), (2, 1), (2, 1))
"""(band, frame) strides of the blocks; the stem has (2, 2)."""
BANDS: Final = 64
RECURRENT: Final = 128


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, and a 1x1 way around them."""

    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.around = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, before, bands, frames)`` -> ``(N, after, ..)``, the last two divided by the stride."""
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inner)) + self.around(x))


class MiniAudio(nn.Module):
    """Log-mel ``(N, 64, frames)`` as ``LogMel`` gives it -> logits ``(N, 7)`` in the order of ``BASIC``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, WIDTHS[0], 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(WIDTHS[0])
        pairs = zip(WIDTHS[:-1], WIDTHS[1:], STRIDES, strict=True)
        self.blocks = nn.Sequential(*(Residual(before, after, stride) for before, after, stride in pairs))
        self.narrow = nn.Linear(WIDTHS[-1] * BANDS // 2 ** (1 + len(STRIDES)), RECURRENT)
        self.drop_inner = nn.Dropout(0.2)
        self.recurrent = nn.GRU(RECURRENT, RECURRENT, batch_first=True, bidirectional=True)
        self.attention = nn.Sequential(nn.Linear(2 * RECURRENT, 64), nn.Tanh(), nn.Linear(64, 1))
        self.drop = nn.Dropout(0.4)
        self.classify = nn.Linear(4 * RECURRENT, 7)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, frames)`` -> logits ``(N, 7)``."""
        x = torch.relu(self.stem_norm(self.stem(x.unsqueeze(1))))
        x = self.blocks(x).permute(0, 3, 1, 2).flatten(2)
        x = self.drop_inner(torch.relu(self.narrow(x)))
        x, _ = self.recurrent(x)
        weights = torch.softmax(self.attention(x), dim=1)
        mean = (weights * x).sum(dim=1)
        spread = (weights * (x - mean.unsqueeze(1)).square()).sum(dim=1)
        logits: Tensor = self.classify(self.drop(torch.cat([mean, torch.sqrt(spread + 1e-5)], dim=1)))
        return logits
