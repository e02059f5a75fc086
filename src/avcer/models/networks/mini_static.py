"""The mini static model: a small residual network for grey faces of 48x48 pixels. The project's own design."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from avcer.models.networks.head import class_activation

SIZE: Final = 48
FEATURES: Final = 192
STEM: Final = 24
BLOCKS: Final = ((32, 2), (64, 2), (64, 1), (128, 2), (192, 1))
"""Width and stride of each residual block; behind the stem 48 pixels, then 24, 12, 12, 6, 6."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which averages where the block halves the map."""

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width_out),
            nn.ReLU(),
            nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width_out),
        )
        nn.init.zeros_(self.convolutions[4].weight)  # type: ignore[arg-type]  # each block begins as its shortcut
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.AvgPool2d(stride))
        if width_in != width_out:
            self.shortcut.extend((nn.Conv2d(width_in, width_out, 1, bias=False), nn.BatchNorm2d(width_out)))

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, width_in, h, w)`` -> ``(N, width_out, h / stride, w / stride)``."""
        return torch.relu(self.convolutions(maps) + self.shortcut(maps))


class MiniStatic(nn.Module):
    """Grey faces ``(N, 1, 48, 48)``, 0 to 1, to logits, features and a heat map."""

    def __init__(self) -> None:
        super().__init__()
        widths = [STEM, *(width for width, _ in BLOCKS)]
        self.stem = nn.Sequential(nn.Conv2d(1, STEM, 3, 1, 1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU())
        self.blocks = nn.Sequential(
            *(ResidualBlock(before, width, stride) for before, (width, stride) in zip(widths, BLOCKS, strict=False))
        )
        self.fc1 = nn.Linear(widths[-1], FEATURES)
        self.drop = nn.Dropout(0.2)
        self.fc2 = nn.Linear(FEATURES, 7)

    def maps(self, images: Tensor) -> Tensor:
        """The last maps, ``(N, 192, 6, 6)``; once trained, the mean of a face's and of its mirror image's."""
        if self.training:
            return self._maps(images)
        return (self._maps(images) + self._maps(images.flip(3)).flip(3)) / 2

    def _maps(self, images: Tensor) -> Tensor:
        """One pass. Each picture is brought to one brightness and contrast first."""
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        spread = (images - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        maps: Tensor = self.blocks(self.stem((images - mean) / (spread + 0.02)))
        return maps

    def classify(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``(N, 7)`` in the order of ``BASIC``, and features ``(N, 192)`` before their ReLU."""
        return self._head(self.maps(images))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits and features as ``classify``, and the heat map ``(N, 6, 6)`` of the strongest class."""
        maps = self.maps(images)
        logits, features = self._head(maps)
        return logits, features, class_activation(maps, features, logits, self.fc1, self.fc2)

    def _head(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        features = self.fc1(maps.mean(dim=(2, 3)))
        return self.fc2(self.drop(torch.relu(features))), features
