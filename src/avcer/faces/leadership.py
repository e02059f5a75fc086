"""Leadership: which face leads on each frame, that is, which one the sound counts for.

Two strategies. The whole clip's: the face with the largest area x time wherever it is alive, known only at the end.
The causal one: the largest face now, with hysteresis, known at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import numpy as np

from avcer.types import Double, FaceTrack, Integer

Leadership = Literal["whole-clip", "largest-now"]
LEADERSHIPS: Final[tuple[Leadership, ...]] = get_args(Leadership)
"""``whole-clip``: see ``leading_tracks``; ``largest-now``: see ``LargestNow``."""

NOBODY: Final = -1
"""In a list of ids by frame: no face leads."""

CHALLENGE_RATIO: Final = 1.5
"""So many times the leader's area a face must have to take over the lead."""
CHALLENGE_S: Final = 0.5
"""For so many seconds without a break."""


class LargestNow:
    """The causal strategy: a frame's leader is decided from this frame and the ones before.

    A leader keeps the lead while its track is alive, frames on which it is missed included. Another face takes over
    once it has been at least ``ratio`` times as large for ``patience_s`` seconds. Without a leader, the largest face
    leads at once.
    """

    def __init__(self, ratio: float = CHALLENGE_RATIO, patience_s: float = CHALLENGE_S) -> None:
        self._ratio = ratio
        self._patience_s = patience_s
        self._leader = NOBODY
        self._area = 0.0
        self._challenger = NOBODY
        self._since_s = 0.0

    def update(self, time_s: float, areas: Mapping[int, float], alive: Sequence[int]) -> int:
        """The id that leads on the next frame, or ``NOBODY``.

        Args:
            time_s: the frame's time.
            areas: track id -> area of the box, for the faces seen on this frame.
            alive: the ids of all tracks that may still go on.
        """
        if self._leader not in alive:
            self._leader = NOBODY
        if areas:
            largest = max(areas, key=lambda track: (areas[track], -track))
            if self._leader == NOBODY or self._takes_over(largest, time_s, areas):
                self._leader, self._challenger = largest, NOBODY
            self._area = areas.get(self._leader, self._area)
        return self._leader

    def _takes_over(self, largest: int, time_s: float, areas: Mapping[int, float]) -> bool:
        """Whether the largest face has been much larger than the leader for long enough."""
        if largest == self._leader or areas[largest] < self._ratio * areas.get(self._leader, self._area):
            self._challenger = NOBODY
            return False
        if largest != self._challenger:
            self._challenger, self._since_s = largest, time_s
        return time_s - self._since_s >= self._patience_s


def primary_track(tracks: Sequence[FaceTrack], durations_s: Double) -> int | None:
    """The id of the track with the largest area x time on screen; ``durations_s (T,)`` are those of all frames."""
    ranking = _by_presence(tracks, durations_s)
    return ranking[-1].id if ranking else None


def leading_tracks(tracks: Sequence[FaceTrack], durations_s: Double) -> Integer:
    """``(T,)``: for each frame the id of the living track with the largest area x time on screen, or ``NOBODY``.

    That is the primary track wherever it is alive; after a cut, whoever is there then.
    """
    leads = np.full(len(durations_s), NOBODY)
    for track in _by_presence(tracks, durations_s):
        leads[track.first : track.last + 1] = track.id
    return leads


def _by_presence(tracks: Sequence[FaceTrack], durations_s: Double) -> list[FaceTrack]:
    """The tracks by area x time, the largest last; of equals the first to appear."""
    return sorted(tracks, key=lambda track: (_presence(track, durations_s), -track.id))


def _presence(track: FaceTrack, durations_s: Double) -> float:
    sides = np.clip(track.boxes[:, 2:] - track.boxes[:, :2], 0, None)
    return float((sides.prod(axis=1, dtype=np.float64) * durations_s[track.frames]).sum())
