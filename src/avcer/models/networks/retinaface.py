"""RetinaFace (Deng et al., CVPR 2020) with either of its published backbones, by the names of their checkpoints.

Takes ``(N, 3, H, W)``, BGR minus the means, any size; gives for each of P priors box offsets ``(N, P, 4)``, scores
``(N, P, 2)`` after softmax (the second is 'face'), landmark offsets ``(N, P, 10)``. Priors run over strides 8, 16,
32, in each over cells row by row, in each over two sides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ANCHORS = 2
"""Priors a cell."""
SLOPE = 0.1
"""Of the leaky ReLU of the light variant; the ResNet-50 variant has plain ReLU."""


class RetinaFace(nn.Module):
    """Backbone -> feature pyramid -> a context module a level -> 1x1 heads."""

    def __init__(self, body: nn.Module, body_channels: tuple[int, int, int], channels: int, slope: float) -> None:
        super().__init__()
        self.body = body
        self.fpn = _Pyramid(body_channels, channels, slope)
        self.ssh1 = _Context(channels, slope)
        self.ssh2 = _Context(channels, slope)
        self.ssh3 = _Context(channels, slope)
        self.ClassHead = _heads(channels, 2)
        self.BboxHead = _heads(channels, 4)
        self.LandmarkHead = _heads(channels, 10)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Offsets, scores and landmarks of every prior."""
        levels = self.fpn(*self.body(images))
        levels = [context(level) for context, level in zip((self.ssh1, self.ssh2, self.ssh3), levels, strict=True)]
        offsets, scores, landmarks = (
            torch.cat([head(level) for head, level in zip(heads, levels, strict=True)], 1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return offsets, scores.softmax(2), landmarks


def retinaface_mobilenet() -> RetinaFace:
    """With MobileNet-0.25: 0.4 M parameters."""
    return RetinaFace(_MobileNet(), (64, 128, 256), 64, SLOPE)


def retinaface_resnet50() -> RetinaFace:
    """With ResNet-50: 27 M parameters."""
    return RetinaFace(_ResNet50(), (512, 1024, 2048), 256, 0.0)


class _MobileNet(nn.Module):
    """A quarter as wide as MobileNet; gives the maps at strides 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            _convolution(3, 8, 3, 2, SLOPE),
            _separable(8, 16, 1),
            _separable(16, 32, 2),
            _separable(32, 32, 1),
            _separable(32, 64, 2),
            _separable(64, 64, 1),
        )
        self.stage2 = nn.Sequential(_separable(64, 128, 2), *(_separable(128, 128, 1) for _ in range(5)))
        self.stage3 = nn.Sequential(_separable(128, 256, 2), _separable(256, 256, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(images)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


class _ResNet50(nn.Module):
    """The usual ResNet-50, the stride of a block on its 3x3 convolution; gives the maps of stages 2 to 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, blocks=3, stride=1)
        self.layer2 = _stage(256, 128, blocks=4, stride=2)
        self.layer3 = _stage(512, 256, blocks=6, stride=2)
        self.layer4 = _stage(1024, 512, blocks=3, stride=2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = functional.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, stride=2, padding=1)
        fine = self.layer2(self.layer1(x))
        middle = self.layer3(fine)
        return fine, middle, self.layer4(middle)


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        outputs = width * 4
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if project:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class _Pyramid(nn.Module):
    """Each level takes in the coarser one, enlarged by nearest neighbour."""

    def __init__(self, body_channels: tuple[int, int, int], channels: int, slope: float) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_convolution(c, channels, 1, 1, slope) for c in body_channels)
        self.merge1 = _convolution(channels, channels, 3, 1, slope)
        self.merge2 = _convolution(channels, channels, 3, 1, slope)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, coarse = self.output1(fine), self.output2(middle), self.output3(coarse)
        middle = self.merge2(middle + functional.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.merge1(fine + functional.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return fine, middle, coarse


class _Context(nn.Module):
    """SSH context module: 3x3, 5x5 and 7x7 fields, the larger made of stacked 3x3 convolutions."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.conv3X3 = _convolution(channels, half, 3, 1, None)
        self.conv5X5_1 = _convolution(channels, quarter, 3, 1, slope)
        self.conv5X5_2 = _convolution(quarter, quarter, 3, 1, None)
        self.conv7X7_2 = _convolution(quarter, quarter, 3, 1, slope)
        self.conv7x7_3 = _convolution(quarter, quarter, 3, 1, None)

    def forward(self, x: Tensor) -> Tensor:
        shared = self.conv5X5_1(x)
        fields = [self.conv3X3(x), self.conv5X5_2(shared), self.conv7x7_3(self.conv7X7_2(shared))]
        return torch.cat(fields, 1).relu()


class _Head(nn.Module):
    """``(N, channels, h, w)`` -> ``(N, h * w * ANCHORS, values)``."""

    def __init__(self, channels: int, values: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(channels, ANCHORS * values, 1)
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        by_cell: Tensor = self.conv1x1(x).permute(0, 2, 3, 1)
        return by_cell.reshape(x.shape[0], -1, self.values)


def _heads(channels: int, values: int) -> nn.ModuleList:
    return nn.ModuleList(_Head(channels, values) for _ in range(3))


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    others = [_Bottleneck(width * 4, width, 1, project=False) for _ in range(blocks - 1)]
    return nn.Sequential(_Bottleneck(inputs, width, stride, project=True), *others)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, slope: float | None) -> nn.Sequential:
    """Convolution, batch norm and, unless ``slope`` is None, leaky ReLU."""
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([] if slope is None else [nn.LeakyReLU(slope)]))


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A 3x3 convolution a channel, then 1x1 over channels."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
    )
