"""Faces as a film has them: mouths that speak, a camera that moves, few pixels that were compressed."""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avcer.training.faces import CANVAS, Augmentation
from avcer.types import Float

MOUTH: Final = (0.5, 0.77, 0.27, 0.16)
"""Centre and half axes of the ellipse around the mouth, in shares of the canvas, on FER+ and affect7 alike."""
UPPER_LIP: Final = 0.7
"""What lies above, as a share of the height, stays where it is when the jaw moves."""
SOFT: Final = 0.35
"""Of the ellipse, its soft border."""


def talk(
    pictures: NDArray[np.uint8], targets: Float, options: dict[str, Any], random: np.random.Generator
) -> tuple[NDArray[np.uint8], Float]:
    """Canvases ``(N, 64, 64)`` and targets ``(N, 7)`` of a batch, some with another mouth, some with an opened one.

    Speech moves the mouth without a change of expression: so the target stays, but for the share ``says`` of another
    face's mouth, which may show something.
    """
    pictures, targets = pictures.copy(), targets.copy()
    others = random.permutation(len(pictures))
    chosen = np.flatnonzero(random.random(len(pictures)) < options["exchanged"])
    pictures[chosen] = with_mouths(pictures[chosen], pictures[others[chosen]])
    says = options["says"]
    targets[chosen] = (1 - says) * targets[chosen] + says * targets[others[chosen]]
    for row in np.flatnonzero(random.random(len(pictures)) < options["opened"]):
        pictures[row] = opened(pictures[row], math.exp(random.uniform(-0.3, 1.0) * options["widest"]))
    return pictures, targets


def with_mouths(faces: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``faces (N, 64, 64)`` with the mouths of ``others``, brought to the brightness and contrast around the own."""
    mask = _around_the_mouth()
    own, strange = faces.astype(np.float32), others.astype(np.float32)
    (level, spread), (strange_level, strange_spread) = _light(own, mask), _light(strange, mask)
    fitted = (strange - strange_level) * np.clip(spread / np.maximum(strange_spread, 1), 0.5, 2) + level
    return np.clip(own + mask * (fitted - own), 0, 255).astype(np.uint8)


def _light(faces: Float, mask: Float) -> tuple[Float, Float]:
    """Mean and spread ``(N, 1, 1)`` below the mask."""
    level = (faces * mask).sum(axis=(1, 2), keepdims=True) / mask.sum()
    spread = np.sqrt((np.square(faces - level) * mask).sum(axis=(1, 2), keepdims=True) / mask.sum())
    return level, spread


def _around_the_mouth() -> Float:
    """``(64, 64)``: 1 in the middle of the ellipse, 0 outside."""
    line = (np.arange(CANVAS, dtype=np.float32) + 0.5) / CANVAS
    x, y, width, height = MOUTH
    distance = np.sqrt(((line[None, :] - x) / width) ** 2 + ((line[:, None] - y) / height) ** 2)
    mask: Float = np.clip((1 - distance) / SOFT, 0, 1).astype(np.float32)
    return mask


def opened(face: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """A face whose part below the upper lip is ``factor`` times as high; what leaves the canvas is lost."""
    lip = UPPER_LIP * CANVAS
    rows = np.arange(CANVAS, dtype=np.float32)
    sources = np.where(rows < lip, rows, lip + (rows - lip) / factor).astype(np.float32)
    columns = np.tile(rows, (CANVAS, 1))
    drawn = cv2.remap(face, columns, np.tile(sources[:, None], CANVAS), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return drawn.astype(np.uint8, copy=False)


class Filmed(Augmentation):
    """Augmentation as of photographs, and with movement, and few pixels that are compressed before they are enlarged.

    Its own options are ``motion`` (a probability) and ``longest`` (pixels).
    """

    def _blurred(self, faces: Tensor) -> Tensor:
        faces = super()._blurred(faces)
        chosen = self._chosen(len(faces), "motion").flatten().nonzero().flatten().tolist()
        angles = (self._uniform(len(faces), 0, math.pi)).flatten().tolist()
        lengths = self._uniform(len(faces), 2, self.options["longest"]).flatten().tolist()
        for row in chosen:
            moved = cv2.filter2D(faces[row, 0].numpy(), -1, _line(angles[row], lengths[row]))
            faces[row, 0] = torch.from_numpy(moved)
        return faces

    def _coarse(self, faces: Tensor) -> Tensor:
        """Each with a size and a quality of its own."""
        count, options = len(faces), self.options
        chosen = self._chosen(count, "coarse").flatten().nonzero().flatten().tolist()
        sides = torch.randint(options["coarsest"], self.size, (count,), generator=self.random).tolist()
        qualities = torch.randint(options["worst_jpeg"], 90, (count,), generator=self.random).tolist()
        for row in chosen:
            pixels = (faces[row, 0].clamp(0, 1) * 255).round().byte().numpy()
            faces[row, 0] = torch.from_numpy(_from_afar(pixels, sides[row], qualities[row])).float() / 255
        return faces


def _from_afar(face: NDArray[np.uint8], side: int, quality: int) -> NDArray[np.uint8]:
    """Taken with ``side`` pixels, compressed by JPEG of that quality, and enlarged."""
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return cv2.resize(decoded, face.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _line(angle: float, length: float) -> Float:
    """What movement over ``length`` pixels in that direction spreads a point over; adds up to 1."""
    half = math.ceil(length / 2)
    spread = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * half + 1):
        spread[round(half + step * math.sin(angle)), round(half + step * math.cos(angle))] += 1
    line: Float = spread / spread.sum()
    return line
