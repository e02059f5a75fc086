"""A copy of a recording that browsers play, with the same time stamps: H.264 in MP4, and the sound.

The picture is upright, with square pixels. Time 0 of the copy is the time of the recording that players show as 0. Each
frame keeps its own time, so a variable rate stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avcer.files import atomic
from avcer.media.filming import writing
from avcer.media.pictures import Pictures
from avcer.media.probe import probe
from avcer.media.sound import open_sound
from avcer.media.soundtrack import soundtrack
from avcer.types import Frame, Image, Progress, no_progress

LONGEST_SIDE: Final = 1280
"""Pixels: enough to see a face by, and encoded faster than it plays."""


def write_playable(
    source: Path,
    target: Path,
    video_track: int | None = None,
    audio_track: int | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Writes the copy of ``source``. The tracks are counted as in ``Pictures`` and ``open_sound``.

    Raises:
        InputError: the recording cannot be read.
        OutputError: the copy cannot be written.
    """
    clip = probe(source, video_track)
    rate = clip.average_rate or 25.0
    scale = min(1.0, LONGEST_SIDE / max(clip.width, clip.height))
    size = (even(clip.width * scale), even(clip.height * scale))
    sound = open_sound(source, track=audio_track, video_track=video_track)
    with (
        atomic(target) as part,
        soundtrack(sound, clip.start_s, (clip.start_s, float("inf"))) as track,
        writing(part, size, rate, track) as film,
    ):
        for frame, lasts_s in _lasting(Pictures(source, track=video_track), 1 / rate):
            film.see(fitted(frame.image, size), max(frame.time_s - clip.start_s, 0.0), lasts_s)
            progress("copy", frame.index + 1, clip.frame_count)
    return target


def _lasting(frames: Pictures, usual_s: float) -> Iterator[tuple[Frame, float]]:
    """Each frame, and for how many seconds it is shown; the last one for as long as is usual."""
    before: Frame | None = None
    for frame in frames:
        if before is not None:
            yield before, frame.time_s - before.time_s
        before = frame
    if before is not None:
        yield before, usual_s


def even(side: float) -> int:
    """A side as encoders want it."""
    return max(2 * round(side / 2), 2)


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """The picture in the middle of a black one of ``size`` (width, height), as large as it can be."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    # A side that is off by less than two pixels is stretched: no line of black for the sake of an even number.
    inner = [
        full if full - part * scale < 2 else max(round(part * scale), 1)
        for full, part in zip(size, (width, height), strict=True)
    ]
    scaled = cv2.resize(image, (inner[0], inner[1]), interpolation=cv2.INTER_AREA)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas
