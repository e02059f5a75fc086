"""Training pictures for the detector: the split, and augmented pictures with the faces in them.

The faces were found by another detector. What it was unsure of is neither a face nor background here, and neither is
a face that is mostly cut off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from avcer.evaluation.tables.detection import SURE_SCORE, Scene
from avcer.types import Float, Image

MISSED_FACES_SOURCE: Final = "face-mask-detection"
"""Its pictures all show a person: those without a face are the teacher's misses, and would teach the wrong thing."""
LEAST_LEARNT_SIDE: Final = 16.0
"""Smaller faces are neither learnt as faces nor as background: so small, ears and earrings look the same."""
WHOLE: Final = 0.75
"""A face counts when this share of its box is in the picture..."""
GONE: Final = 0.1
"""...and no longer counts as one at all below this share."""
_MIRRORED_LANDMARKS: Final = (1, 0, 2, 4, 3)


@dataclass(frozen=True)
class Sample:
    """A training picture ``(S, S, 3)`` BGR; its faces ``(M, 14)``: box, five landmarks x, y; the sure ones first,
    ``sure`` of them.
    """

    image: Image
    faces: Float
    sure: int


def is_validation(scene: Scene, share: float) -> bool:
    """Whether a picture is kept from training, by the hash of its name; all frames of a clip go together."""
    clip = scene.name.split("#")[0]
    return int(hashlib.sha256(clip.encode()).hexdigest()[:8], 16) < share * 2**32


def is_trainable(scene: Scene) -> bool:
    """Whether what the table says of the picture can be trusted."""
    return len(scene.faces) > 0 or scene.source != MISSED_FACES_SOURCE


class AugmentedScenes:
    """The training pictures of one epoch; the same ``seed``, ``epoch`` and index give the same picture."""

    def __init__(self, scenes: Sequence[Scene], options: dict[str, Any], seed: int, epoch: int) -> None:
        self._scenes, self._options, self._seed, self._epoch = scenes, options, seed, epoch
        self._backgrounds = [scene for scene in scenes if len(scene.faces) == 0]

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng((self._seed, self._epoch, index))
        canvas = _Canvas(self._options["side"], random)
        if self._backgrounds and random.random() < self._options["background"]:
            canvas.cover(self._backgrounds[random.integers(len(self._backgrounds))], self._options["background_zoom"])
        if random.random() < self._options["mosaic"]:
            chosen = [index, *random.integers(len(self._scenes), size=3)]
            for region, choice in zip(_quarters(canvas.side, random), chosen, strict=True):
                canvas.paste(self._scenes[choice], region, self._options["mosaic_scale"])
        else:
            canvas.paste(self._scenes[index], (0, 0, canvas.side, canvas.side), self._options["scale"])
        return canvas.sample()


class _Canvas:
    """A training picture in the making."""

    def __init__(self, side: int, random: np.random.Generator) -> None:
        self.side, self._random = side, random
        self._image = np.empty((side, side, 3), np.uint8)
        self._image[:] = random.integers(0, 256, 3)
        self._faces: list[Float] = []
        self._sure: list[bool] = []

    def cover(self, scene: Scene, most_zoom: float) -> None:
        """Fills the canvas with a part of a picture that shows no face."""
        image = scene.image()
        length = max(round(min(image.shape[:2]) / _log_uniform(self._random, 1, most_zoom)), 1)
        y, x = (int(self._random.integers(side - length + 1)) for side in image.shape[:2])
        self._image = _resize(image[y : y + length, x : x + length], (self.side, self.side))

    def paste(self, scene: Scene, region: tuple[int, int, int, int], scale: tuple[float, float]) -> None:
        """Puts the picture of ``scene`` at a random scale and place into ``region`` x1, y1, x2, y2; half mirrored."""
        image, faces = scene.image(), scene.faces[:, [0, 1, 2, 3, *range(5, 15)]]
        if self._random.random() < 0.5:
            image, faces = np.ascontiguousarray(image[:, ::-1]), mirror(faces, image.shape[1])
        original = np.array(image.shape[1::-1])
        factors = _log_uniform(self._random, *scale) * self._random.uniform(0.9, 1.1, 2)
        size = np.maximum(np.round(factors * original), 8).astype(int)
        corner = np.array(region[:2]) + [self._place(room) for room in np.array(region[2:]) - region[:2] - size]
        x1, y1 = np.maximum(corner, region[:2])
        x2, y2 = np.minimum(corner + size, region[2:])
        resized = _resize(image, (int(size[0]), int(size[1])))
        self._image[y1:y2, x1:x2] = resized[y1 - corner[1] : y2 - corner[1], x1 - corner[0] : x2 - corner[0]]
        placed = (faces.reshape(-1, 7, 2) * (size / original) + corner).reshape(-1, 14).astype(np.float32)
        self._keep(placed, scene.faces[:, 4], (x1, y1, x2, y2))

    def _place(self, room: int) -> int:
        return int(self._random.integers(min(0, room), max(0, room) + 1))

    def _keep(self, faces: Float, scores: Float, visible: tuple[int, int, int, int]) -> None:
        for face, score in zip(faces, scores, strict=True):
            inside = _share_inside(face[:4], visible)
            if inside < GONE:
                continue
            small = max(face[2:4] - face[:2]) < LEAST_LEARNT_SIDE
            if inside < WHOLE:  # what is left of the face is what might be taken for one
                face[:4] = np.clip(face[:4].reshape(2, 2), visible[:2], visible[2:]).ravel()
            self._faces.append(face)
            self._sure.append(bool(inside >= WHOLE and score >= SURE_SCORE and not small))

    def sample(self) -> Sample:
        """The finished picture, its light, colour and sharpness changed."""
        order = np.argsort(~np.array(self._sure, bool), kind="stable")
        faces = np.array(self._faces, np.float32).reshape(-1, 14)[order]
        return Sample(degrade(self._image, self._random), faces, sum(self._sure))


def mirror(faces: Float, width: int) -> Float:
    """Faces ``(M, 14)`` of the picture mirrored left to right; the left eye stays the one on the left."""
    x1, y1, x2, y2 = faces[:, :4].T
    boxes = np.stack([width - x2, y1, width - x1, y2], axis=1)
    points = faces[:, 4:].reshape(-1, 5, 2)[:, _MIRRORED_LANDMARKS] * (-1, 1) + (width, 0)
    return np.concatenate([boxes, points.reshape(-1, 10)], axis=1).astype(np.float32)


def degrade(image: Image, random: np.random.Generator) -> Image:
    """``image`` as another camera, light or codec might have given it."""
    gains = random.uniform(0.6, 1.4) * random.uniform(0.88, 1.12, 3)
    curves = np.clip(np.arange(256)[:, None] * gains + random.uniform(-35, 35), 0, 255).astype(np.uint8)
    changed: Any = cv2.LUT(image, curves[None])
    if random.random() < 0.1:
        changed = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if random.random() < 0.15:
        changed = cv2.GaussianBlur(changed, (0, 0), random.uniform(0.5, 1.8))
    if random.random() < 0.2:
        _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 85))])
        changed = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(changed, np.uint8)


def _resize(image: Image, size: tuple[int, int]) -> Image:
    shrinks = image.shape[1] > size[0]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _quarters(side: int, random: np.random.Generator) -> list[tuple[int, int, int, int]]:
    x, y = (int(side * share) for share in random.uniform(0.3, 0.7, 2))
    return [(0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)]


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _share_inside(box: Float, visible: tuple[int, int, int, int]) -> float:
    inside = np.maximum(np.minimum(box[2:], visible[2:]) - np.maximum(box[:2], visible[:2]), 0)
    return float(inside.prod() / max((box[2:] - box[:2]).prod(), 1e-6))
