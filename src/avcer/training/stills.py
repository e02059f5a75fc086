"""Photographs as a camera shows them, held before it: how much the mouths of faces move that do not speak."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avcer.faces.mouth import MouthMovement
from avcer.types import Double, Float, Image

FRAMES: Final = 14
RATE: Final = 10
FACE: Final = 64
AROUND: Final = 8
"""Pixels of the face, and of the wall on each side."""
SWAY: Final = 0.003
"""Of the face's side, from frame to frame; it falls back by a tenth of what it has come to."""
NOISE: Final = 2.0
"""Grey levels of the camera."""
FLICKER: Final = 0.01
"""Of the light."""


def movements(pictures: NDArray[np.uint8], seed: int) -> Double:
    """``(N,)``: what ``MouthMovement`` says at the end of a film of each of the ``pictures (N, S, S, C)``."""
    random = np.random.default_rng(seed)
    return np.array([_movement(picture, random) for picture in pictures])


def _movement(picture: Image, random: np.random.Generator) -> float:
    colours = picture if picture.shape[-1] == 3 else np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    face = cv2.resize(colours, (FACE, FACE), interpolation=cv2.INTER_LINEAR)
    still = cv2.copyMakeBorder(face, AROUND, AROUND, AROUND, AROUND, cv2.BORDER_REPLICATE).astype(np.float32)
    movement, away, said = MouthMovement(), np.zeros(2), float("nan")
    for number in range(FRAMES):
        away = 0.9 * away + random.normal(0, SWAY * FACE, 2)
        said = movement(number / RATE, _shown(still, away, random), _box(away, random))
    return said


def _shown(still: Float, away: Double, random: np.random.Generator) -> Image:
    shifted = cv2.warpAffine(still, np.array([[1.0, 0, away[0]], [0, 1, away[1]]]), still.shape[1::-1])
    lit = shifted * (1 + random.normal(0, FLICKER)) + NOISE * random.standard_normal(still.shape, np.float32)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _box(away: Double, random: np.random.Generator) -> Float:
    """Where a detector finds the face: a third of a hundredth of its side wrong."""
    corners = np.array([AROUND, AROUND, AROUND + FACE, AROUND + FACE], np.float32) + np.tile(away, 2)
    return (corners + random.normal(0, 0.003 * FACE, 4)).astype(np.float32)
