"""Face detection with a network that has RetinaFace's outputs: the published ones, or the mini detector.

Constants: RetinaFace (Deng et al., CVPR 2020) as AVCER's released code runs it. For each of a fixed set
of priors (boxes of six sides on three grids) the network gives a score, and how far the face's box and landmarks lie
from the prior; boxes above the score threshold are reported after non-maximum suppression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Self

import cv2
import numpy as np

from avcer.models.card import ModelCard
from avcer.models.engine import Engine, batch_size, takes_pixels
from avcer.models.preparation import prepared_by
from avcer.types import Face, Float, Image

PRIOR_GRIDS: Final = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
"""Stride, and the sides of the square priors on each of its cells, in pixels of the network's input."""
CENTRE_VARIANCE: Final = 0.1
SIZE_VARIANCE: Final = 0.2
LEAST_SCORE: Final = 0.02
SAME_FACE_IOU: Final = 0.4
FARTHEST: Final = 1e6
"""Pixels: what lies beyond, or is no number, comes from a network that is broken, or was never trained."""
MOST_CANDIDATES: Final = 5000
MOST_FACES: Final = 750
MAX_BATCH: Final = 3
"""Pictures a call on a processor: more at once are no faster there, and take more memory."""


@dataclass(frozen=True)
class DetectorOptions:
    """How faces are detected.

    ``longest_side``: a larger picture is reduced to this many pixels first, 0 leaves it as it is; ``min_score``: what
    a face must score; ``least_side``: what the longer side of its box must measure, in pixels of the picture as given
    (a smaller face has too few pixels to show an expression; 0 keeps all).
    """

    longest_side: int = 640
    min_score: float = 0.8
    least_side: float = 24.0


@dataclass(frozen=True)
class FramePixels:
    """What a detector is given: a frame's BGR pixels, ``(pixel - mean) * scale``; see ``Detector.begin_score``."""

    kind: ClassVar[str] = "frame"

    mean: tuple[float, ...]
    scale: float
    begin_score: float = 0.0

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants that a card names."""
        return cls(**{**constants, "mean": tuple(constants["mean"])})

    def as_dict(self) -> dict[str, Any]:
        """The constants, for a card."""
        return {**asdict(self), "mean": list(self.mean)}


class Detector:
    """Finds the faces of pictures.

    ``engine`` runs the network that ``card`` describes: ``(N, 3, H, W)``, or the pixels as they are where it takes
    them -> box offsets ``(N, P, 4)``, scores ``(N, P, 2)`` after softmax, landmarks ``(N, P, 10)``, for the P priors of
    ``priors(H, W)``.
    """

    def __init__(self, card: ModelCard, engine: Engine, options: DetectorOptions | None = None) -> None:
        self.options = options or DetectorOptions()
        self._engine = engine
        self._preparation = prepared_by(card, {FramePixels.kind: FramePixels})

    @property
    def begin_score(self) -> float:
        """What a face must score to begin a track; to go on with one, ``min_score`` is enough."""
        return self._preparation.begin_score

    def detect(self, image: Image) -> list[Face]:
        """The faces of ``image`` (BGR), best first; boxes and landmarks in its pixels, perhaps past its border."""
        return self.detect_batch([image])[0]

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        """As ``detect``, for pictures of one size."""
        size = batch_size(self._engine, MAX_BATCH)
        parts = (images[start : start + size] for start in range(0, len(images), size))
        return [faces for part in parts for faces in self._detect_part(part)]

    def _detect_part(self, images: Sequence[Image]) -> list[list[Face]]:
        height, width = images[0].shape[:2]
        reduced = [reduce(image, self.options.longest_side) for image in images]
        pixels = takes_pixels(self._engine)
        mean, scale = self._preparation.mean, self._preparation.scale
        outputs = self._engine(np.stack(reduced) if pixels else network_input(reduced, mean, scale))
        input_height, input_width = reduced[0].shape[:2]
        stretch = np.array([width / input_width, height / input_height], np.float32)
        return [
            [face for face in found if max(face.box[2:] - face.box[:2]) >= self.options.least_side]
            for found in faces_of_batch(outputs, (input_height, input_width), self.options.min_score, stretch)
        ]


def reduce(image: Image, longest_side: int) -> Image:
    """``image`` with its longest side reduced to ``longest_side`` pixels; never enlarged, and as it is for 0."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if not 0 < longest_side < longest:
        return image
    size = [max(round(side * longest_side / longest), 1) for side in (width, height)]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def network_input(images: Sequence[Image], mean: Sequence[float], scale: float) -> Float:
    """``(N, 3, H, W)``: ``(pixel - mean) * scale`` of pictures of one size, channels in BGR order."""
    prepared = np.empty((len(images), 3, *images[0].shape[:2]), np.float32)
    for image, planes in zip(images, prepared, strict=True):
        for channel, plane, average in zip(cv2.split(image), planes, mean, strict=True):
            cv2.addWeighted(channel, scale, channel, 0, -average * scale, dst=plane, dtype=cv2.CV_32F)
    return prepared


def faces_of_batch(
    outputs: tuple[Float, ...], size: tuple[int, int], min_score: float, stretch: Float | float = 1.0
) -> list[list[Face]]:
    """The faces of each picture of a batch, best first, from the network's ``outputs``.

    ``size`` is height and width of the network's input; ``stretch (2,)`` takes its x and y to the pixels wanted.
    """
    anchors = priors(*size)
    return [
        _faces(anchors, offsets, scores[:, 1], landmarks, max(min_score, LEAST_SCORE), stretch)
        for offsets, scores, landmarks in zip(*outputs, strict=True)
    ]


def _faces(
    anchors: Float, offsets: Float, scores: Float, landmarks: Float, min_score: float, stretch: Float | float
) -> list[Face]:
    # A box never suppresses a better one, so those below the score to report can go before the suppression.
    candidates = np.flatnonzero(scores >= min_score)
    anchors, scores = anchors[candidates], scores[candidates]
    boxes = decode_boxes(offsets[candidates], anchors)
    points = decode_landmarks(landmarks[candidates], anchors)
    sane = np.abs(boxes).max(axis=1) < FARTHEST
    boxes, points, scores = boxes[sane], points[sane], scores[sane]
    return [
        Face((boxes[i].reshape(2, 2) * stretch).reshape(4), points[i] * stretch, float(scores[i]))
        for i in suppress(boxes, scores)[:MOST_FACES]
    ]


@lru_cache(maxsize=8)
def priors(height: int, width: int) -> Float:
    """``(P, 4)``: centre x, centre y, width, height of every prior, in pixels of an input of that size; read-only.

    Grids in the order of ``PRIOR_GRIDS``, cells row by row, the smaller prior of a cell first.
    """
    grids = []
    for stride, sides in PRIOR_GRIDS:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, side = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, sides, indexing="ij")
        grids.append(np.stack([x * stride, y * stride, side, side], axis=-1).reshape(-1, 4))
    anchors = np.concatenate(grids).astype(np.float32)
    anchors.flags.writeable = False
    return anchors


def decode_boxes(offsets: Float, anchors: Float) -> Float:
    """``(K, 4)`` x1, y1, x2, y2 from offsets ``(K, 4)`` to priors ``(K, 4)`` (SSD: Liu et al., ECCV 2016)."""
    centres = anchors[:, :2] + offsets[:, :2] * CENTRE_VARIANCE * anchors[:, 2:]
    with np.errstate(over="ignore"):
        sizes = anchors[:, 2:] * np.exp(offsets[:, 2:] * SIZE_VARIANCE)
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def decode_landmarks(offsets: Float, anchors: Float) -> Float:
    """``(K, 5, 2)`` x, y from offsets ``(K, 10)`` to priors ``(K, 4)``."""
    return anchors[:, None, :2] + offsets.reshape(-1, 5, 2) * CENTRE_VARIANCE * anchors[:, None, 2:]


def suppress(boxes: Float, scores: Float) -> list[int]:
    """Indices of the boxes ``(K, 4)`` that remain after non-maximum suppression, best first.

    The released code counts pixels inclusively, so that a box is a pixel wider and higher than the difference of its
    corners; boxes a pixel larger make OpenCV's suppression agree.
    """
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2] + 1], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), 0.0, SAME_FACE_IOU, top_k=MOST_CANDIDATES)
    return [int(index) for index in kept]
