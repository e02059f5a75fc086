"""What a file holds, before any work is spent on it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from avcer.errors import InputError
from avcer.media.container import Decoder, audio_stream, open_media, video_stream
from avcer.types import Clip

FALLBACK_RATE: Final = 25.0
"""Frames a second where the file states no rate; FFmpeg assumes the same."""


def probe(path: str | PathLike[str]) -> Clip:
    """What is known of the clip. The first frame is decoded, so a clip that passes has at least one.

    Raises:
        InputError: no such file, a folder, no permission, empty, not media, or without a picture that can be decoded.
    """
    path = Path(path)
    with open_media(path) as container:
        stream = video_stream(path, container)
        first = next(iter(Decoder[av.VideoFrame](container, stream)), None)
        if first is None:
            raise InputError(f"{path}: no frame of its picture can be decoded; copy or download it again")
        rotation = quarter_turns(first) * 90
        lying = rotation % 180 == 90
        return Clip(
            path=path,
            duration_s=_duration_s(container, stream),
            frame_count=stream.frames,
            average_rate=average_rate(stream),
            width=first.height if lying else first.width,
            height=first.width if lying else first.height,
            rotation=rotation,
            has_video=True,
            has_audio=audio_stream(container) is not None,
        )


def average_rate(stream: VideoStream) -> float:
    """Frames a second, averaged over the stream as its header tells."""
    return float(stream.average_rate or stream.guessed_rate or FALLBACK_RATE)


def quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns (0-3) that bring the stored frame upright, from its display matrix."""
    return round(frame.rotation / 90) % 4


def _duration_s(container: InputContainer, stream: VideoStream) -> float:
    if container.duration is not None:
        return container.duration / av.time_base
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return stream.frames / average_rate(stream)
