"""Cuts: where one scene gives way to another, so that no face is followed across."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from avcer.types import Float, Image

MIN_COLOUR_CHANGE: Final = 0.2
"""Share of the picture's colours that must change. Measured on real clips: cuts 0.31-1.0, motion at most 0.09."""
MIN_PICTURE_CHANGE: Final = 0.06
"""Mean difference of the pixels of full scale that must come with it: cuts 0.10-0.56, motion mostly below 0.06."""
_SIDE: Final = 32
_BINS: Final = (8, 4, 4)  # hue, saturation, value


class CutDetector:
    """Says of each picture whether a new scene begins with it. Pictures come in order; memory is one small picture."""

    def __init__(self) -> None:
        self._before: tuple[Float, Float] | None = None

    def update(self, image: Image) -> bool:
        """``image (H, W, 3)`` BGR -> True if it does not continue the picture before; the first never does."""
        small = _reduced(image)
        now = small.astype(np.float32), _colours(small)
        before, self._before = self._before, now
        if before is None:
            return False
        picture_change = float(np.abs(now[0] - before[0]).mean()) / 255
        colour_change = float(np.abs(now[1] - before[1]).sum()) / 2
        return picture_change > MIN_PICTURE_CHANGE and colour_change > MIN_COLOUR_CHANGE


def _reduced(image: Image) -> Image:
    """``(_SIDE, _SIDE, 3)``: means over cells, of sixteen pixels a cell, which costs a tenth of those of all pixels."""
    picked = cv2.resize(image, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(picked, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _colours(small: Image) -> Float:
    """The distribution of hue, saturation and value, adding up to 1."""
    hsv = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(_BINS), [0, 180, 0, 256, 0, 256]).ravel()
    share: Float = (counts / counts.sum()).astype(np.float32)
    return share
