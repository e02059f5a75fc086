"""Portraits: small pictures of faces, kept in memory for sources that cannot be read a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from avcer.faces.crop import square_crop
from avcer.types import Float, Frame, Image

SIDE: Final = 160
"""Pixels of a portrait's side; a slot of a printed filmstrip is about 120."""
MARGIN: Final = 0.18
"""Space around the box, in parts of its longer side, so that hair and chin are on the picture."""
MOST: Final = 48
"""Portraits kept of a face, at most twice as many while they are gathered: 7 MB."""
MOST_IN_ALL: Final = 128
"""Portraits kept of all faces together: 10 MB, also where people come and go for a whole day."""


def portrait(image: Image, box: Float) -> Image | None:
    """The square around ``box`` (x1, y1, x2, y2) with some space, ``(SIDE, SIDE, 3)``, moved into the frame if it fits;
    None for a box outside the frame.
    """
    half = float(max(box[2:] - box[:2])) * (0.5 + MARGIN)
    size = np.array(image.shape[1::-1], dtype=np.float32)
    if (box[2:] <= 0).any() or (box[:2] >= size).any():
        return None
    centre = (box[:2] + box[2:]) / 2
    moved = np.where(size >= 2 * half, np.clip(centre, half, np.maximum(size - half, half)), centre)
    return square_crop(image, box + np.tile(moved - centre, 2).astype(np.float32), MARGIN, SIDE)


@dataclass
class _Album:
    """The portraits of one face by frame index; one every ``interval_s``, doubled when there are too many."""

    interval_s: float
    due_s: float = -np.inf
    kept: dict[int, Image] = field(default_factory=dict)

    def thin(self) -> None:
        """Keeps every second one."""
        self.kept = dict(list(self.kept.items())[::2])
        self.interval_s *= 2


class Portraits:
    """Keeps portraits of each face, evenly spread over its time, in bounded memory.

    Where there are too many of all faces, the face with the most gives up half of its own; once each has one left, the
    first face gives up its only one.
    """

    def __init__(self, interval_s: float = 0.5, most: int = MOST, most_in_all: int = MOST_IN_ALL) -> None:
        self._interval_s, self._most, self._most_in_all = interval_s, most, most_in_all
        self._albums: dict[int, _Album] = {}
        self._count = 0

    def add(self, track: int, frame: Frame, box: Float) -> None:
        """Keeps the face of ``track`` on this frame if one is due."""
        album = self._albums.setdefault(track, _Album(self._interval_s))
        if frame.time_s < album.due_s:
            return
        picture = portrait(frame.image, box)
        if picture is None:
            return
        album.kept[frame.index], album.due_s = picture, frame.time_s + album.interval_s
        self._count += 1
        if len(album.kept) >= 2 * self._most:
            self._thin(album)
        if self._count > self._most_in_all:
            self._thin(max(self._albums.values(), key=lambda one: len(one.kept)))

    def _thin(self, album: _Album) -> None:
        self._count -= len(album.kept)
        if len(album.kept) > 1:
            album.thin()
        else:
            album.kept = {}
        self._count += len(album.kept)

    def by_face(self) -> dict[int, dict[int, Image]]:
        """Track id -> frame index -> ``(SIDE, SIDE, 3)`` BGR, frames rising."""
        return {track: dict(album.kept) for track, album in self._albums.items() if album.kept}
