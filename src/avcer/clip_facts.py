"""What an analysis states of its clip: length, rate and sizes, and notes on what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from avcer.decision.segments import frame_ends
from avcer.faces.still import notes_of_still
from avcer.media.film import FALLBACK_RATE
from avcer.types import Boolean, Clip, Double, EmotionProbabilities, FaceTrack

LARGE_PICTURE: Final = 2
"""A picture that is this many times as long as what the detector sees is too large for its small faces."""
LIVE: Final = Path("live")
"""The path of a clip that has none."""
Sizes = Sequence[tuple[int, int, int]]
"""See ``Clip.sizes``."""


def read_clip(info: Clip, times_s: Double, sizes: Sizes) -> Clip:
    """A clip of which ``info`` was known, now that its frames, at ``times_s (T,)``, were read: their number, their
    sizes, and their length where its header states none, as in browsers' recordings.
    """
    shown_s = float(frame_ends(times_s, info)[-1] - times_s[0]) if len(times_s) else 0.0
    return replace(info, frame_count=len(times_s), duration_s=info.duration_s or shown_s, sizes=tuple(sizes))


def fed_clip(times_s: Double, sizes: Sizes, has_audio: bool) -> Clip:
    """A clip of which nothing was known, by its frames at ``times_s (T,)``."""
    count = len(times_s)
    passed_s = float(times_s[-1] - times_s[0]) if count else 0.0
    rate = (count - 1) / passed_s if passed_s > 0 else FALLBACK_RATE
    width, height = sizes[0][1:] if sizes else (0, 0)
    told = Clip(LIVE, 0.0, count, rate, width, height, 0, has_video=count > 0, has_audio=has_audio)
    return replace(read_clip(told, times_s, sizes), start_s=float(times_s[0]) if count else 0.0)


def notes_on(
    tracks: Sequence[FaceTrack], times_s: Double, audio: EmotionProbabilities, usable: Boolean, too_large: str
) -> list[str]:
    """What the summary says of a clip that lacks a face or a voice, or whose face does not move.

    ``usable (W,)`` tells which windows of its sound are not digital silence; ``too_large`` is added where no face was
    found, see ``note_on_size``.
    """
    silent = ["the sound is digital silence"] if len(usable) and not usable.any() else []
    heard = bool(audio.valid.any())
    if tracks:
        return [*silent, *notes_of_still(tracks, times_s), *([] if heard else ["decided from sight alone"])]
    missing = "no face was found: " + ("decided from sound alone" if heard else "nothing to decide from")
    return [*silent, missing + too_large]


def note_on_size(sizes: Sizes, detector_side: int) -> str:
    """Why small faces may have been missed: pictures far larger than what the detector sees; empty where not."""
    largest = max((max(size[1:]) for size in sizes), default=0)
    if not detector_side or largest <= LARGE_PICTURE * detector_side:
        return ""
    return (
        f"; the picture is {largest} pixels long and faces are detected at {detector_side}, where small ones are "
        f"missed: try --longest-side {largest // 2}"
    )
