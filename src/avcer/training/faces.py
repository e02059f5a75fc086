"""Labelled faces as training batches: canvases, soft targets, and augmentation that works on whole batches.

The model is to see faces as a detector crops them from videos: badly lit, blurred, compressed, partly hidden, off
centre, before any background. Random numbers come from one generator, so an epoch can be repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from avcer.evaluation.tables.faces import FaceTable
from avcer.types import Float

CANVAS: Final = 64
"""Pixels of the stored picture: larger than the network's input, so that turning and zooming lose little."""
CUT_OUT_SIDE: Final = 60
"""Pictures cut out on black show the face alone; at this side the face is as large as in the uncut pictures."""
BLACK: Final = 10
"""Grey levels up to this, joined to the border, are the black around a cut-out face."""
CUT_OUT_SHARE: Final = 0.12
"""A table where at least this share of the pixels is such black holds cut-out faces."""


@dataclass(frozen=True)
class Canvases:
    """N faces ready to be augmented: ``pictures (N, 64, 64)`` grey; ``visible (N, 64, 64)`` is 0 on the black around
    a cut-out face and 255 elsewhere; ``targets (N, 7)`` add up to 1; ``chances (N,)`` is how often a row is drawn in
    an epoch, on average.
    """

    pictures: NDArray[np.uint8]
    visible: NDArray[np.uint8]
    targets: Float
    chances: Float


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(h, w, 1)`` or BGR ``(h, w, 3)`` to ``(h, w)``."""
    if picture.shape[2] == 1:
        return picture[..., 0]
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def canvases(table: FaceTable, smoothing: float, chances: Float) -> Canvases:
    """The faces of a table on canvases. The targets are the votes, mixed with ``smoothing`` of an even guess."""
    greys = [grey(picture) for picture in table.pictures]
    outsides = [_black_border(picture) for picture in greys]
    cut_out = np.mean([outside.mean() for outside in outsides]) >= CUT_OUT_SHARE * 255
    pictures = np.zeros((len(greys), CANVAS, CANVAS), np.uint8)
    visible = np.full_like(pictures, 255)
    for index, (picture, outside) in enumerate(zip(greys, outsides, strict=True)):
        if cut_out:
            pictures[index], visible[index] = _framed(picture), _framed(255 - outside)
        else:
            pictures[index] = cv2.resize(picture, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    shares = table.votes / table.votes.sum(axis=1, keepdims=True)
    targets = (1 - smoothing) * shares + smoothing / shares.shape[1]
    return Canvases(pictures, visible, targets.astype(np.float32), chances.astype(np.float32))


def _black_border(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """255 where a picture is black from the border inwards, else 0."""
    _, pieces = cv2.connectedComponents((picture <= BLACK).astype(np.uint8))
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return np.where(np.isin(pieces, np.setdiff1d(border, 0)), 255, 0).astype(np.uint8)


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = cv2.resize(picture, (CUT_OUT_SIDE, CUT_OUT_SIDE), interpolation=cv2.INTER_AREA)
    framed: NDArray[np.uint8] = np.pad(small, (CANVAS - CUT_OUT_SIDE) // 2)
    return framed


class Augmentation:
    """Makes ``(N, 1, size, size)`` grey faces, 0 to 1, of canvases, by the probabilities and ranges of ``options``."""

    def __init__(self, size: int, options: dict[str, Any], seed: int) -> None:
        self.size, self.options = size, options
        self.random = torch.Generator().manual_seed(seed)

    def __call__(self, pictures: NDArray[np.uint8], visible: NDArray[np.uint8]) -> Tensor:
        """The faces of one batch, each in a new guise."""
        faces, seen = self._placed(pictures, visible)
        faces = self._before_background(faces, seen)
        faces = self._lit(faces)
        faces = self._blurred(faces)
        faces = self._coarse(faces)
        faces = self._noisy(faces)
        faces = self._compressed(faces)
        return self._partly_hidden(faces)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        """``(count, 1, 1, 1)``."""
        return torch.rand(count, 1, 1, 1, generator=self.random) * (high - low) + low

    def _chosen(self, count: int, name: str) -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=self.random) < float(self.options[name])

    def _placed(self, pictures: NDArray[np.uint8], visible: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """Turned, zoomed, stretched, shifted and mirrored."""
        count, options = len(pictures), self.options
        angle = self._uniform(count, -options["turn"], options["turn"]).flatten() * (math.pi / 180)
        zoom = self._uniform(count, -options["zoom"], options["zoom"]).flatten().exp()
        stretch = self._uniform(count, -options["stretch"], options["stretch"]).flatten().exp()
        mirror = torch.where(self._uniform(count, -1, 1).flatten() < 0, -1.0, 1.0)
        shift = self._uniform(2 * count, -options["shift"], options["shift"]).view(count, 2, 1) * 2
        cosine, sine = angle.cos() * zoom, angle.sin() * zoom
        rows = torch.stack([cosine * mirror, -sine * stretch, sine * mirror, cosine * stretch], 1).view(count, 2, 2)
        grid = F.affine_grid(torch.cat([rows, shift], 2), [count, 1, self.size, self.size], align_corners=False)
        both = torch.from_numpy(np.stack([pictures, visible], 1)).float() / 255
        placed = F.grid_sample(both, grid, padding_mode="border", align_corners=False)
        return placed[:, :1], placed[:, 1:]

    def _before_background(self, faces: Tensor, seen: Tensor) -> Tensor:
        """Something else in place of the black around cut-out faces; some other faces are cut out alike."""
        count = len(faces)
        order = torch.randperm(count, generator=self.random)
        whole = seen.mean(dim=(1, 2, 3), keepdim=True) > 0.99
        seen = torch.where(whole & self._chosen(count, "cut_out"), seen[order], seen)
        coarse = torch.rand(count, 1, 3, 3, generator=self.random)
        background = F.interpolate(coarse, self.size, mode="bilinear")
        background = torch.where(self._chosen(count, "flat"), coarse[:, :, :1, :1], background)
        background = torch.where(self._chosen(count, "other"), faces[order].flip(2), background)
        background = torch.where(self._chosen(count, "black"), 0.0, background)
        return faces * seen + background * (1 - seen)

    def _lit(self, faces: Tensor) -> Tensor:
        count, options = len(faces), self.options
        gamma = self._uniform(count, -options["gamma"], options["gamma"]).exp()
        contrast = self._uniform(count, -options["contrast"], options["contrast"]).exp()
        side = self._uniform(count, -options["side_light"], options["side_light"])
        ramp = 1 + side * torch.linspace(-1, 1, self.size)
        brightness = self._uniform(count, -options["brightness"], options["brightness"])
        faces = faces.clamp(0.002, 1).pow(gamma) * ramp
        faces = ((faces - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)
        dark = self._uniform(count, options["darkest"], 0.5)
        return torch.where(self._chosen(count, "low_light"), faces * dark, faces)

    def _blurred(self, faces: Tensor) -> Tensor:
        taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        soft = F.conv2d(F.pad(faces, (2, 2, 2, 2), mode="replicate"), torch.outer(taps, taps)[None, None])
        strength = self._uniform(len(faces), 0, 1) * self._chosen(len(faces), "blur")
        return torch.lerp(faces, soft, strength)

    def _coarse(self, faces: Tensor) -> Tensor:
        """Seen from afar: few pixels, enlarged."""
        side = int(torch.randint(self.options["coarsest"], self.size, (1,), generator=self.random))
        small = F.interpolate(faces, side, mode="bilinear", antialias=True)
        enlarged = F.interpolate(small, self.size, mode="bilinear")
        return torch.where(self._chosen(len(faces), "coarse"), enlarged, faces)

    def _noisy(self, faces: Tensor) -> Tensor:
        strength = self._uniform(len(faces), 0, self.options["noise_level"]) * self._chosen(len(faces), "noise")
        return (faces + strength * torch.randn(faces.shape, generator=self.random)).clamp(0, 1)

    def _compressed(self, faces: Tensor) -> Tensor:
        chosen = self._chosen(len(faces), "jpeg").flatten().nonzero().flatten().tolist()
        qualities = torch.randint(self.options["worst_jpeg"], 90, (len(faces),), generator=self.random).tolist()
        for index in chosen:
            pixels = (faces[index, 0] * 255).round().byte().numpy()
            _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, qualities[index]])
            decoded = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
            faces[index, 0] = torch.from_numpy(decoded).float() / 255
        return faces

    def _partly_hidden(self, faces: Tensor) -> Tensor:
        """A plain rectangle over a part of the face."""
        count = len(faces)
        line = torch.arange(self.size) / self.size
        covered = self._chosen(count, "hidden")
        for axis in (line.view(-1, 1), line.view(1, -1)):
            start, length = self._uniform(count, -0.2, 0.9), self._uniform(count, 0.15, 0.5)
            covered = covered & (axis > start) & (axis < start + length)
        return torch.where(covered, self._uniform(count, 0, 1), faces)
