"""Static visual model: what one picture of a face says. Crop, resize and scale; run; softmax; heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avcer.emotion.crops import BareBox, FacePreparation, GreySquare
from avcer.emotion.probabilities import in_basic_order, softmax
from avcer.models.card import ModelCard
from avcer.models.engine import Engine, Items, batch_size, takes_pixels
from avcer.models.preparation import prepared_by
from avcer.types import Double, Float, Image

PICTURE_SIZE: Final = 224
"""Pixels on a side of the pictures under heat maps."""
MAX_BATCH: Final = 16
"""Faces a call on a processor."""
HEAT_SHARE: Final = 0.2
"""How much of an overlay is heat; source: AVCER's released code."""


FACE_KINDS: Final[Mapping[str, type[FacePreparation]]] = {one.kind: one for one in (BareBox, GreySquare)}
"""The kinds of preparation that the card of a static model may ask for."""


@dataclass(frozen=True)
class StaticOutput:
    """For N faces: ``probabilities (N, 7)`` in the order of ``BASIC``; ``features (N, D)`` for the dynamic model."""

    probabilities: Double
    features: Float


class StaticModel:
    """A static model of either family; ``preparation`` is the one that its card asks for."""

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self.card = card
        self.preparation = prepared_by(card, FACE_KINDS)
        self._engine = engine

    def prepare(self, image: Image, box: Float) -> Items | None:
        """The face inside ``box (4,)`` of a whole BGR picture as ``prepare_face`` gives it; None where nothing of it
        lies inside the picture.
        """
        face = self.preparation.crop(image, box)
        return None if face is None else self.prepare_face(face)

    def prepare_face(self, face: Image) -> Items:
        """A BGR picture of nothing but a face, of any size, as the network takes it, ``(C, H, W)`` of float32; for an
        engine that takes pixels, ``(H, W, C)`` of uint8.
        """
        pixels = self.preparation.pixels(face)
        return pixels if takes_pixels(self._engine) else self.preparation.scaling.planes(pixels)

    def picture(self, image: Image, box: Float, size: int = PICTURE_SIZE) -> Image | None:
        """What the network sees of ``image``, for looking at: ``(size, size, 3)``, BGR; or None as in ``prepare``."""
        return self.preparation.picture(image, box, size)

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


def overlay(face: Image, heat: Float) -> Image:
    """A heat map ``(h, w)``, 0 to 1, in JET colours over the BGR picture of its face, ``(H, W, 3)``.

    AVCER's released code does the same with an RGB picture under BGR colours; give one to get its pictures.
    """
    height, width = face.shape[:2]
    large = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((large * 255).astype(np.uint8), cv2.COLORMAP_JET).astype(np.float32)
    mixed = HEAT_SHARE * colours + (1 - HEAT_SHARE) * face
    return (mixed * (255 / max(float(mixed.max()), 1.0))).astype(np.uint8)
