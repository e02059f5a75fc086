"""Whether the mouth of a face moves: what changes about it from patch to patch, beyond what the face does as a whole.

Two patches are laid on each other by the brows, the eyes and the nose (Lucas and Kanade, 1981: an affine motion, gain
and offset of brightness). What then still differs about the mouth, less what differs about the eyes, is the mouth's
own.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from avcer.faces.crop import square_crop
from avcer.types import Double, Float, Image

SIDE: Final = 32
MARGIN: Final = 0.1
"""A patch is the square around the box with this margin, so many pixels wide, grey."""
SMOOTH: Final = 0.8
"""Pixels of a patch."""
STEP_S: Final = 0.11
"""Patches are compared no sooner than this: syllables are twice as long."""
GAP_S: Final = 0.5
"""A face that was missed for as long begins anew."""
LASTING_S: Final = 1.0
"""The movement is that of the last second; a pause within a sentence is shorter."""
LEAST: Final = 3
"""Fewer comparisons tell nothing."""
_TOP, _BOTTOM, _LEFTMOST, _RIGHTMOST = 4, 19, 5, 27
_UPPER: Final = (slice(_TOP, _BOTTOM), slice(_LEFTMOST, _RIGHTMOST))
_LEFT, _RIGHT = ((_UPPER[0], slice(_LEFTMOST + step, _RIGHTMOST + step)) for step in (-1, 1))
_ABOVE, _BELOW = ((slice(_TOP + step, _BOTTOM + step), _UPPER[1]) for step in (-1, 1))
_MOUTH: Final = (slice(20, 30), slice(8, 24))
_FACE: Final = (slice(_TOP, 30), slice(_LEFTMOST, _RIGHTMOST))
_Y, _X = (np.mgrid[_TOP:_BOTTOM, _LEFTMOST:_RIGHTMOST].astype(np.float32) - SIDE / 2) / SIDE
_TURNS: Final = 3
_RIDGE: Final = 0.01 * np.eye(6, dtype=np.float32)
_NONE: Final = np.empty(0, np.float32)


class MouthMovement:
    """Of one face, patch by patch, from the past alone."""

    def __init__(self) -> None:
        self._before: tuple[float, Float] | None = None
        self._changes: deque[tuple[float, Double]] = deque()

    def __call__(self, time_s: float, image: Image, box: Float) -> float:
        """Takes the face inside ``box (4,)`` of a BGR picture.

        Returns:
            How much the mouth moved in the last second, as a share of the face's contrast: about 0.02 of a still
            picture, 0.1 and more of a mouth that speaks. NaN until that is known.
        """
        passed_s = np.inf if self._before is None else time_s - self._before[0]
        if passed_s >= GAP_S:
            self._before = None
            self._changes.clear()
        if passed_s >= STEP_S:
            patch = _patch(image, box)
            if patch is not None and self._before is not None:
                self._changes.append((time_s, change(self._before[1], patch)))
            self._before = None if patch is None else (time_s, patch)
        while self._changes and self._changes[0][0] <= time_s - LASTING_S:
            self._changes.popleft()
        if len(self._changes) < LEAST:
            return float("nan")
        mouth, upper, contrast = np.sum([part for _, part in self._changes], axis=0).tolist()
        return float(np.sqrt(max(mouth - upper, 0.0) / max(contrast, 1e-9)))


def _patch(image: Image, box: Float) -> Float | None:
    """Smooth enough for motions of a pixel or two; of a large face no more pixels than twice the patch's are read."""
    middle, longest = (box[:2] + box[2:]) / 2, float(np.max(box[2:] - box[:2]))
    each = max(int(longest) // (2 * SIDE), 1)
    left, top = np.maximum((middle - 0.7 * longest).astype(int), 0)
    right, bottom = np.maximum((middle + 0.7 * longest).astype(int), 0)
    near = np.ascontiguousarray(image[top:bottom:each, left:right:each])
    square = square_crop(near, (box - np.array([left, top, left, top])) / each, MARGIN, SIDE)
    if square is None:
        return None
    grey = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), SMOOTH).astype(np.float32, copy=False)


def change(before: Float, after: Float) -> Double:
    """Mean squares ``(3,)``: of what differs about the mouth and about the eyes once the patches ``(SIDE, SIDE)`` are
    laid on each other; and of the contrast of the first.
    """
    basis, upper = _basis(before), before[_UPPER]
    # Not NumPy's products: its threads and those of the models wait for each other.
    inverse = cv2.invert(cv2.mulTransposed(basis, False) + _RIDGE, flags=cv2.DECOMP_CHOLESKY)[1]
    solver = cv2.gemm(inverse, basis, 1, _NONE, 0)
    motion, laid = np.zeros((6, 1), np.float32), after
    for _ in range(_TURNS):
        motion += cv2.gemm(solver, (laid[_UPPER] - upper).reshape(-1, 1), 1, _NONE, 0)
        laid = cv2.warpAffine(after, _back(motion.ravel()), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    gain, offset = cv2.gemm(solver, (laid[_UPPER] - upper).reshape(-1, 1), 1, _NONE, 0)[4:, 0].tolist()
    rest = cv2.addWeighted(laid, 1.0, before, -1 - gain, -offset).astype(np.float32, copy=False)
    spread = cv2.meanStdDev(before[_FACE])[1][0, 0]
    return np.array([_mean_square(rest[_MOUTH]), _mean_square(rest[_UPPER]), spread**2])


def _mean_square(part: Float) -> float:
    return float(cv2.norm(part, cv2.NORM_L2SQR)) / part.size


def _basis(patch: Float) -> Float:
    """``(6, N)``: how the N upper pixels of a patch change when it moves right, down, grows, turns; their brightness,
    and one.
    """
    right = (patch[_RIGHT] - patch[_LEFT]) / 2
    down = (patch[_BELOW] - patch[_ABOVE]) / 2
    rows = (right, down, right * _X + down * _Y, down * _X - right * _Y, patch[_UPPER], np.ones_like(right))
    return np.stack([row.ravel() for row in rows])


def _back(motion: Float) -> Double:
    """The affine map ``(2, 3)`` that undoes a motion."""
    right, down, grown, turned = motion[0], motion[1], motion[2] / SIDE, motion[3] / SIDE
    middle = SIDE / 2
    return np.array(
        [
            [1 + grown, -turned, right - (grown - turned) * middle],
            [turned, 1 + grown, down - (grown + turned) * middle],
        ]
    )
