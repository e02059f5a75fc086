"""From a decoded frame to what a player shows of it: turned, mirrored, and with square pixels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple, cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from avcer.types import Image

SQUARE: Final = 0.01
"""Pixels whose sides differ by less than this are left as they are: the rounding of some phones, which nobody sees."""
EARLY_S: Final = 1e-4
"""Time stamps are rounded by less."""
LONGEST_PIXEL: Final = 8
"""A pixel that is longer than this is a mistake in the file; the longest in use is 3 (a squeezed 1:1.33 film twice)."""


class Orientation(NamedTuple):
    """What brings the stored frame upright: counter-clockwise quarter turns (0-3), then mirroring left to right."""

    turns: int
    mirrored: bool


UPRIGHT: Final = Orientation(0, mirrored=False)
# The display matrix's numbers a, b, c, d: a stored point x, y is shown at (a x + c y, b x + d y), y downwards.
_MATRICES: Final[dict[Orientation, tuple[int, int, int, int]]] = {
    UPRIGHT: (1, 0, 0, 1),
    Orientation(1, mirrored=False): (0, -1, 1, 0),
    Orientation(2, mirrored=False): (-1, 0, 0, -1),
    Orientation(3, mirrored=False): (0, 1, -1, 0),
    Orientation(0, mirrored=True): (-1, 0, 0, 1),
    Orientation(1, mirrored=True): (0, -1, -1, 0),
    Orientation(2, mirrored=True): (1, 0, 0, -1),
    Orientation(3, mirrored=True): (0, 1, 1, 0),
}


def orientation(frame: av.VideoFrame) -> Orientation:
    """The nearest of the eight orientations to the frame's display matrix."""
    # frame.side_data would stay with the frame and refer to it: its pixels would wait for the cyclic collector.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's stub has no constructor
    matrix = cast("memoryview[int] | None", side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].astype(float)
    return max(_MATRICES, key=lambda known: float(np.dot(_MATRICES[known], (a, b, c, d))))


class Upright:
    """Turns the decoded frames of a stream into what a player shows, each in the size that it has there.

    ``pixel`` is the width of a stored pixel by its height, as the codec told last; ``key_s`` gives the time of the last
    key frame that the codec was given, from which on that holds.
    """

    def __init__(self, stream: VideoStream, key_s: Callable[[], float | None] = lambda: None) -> None:
        self._codec = stream.codec_context
        self._key_s = key_s
        self._changes_s = -float("inf")
        self._before = 1.0
        self.pixel = _ratio(stream.sample_aspect_ratio)
        self._told = self._codec.sample_aspect_ratio
        # A frame that converts itself prepares the conversion anew, which costs four times the conversion.
        self._converter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        """``(height, width, 3)`` BGR."""
        width, height = self._square(frame)
        scaled = (width, height) != (frame.width, frame.height)
        smooth = {"interpolation": Interpolation.BICUBIC} if scaled else {}
        shown = self._converter.reformat(frame, width, height, "bgr24", **smooth).to_ndarray()
        turns, mirrored = orientation(frame)
        shown = np.rot90(shown, turns)
        return np.ascontiguousarray(shown[:, ::-1] if mirrored else shown, dtype=np.uint8)

    def size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of what is shown."""
        width, height = self._square(frame)
        return (height, width) if orientation(frame).turns % 2 else (width, height)

    def _square(self, frame: av.VideoFrame) -> tuple[int, int]:
        """The stored frame's width and height with square pixels: the shorter side grows, so that nothing is lost."""
        told = self._codec.sample_aspect_ratio
        if told != self._told:  # in a broadcast, films in one shape follow news in another
            # The codec may still hold frames from before: it tells of a change as soon as it reads of it.
            key_s = self._key_s()
            self._changes_s = -float("inf") if key_s is None else key_s
            self._told, self._before, self.pixel = told, self.pixel, _ratio(told)
        early = frame.time is not None and frame.time < self._changes_s - EARLY_S
        pixel = self._before if early else self.pixel
        if pixel >= 1:
            return round(frame.width * pixel), frame.height
        return frame.width, round(frame.height / pixel)


def _ratio(pixel: Fraction | None) -> float:
    """Width of a pixel by its height; 1 where it is not known, as good as 1, or cannot be right."""
    ratio = float(pixel or 1)
    right = 1 / LONGEST_PIXEL <= ratio <= LONGEST_PIXEL and abs(ratio - 1) >= SQUARE
    return ratio if right else 1.0
