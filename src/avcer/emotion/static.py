"""Static visual model: what one picture of a face says. Crop, resize and scale; run; softmax; heat maps.

Two preparations, told apart by the card. Published (EMO-AffectNet): the bare box, 224 pixels by nearest neighbour,
BGR minus a mean. Mini: a square with the margin that the card gives, grey, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avcer.emotion.probabilities import in_basic_order, softmax
from avcer.faces.crop import crop, square_crop
from avcer.models.card import ModelCard
from avcer.models.engine import Engine, Items, batch_size, takes_pixels
from avcer.types import Double, Float, Image

PUBLISHED_SIZE: Final = 224
PUBLISHED_MEAN_BGR: Final = np.array((91.4953, 103.8827, 131.0912), np.float32)
"""Source: AVCER's released code (the mean of VGGFace2)."""
MAX_BATCH: Final = 16
"""Faces a call on a processor."""
HEAT_SHARE: Final = 0.2
"""How much of an overlay is heat; source: AVCER's released code."""


@dataclass(frozen=True)
class StaticOutput:
    """For N faces: ``probabilities (N, 7)`` in the order of ``BASIC``; ``features (N, D)`` for the dynamic model."""

    probabilities: Double
    features: Float


class StaticModel:
    """A static model of either family, with its own preparation."""

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self.card = card
        self._engine = engine
        self._margin: float | None = card.preprocessing.get("margin")
        self._size: int = card.preprocessing.get("size", PUBLISHED_SIZE)

    def prepare(self, image: Image, box: Float) -> Items | None:
        """The face inside ``box (4,)`` of a whole BGR picture as ``prepare_face`` gives it; None where nothing of it
        lies inside the picture.
        """
        face = crop(image, box) if self._margin is None else square_crop(image, box, self._margin, self._size)
        return None if face is None else self.prepare_face(face)

    def prepare_face(self, face: Image) -> Items:
        """A BGR picture of nothing but a face, of any size, as the network takes it, ``(C, H, W)`` of float32; for an
        engine that takes pixels, ``(H, W, C)`` of uint8.
        """
        pixels = self._pixels(face)
        if takes_pixels(self._engine):
            return pixels
        if self._margin is None:
            return np.ascontiguousarray((pixels.astype(np.float32) - PUBLISHED_MEAN_BGR).transpose(2, 0, 1))
        grey: Float = pixels.transpose(2, 0, 1).astype(np.float32)
        return grey / np.float32(255)

    def _pixels(self, face: Image) -> Image:
        """The face in the size and the colours of the network, ``(size, size, C)``."""
        if self._margin is None:
            return resize_nearest(face, self._size)
        if face.shape[0] != self._size or face.shape[1] != self._size:
            face = cv2.resize(face, (self._size, self._size), interpolation=cv2.INTER_AREA).astype(np.uint8)
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)[:, :, None].astype(np.uint8, copy=False)

    def picture(self, image: Image, box: Float, size: int = PUBLISHED_SIZE) -> Image | None:
        """What the network sees of ``image``, for looking at: ``(size, size, 3)``, BGR; or None as in ``prepare``.

        It is smooth, unlike the published models' input: so are the pictures under the released code's heat maps.
        """
        if self._margin is not None:
            return square_crop(image, box, self._margin, size)
        face = crop(image, box)
        return None if face is None else cv2.resize(face, (size, size)).astype(np.uint8, copy=False)

    def predict(self, batch: Items) -> StaticOutput:
        """Probabilities and features of N prepared faces."""
        outputs = list(self._run(batch))
        logits = np.concatenate([output[0] for output in outputs])
        features = np.concatenate([output[1] for output in outputs])
        return StaticOutput(in_basic_order(softmax(logits), self.card.labels), np.maximum(features, 0))

    def heatmaps(self, batch: Items) -> Float:
        """Where the network looks for its top class: ``(N, h, w)``, coarse; each map's largest value is 1 (or 0)."""
        heat: Float = np.concatenate([output[2] for output in self._run(batch)])
        peaks = heat.max(axis=(1, 2), keepdims=True)
        relative: Float = np.divide(heat, peaks, out=np.zeros_like(heat), where=peaks > 0)
        return relative

    def _run(self, batch: Items) -> Iterator[tuple[Float, ...]]:
        size = batch_size(self._engine, MAX_BATCH)
        for start in range(0, len(batch), size):
            yield self._engine(batch[start : start + size])


def resize_nearest(image: Image, size: int) -> Image:
    """``(h, w, 3)`` to ``(size, size, 3)`` by nearest neighbour, choosing the same pixels as Pillow does."""
    rows, columns = (_nearest(length, size) for length in image.shape[:2])
    resized: Image = image[rows[:, None], columns]
    return resized


def _nearest(length: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Pillow steps from the middle of the first pixel, adding up the scale; the rounding of its sums matters."""
    scale = length / size
    steps = np.full(size, scale)
    steps[0] = scale * 0.5
    return np.minimum(np.add.accumulate(steps).astype(np.int64), length - 1)


def overlay(face: Image, heat: Float) -> Image:
    """A heat map ``(h, w)``, 0 to 1, in JET colours over the BGR picture of its face, ``(H, W, 3)``.

    AVCER's released code does the same with an RGB picture under BGR colours; give one to get its pictures.
    """
    height, width = face.shape[:2]
    large = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((large * 255).astype(np.uint8), cv2.COLORMAP_JET).astype(np.float32)
    mixed = HEAT_SHARE * colours + (1 - HEAT_SHARE) * face
    return (mixed * (255 / max(float(mixed.max()), 1.0))).astype(np.uint8)
