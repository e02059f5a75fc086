"""Faces cut out of the picture: as the published models see them, and square for the mini models."""

from __future__ import annotations

import cv2
import numpy as np

from avcer.types import Float, Image


def crop(image: Image, box: Float) -> Image | None:
    """The part of ``image`` inside ``box (4,)``, as AVCER's released code cuts it; None where nothing is left.

    The corners are truncated to whole pixels and clipped to the last column and row, which themselves stay out.
    """
    height, width = image.shape[:2]
    x1, y1 = np.maximum(box[:2].astype(int), 0)
    x2, y2 = np.minimum(box[2:].astype(int), (width - 1, height - 1))
    return image[y1:y2, x1:x2] if x1 < x2 and y1 < y2 else None


def square_crop(image: Image, box: Float, margin: float, size: int) -> Image | None:
    """The square around ``box (4,)`` as ``(size, size, 3)``; None for a box without area or outside the picture.

    The square has the box's centre; its side is the box's longer side, enlarged by ``margin`` times that side at
    either end. Where it leaves the picture, the border pixels are repeated.
    """
    height, width = image.shape[:2]
    sides = box[2:] - box[:2]
    if min(sides) <= 0:
        return None
    half = float(max(sides)) * (0.5 + margin)
    centre = (box[:2] + box[2:]) / 2
    (left, top), (right, bottom) = (np.round(centre + offset).astype(int) for offset in (-half, half))
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if x1 >= x2 or y1 >= y2:
        return None
    square = cv2.copyMakeBorder(image[y1:y2, x1:x2], y1 - top, bottom - y2, x1 - left, right - x2, cv2.BORDER_REPLICATE)
    shrinks = square.shape[0] > size
    resized = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized.astype(np.uint8, copy=False)
