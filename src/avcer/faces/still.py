"""Faces that stand still for long: a photograph, or the picture of a call that hangs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from avcer.types import Double, FaceTrack

STILL_S: Final = 5.0
"""A face that stands still for so long is reported; the boxes of a living one differ from frame to frame."""
STILL_SHARE: Final = 1e-3
"""Of the box's longer side: a corner that moves by less has not moved."""


def notes_of_still(tracks: Sequence[FaceTrack], times_s: Double) -> list[str]:
    """A note on every face whose box does not move by a thousandth of its size for five seconds or more."""
    notes = []
    for track in tracks:
        sides = (track.boxes[:, 2:] - track.boxes[:, :2]).max(axis=1)[1:, np.newaxis]
        moved = (np.abs(np.diff(track.boxes, axis=0)) > STILL_SHARE * sides).any(axis=1)
        places = np.flatnonzero(np.concatenate([[True], moved, [True]]))
        longest = int(np.diff(places).argmax())
        begin_s, end_s = (float(times_s[track.frames[at]]) for at in (places[longest], places[longest + 1] - 1))
        if end_s - begin_s >= STILL_S:
            notes.append(
                f"face {track.id} stands still from {begin_s:.1f} s to {end_s:.1f} s,"
                " as a photograph or a picture that hangs does"
            )
    return notes
