"""A copy of a recording that browsers play, with the same time stamps: H.264 and AAC in MP4.

The picture is upright, with square pixels; the sound is what the models hear, mono at 16 kHz. Time 0 of the copy is the
time of the recording that players show as 0. Each frame keeps its own time, so a variable rate stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.container import OutputContainer

from avcer.errors import OutputError
from avcer.files import atomic
from avcer.media.assemble import SAMPLE_RATE
from avcer.media.pictures import Pictures
from avcer.media.probe import probe
from avcer.media.sound import open_sound
from avcer.types import Clip, Image, Progress, no_progress

LONGEST_SIDE: Final = 1280
"""Pixels: enough to see a face by, and encoded faster than it plays."""
TICKS: Final = 90_000
"""Of a second: time stamps are off by no more than 6 microseconds."""
_AHEAD_S: Final = 1.0
"""Sound is written this much ahead of the picture, as players like it."""


def write_playable(
    source: Path, target: Path, video_track: int | None = None, audio_track: int | None = None,
    progress: Progress = no_progress,
) -> Path:  # fmt: skip
    """Writes the copy of ``source``. The tracks are counted as in ``Pictures`` and ``open_sound``.

    Raises:
        InputError: the recording cannot be read.
        OutputError: the copy cannot be written.
    """
    clip = probe(source, video_track)
    try:
        with atomic(target) as part, av.open(str(part), "w", format="mp4") as container:
            _Copy(container, clip, source, video_track, audio_track).write(progress)
    except av.FFmpegError as error:
        raise OutputError(f"{target}: cannot write a copy that browsers play ({error})") from error
    return target


class _Copy:
    def __init__(
        self, container: OutputContainer, clip: Clip, source: Path, video_track: int | None, audio_track: int | None
    ) -> None:
        self._container, self._clip = container, clip
        self._pictures = Pictures(source, track=video_track)
        sound = open_sound(source, track=audio_track, video_track=video_track)
        scale = min(1.0, LONGEST_SIDE / max(clip.width, clip.height))
        self._size = (even(clip.width * scale), even(clip.height * scale))
        # Without frames that refer to later ones: those need a list of edits, which not every player heeds.
        options = {"preset": "veryfast", "crf": "23", "bf": "0", "tune": "fastdecode"}
        self._video = container.add_stream("libx264", options=options)
        self._video.width, self._video.height = self._size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = self._video.time_base = Fraction(1, TICKS)
        self._video.codec_context.framerate = Fraction(clip.average_rate or 25).limit_denominator(1001)
        self._audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound is not None else None
        self._blocks: Iterator[Any] = iter(sound or ())
        self._heard_s = -float("inf")

    def write(self, progress: Progress) -> None:
        """Writes pictures and sound, in the order of their times."""
        for frame in self._pictures:
            time_s = frame.time_s - self._clip.start_s
            self._write_sound(time_s + _AHEAD_S)
            picture = av.VideoFrame.from_ndarray(fitted(frame.image, self._size), format="bgr24")
            picture.pts, picture.time_base = max(round(time_s * TICKS), 0), Fraction(1, TICKS)
            self._container.mux(self._video.encode(picture))
            progress("copy", frame.index + 1, self._clip.frame_count)
        self._write_sound(float("inf"))
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))

    def _write_sound(self, until_s: float) -> None:
        while self._audio is not None and self._heard_s < until_s:
            block = next(self._blocks, None)
            if block is None:
                return
            begin_s = block.start_s - self._clip.start_s
            self._heard_s = begin_s + len(block.samples) / SAMPLE_RATE
            at = round(begin_s * SAMPLE_RATE)
            samples = block.samples[max(-at, 0) :]
            if not len(samples):
                continue
            sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis]), format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, max(at, 0), Fraction(1, SAMPLE_RATE)
            self._container.mux(self._audio.encode(sound))


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
        full if full - part * scale < 2 else round(part * scale)
        for full, part in zip(size, (width, height), strict=True)
    ]
    scaled = cv2.resize(image, (max(inner[0], 1), max(inner[1], 1)), interpolation=cv2.INTER_AREA)
    left, top = (size[0] - scaled.shape[1]) // 2, (size[1] - scaled.shape[0]) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return canvas
