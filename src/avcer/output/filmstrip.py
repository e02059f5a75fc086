"""The pictures of a timeline: a face at evenly spaced moments, cut out of the clip again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from avcer import media
from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.faces.portraits import portrait
from avcer.types import Double, FaceTrack, Image

SLOTS: Final = 12
"""Pictures over the time axis."""


@dataclass(frozen=True)
class Still:
    """A face: the middle of the time that its frame is shown, in seconds, and ``(SIDE, SIDE, 3)`` BGR pixels, None
    where the clip could not be read.
    """

    time_s: float
    image: Image | None


@dataclass(frozen=True)
class Filmstrip:
    """``slots``: the leading face in each of N equal parts of the time axis, None where none is seen;
    ``portraits``: one picture of each other face, by id; ``readable``: whether the clip was still at hand.
    """

    slots: tuple[Still | None, ...]
    portraits: dict[int, Still]
    readable: bool


def cut_filmstrip(analysis: Analysis, moments_s: Double, edges_s: Double, others: Sequence[int]) -> Filmstrip:
    """Cuts the pictures out of the clip; where it is gone or unreadable, they are missing and nothing fails.

    Args:
        analysis: whose clip and tracks.
        moments_s: ``(T,)`` the middle of the time that each frame is shown.
        edges_s: ``(N + 1,)`` where the N equal parts of the time axis begin and end.
        others: ids of the faces that get one portrait each.
    """
    tracks = {face.track.id: face.track for face in analysis.faces if face.track}
    places = _places(analysis, moments_s, edges_s)
    wanted = [place for place in places if place is not None]
    wanted += [(tracks[other], _largest(tracks[other])) for other in others]
    pictures = _cut(analysis, wanted)
    stills = iter(
        Still(float(moments_s[track.frames[place]]), pictures.get((track.id, place))) for track, place in wanted
    )
    strip = tuple(None if place is None else next(stills) for place in places)
    return Filmstrip(strip, dict(zip(others, stills, strict=True)), bool(pictures) or not wanted)


def _places(analysis: Analysis, moments_s: Double, edges_s: Double) -> list[tuple[FaceTrack, int] | None]:
    """For each slot, the leading face that is seen nearest to the slot's middle: its track and the row of it; None
    where none is in the slot.
    """
    led = [
        (face.track, np.flatnonzero(analysis.leads[face.track.frames] == face.id))
        for face in analysis.faces
        if face.track
    ]
    frames = np.concatenate([track.frames[rows] for track, rows in led]) if led else np.zeros(0, np.int64)
    owners = np.repeat(np.arange(len(led)), [len(rows) for _, rows in led])
    order = np.argsort(frames, kind="stable")
    seen_s = moments_s[frames[order]]
    places: list[tuple[FaceTrack, int] | None] = []
    for start, end in pairwise(edges_s.tolist()):
        nearest = int(np.argmin(np.abs(seen_s - (start + end) / 2))) if len(seen_s) else -1
        if nearest < 0 or not start <= seen_s[nearest] < end:
            places.append(None)
            continue
        track = led[owners[order[nearest]]][0]
        places.append((track, int(np.searchsorted(track.frames, frames[order[nearest]]))))
    return places


def _largest(track: FaceTrack) -> int:
    """The row of a track where the face is largest."""
    sides = track.boxes[:, 2:] - track.boxes[:, :2]
    return int(np.argmax(sides.prod(axis=1)))


def _kept(analysis: Analysis, track: FaceTrack, place: int) -> Image | None:
    """The portrait that was kept nearest to a row of a track."""
    album = analysis.portraits.get(track.id, {})
    nearest = min(album, key=lambda frame: abs(frame - int(track.frames[place])), default=None)
    return None if nearest is None else album[nearest]


def _cut(analysis: Analysis, wanted: list[tuple[FaceTrack, int]]) -> dict[tuple[int, int], Image]:
    """The pictures by track id and row, as far as the analysis kept them or the clip gives them; the clip is gone
    through once.
    """
    if analysis.portraits:
        return {
            (track.id, place): image for track, place in wanted if (image := _kept(analysis, track, place)) is not None
        }
    by_frame: dict[int, list[tuple[FaceTrack, int]]] = {}
    for track, place in wanted:
        by_frame.setdefault(int(track.frames[place]), []).append((track, place))
    frames = sorted(by_frame)
    times_s = [float(analysis.times_s[index]) for index in frames]
    pictures: dict[tuple[int, int], Image] = {}
    try:
        # The clip may have become shorter since: fewer frames than asked for is no error here.
        shown = media.frames_at(analysis.clip.path, times_s, analysis.clip.video_track)
        for index, (_, image) in zip(frames, shown, strict=False):
            for track, place in by_frame[index]:
                if (cut := portrait(image, track.boxes[place])) is not None:
                    pictures[track.id, place] = cut
    except InputError:
        return pictures
    return pictures
