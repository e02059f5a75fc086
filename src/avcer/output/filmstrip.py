"""The pictures of a timeline: a face at evenly spaced moments, cut out of the clip again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avcer import media
from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.types import Double, FaceTrack, Float, Image

SIDE: Final = 160
"""Pixels of a picture's side; a slot of the printed strip is about 120."""

_ROOM: Final = 1.35
"""A picture shows this many times the longer side of the box, so that hair and chin are on it."""
_MARGIN: Final = (245, 245, 245)


@dataclass(frozen=True)
class Still:
    """A face at a moment: seconds, and ``(SIDE, SIDE, 3)`` BGR pixels, None where the clip could not be read."""

    time_s: float
    image: Image | None


@dataclass(frozen=True)
class Filmstrip:
    """``slots``: the primary face in each of N equal parts of the time axis, None where it is not seen;
    ``portraits``: one picture of each other face, by id; ``readable``: whether the clip was still at hand.
    """

    slots: tuple[Still | None, ...]
    portraits: dict[int, Still]
    readable: bool


def cut_filmstrip(analysis: Analysis, slots: int, limits_s: tuple[float, float], others: Sequence[int]) -> Filmstrip:
    """Cuts the pictures out of the clip; where it is gone or unreadable, they are missing and nothing fails.

    Args:
        analysis: whose clip and tracks.
        slots: the number of equal parts of the time axis.
        limits_s: first and last second of the time axis.
        others: ids of the faces that get one portrait each.
    """
    tracks = {face.track.id: face.track for face in analysis.faces if face.track}
    primary = tracks.get(analysis.primary) if analysis.primary is not None else None
    places = [None] * slots if primary is None else _places(primary, analysis.times_s, slots, limits_s)
    wanted = [(primary, place) for place in places if primary and place is not None]
    wanted += [(tracks[other], int(np.argmax(tracks[other].scores))) for other in others]
    pictures = _cut(analysis, wanted)
    stills = iter(
        Still(float(analysis.times_s[track.frames[place]]), pictures.get((track.id, place))) for track, place in wanted
    )
    strip = tuple(None if place is None else next(stills) for place in places)
    return Filmstrip(strip, dict(zip(others, stills, strict=True)), bool(pictures) or not wanted)


def _places(track: FaceTrack, times_s: Double, slots: int, limits_s: tuple[float, float]) -> list[int | None]:
    """For each slot, the row of the track that is seen nearest to the slot's middle, None where none is in it."""
    seen_s = times_s[track.frames]
    edges = np.linspace(*limits_s, slots + 1)
    places: list[int | None] = []
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        nearest = int(np.argmin(np.abs(seen_s - (start + end) / 2)))
        places.append(nearest if start <= seen_s[nearest] < end else None)
    return places


def _cut(analysis: Analysis, wanted: list[tuple[FaceTrack, int]]) -> dict[tuple[int, int], Image]:
    """The pictures by track id and row, as far as the clip gives them; the clip is gone through once."""
    by_frame: dict[int, list[tuple[FaceTrack, int]]] = {}
    for track, place in wanted:
        by_frame.setdefault(int(track.frames[place]), []).append((track, place))
    frames = sorted(by_frame)
    pictures: dict[tuple[int, int], Image] = {}
    try:
        for index, frame in zip(
            frames, media.frames_at(analysis.clip.path, [float(analysis.times_s[index]) for index in frames])
        ):
            for track, place in by_frame[index]:
                pictures[track.id, place] = portrait(frame.image, track.boxes[place])
    except InputError:
        return pictures
    return pictures


def portrait(image: Image, box: Float) -> Image:
    """The square around ``box`` (x1, y1, x2, y2) with some room, ``(SIDE, SIDE, 3)``; grey beyond the frame."""
    x1, y1, x2, y2 = (float(side) for side in box)
    half = max(x2 - x1, y2 - y1, 2.0) * _ROOM / 2
    scale = SIDE / (2 * half)
    # One affine step cuts, scales and pads; area averaging first where the picture shrinks a lot.
    shrink = max(int(1 / scale), 1)
    if shrink > 1:
        image = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
        scale *= shrink
    left, top = ((x1 + x2) / 2 - half) / shrink, ((y1 + y2) / 2 - half) / shrink
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    cut = cv2.warpAffine(image, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=_MARGIN)
    return cut.astype(np.uint8)
