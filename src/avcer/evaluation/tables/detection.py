"""Pictures with known faces, and how well a detector finds them: recall and precision at IoU 0.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avcer.errors import InputError
from avcer.evaluation.statistics.intervals import draw_groups, interval
from avcer.evaluation.tables.parquet import read_columns
from avcer.types import Boolean, Face, Float, Image, Integer

SAME_IOU: Final = 0.5
SURE_SCORE: Final = 0.8
LEAST_SIDE: Final = 24.0
_COLUMNS: Final = ("name", "source", "image", "boxes")


@dataclass(frozen=True)
class Scene:
    """A picture, still encoded, and its faces ``(M, 15)``: x1, y1, x2, y2, score, five landmarks x, y; pixels."""

    name: str
    source: str
    encoded: bytes
    faces: Float

    def image(self) -> Image:
        """The decoded picture (BGR).

        Raises:
            InputError: not a picture.
        """
        # OpenCV raises on an empty buffer, and gives None for one that it cannot read.
        decoded = cv2.imdecode(np.frombuffer(self.encoded or b"?", np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            raise InputError(f"{self.name}: not a picture; rebuild the table that holds it")
        return decoded.astype(np.uint8, copy=False)


@dataclass(frozen=True)
class DetectionScores:
    """``recall`` over ``faces`` true faces, ``precision`` over ``detections``; nan where there are none."""

    recall: float
    precision: float
    faces: int
    detections: int

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision; 0 where either is missing."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total > 0 else 0.0


@dataclass(frozen=True)
class Matches:
    """D detections of P pictures against their true faces: ``scores (D,)``; ``right (D,)``; ``pictures (D,)``, which
    picture each is of; ``true_faces (P,)``, how many there are to find.
    """

    scores: Float
    right: Boolean
    pictures: Integer
    true_faces: Integer

    @property
    def faces(self) -> int:
        """The true faces of all pictures."""
        return int(self.true_faces.sum())

    def at(self, min_score: float) -> DetectionScores:
        """The scores when only detections of at least ``min_score`` count."""
        counted = self.scores >= min_score
        right, detections = int((counted & self.right).sum()), int(counted.sum())
        recall = right / self.faces if self.faces else float("nan")
        precision = right / detections if detections else float("nan")
        return DetectionScores(recall, precision, self.faces, detections)

    def intervals_at(self, min_score: float) -> dict[str, tuple[float, float]]:
        """Bootstrap intervals of 95 % for recall and precision, over pictures."""
        counted = self.scores >= min_score
        right, detections = (
            np.bincount(self.pictures[rows], minlength=len(self.true_faces)) for rows in (counted & self.right, counted)
        )
        drawn = draw_groups(np.stack([right, detections, self.true_faces], axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"recall": interval(drawn[:, 0] / drawn[:, 2]), "precision": interval(drawn[:, 0] / drawn[:, 1])}


def read_scenes(path: Path) -> list[Scene]:
    """The pictures of a Parquet file with the columns name, source, image and boxes.

    Raises:
        InputError: not such a table.
    """
    columns = read_columns(path, _COLUMNS, only=True)
    try:
        return [
            Scene(name, source, image, np.array(boxes, np.float32).reshape(-1, 15))
            for name, source, image, boxes in zip(*(columns[name] for name in _COLUMNS), strict=True)
        ]
    except ValueError as error:
        raise InputError(f"{path}: not a table of {', '.join(_COLUMNS)} ({error}); give a scenes file") from error


def match_faces(
    found: Sequence[Sequence[Face]],
    true: Sequence[Float],
    min_iou: float = SAME_IOU,
    sure_score: float = SURE_SCORE,
    least_side: float = LEAST_SIDE,
) -> Matches:
    """Which of the ``found`` faces of each picture are ``true`` ones ``(M, 5 or more)``: x1, y1, x2, y2, score.

    True faces count when they score at least ``sure_score`` and their longer side measures ``least_side`` pixels.
    Best first, a detection takes the free true face that it overlaps most, if by ``min_iou``. One that matches only
    a face that does not count, or is itself smaller than ``least_side``, is neither right nor wrong.
    """
    scores, right, pictures, faces = [], [], [], []
    for index, (picture, known) in enumerate(zip(found, true, strict=True)):
        counts = (known[:, 4] >= sure_score) & (np.max(known[:, 2:4] - known[:, :2], axis=1, initial=0) >= least_side)
        faces.append(int(counts.sum()))
        free = np.ones(len(known), bool)
        for face in sorted(picture, key=lambda face: -face.score):
            overlap = box_iou(face.box[None], known[:, :4])[0]
            hits = (overlap >= min_iou) & free
            if (hits & counts).any():
                free[np.argmax(np.where(hits & counts, overlap, 0))] = False
            elif (hits & ~counts).any() or max(face.box[2:] - face.box[:2]) < least_side:
                continue
            scores.append(face.score)
            right.append(bool((hits & counts).any()))
            pictures.append(index)
    return Matches(np.array(scores, np.float32), np.array(right, bool), np.array(pictures, int), np.array(faces, int))


def box_iou(first: Float, second: Float) -> Float:
    """``(A, B)``: intersection over union of boxes ``(A, 4)`` and ``(B, 4)``."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    sides = np.maximum(np.minimum(first[:, None, 2:], second[None, :, 2:]) - corner, 0)
    both = sides.prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    iou: Float = both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-9)
    return iou
