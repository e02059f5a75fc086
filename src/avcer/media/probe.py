"""What a file holds, before any work is spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import av
from av.container import InputContainer
from av.stream import Stream

from avcer.errors import InputError
from avcer.media.container import untimed
from avcer.media.film import Film, open_film
from avcer.media.remedies import ENCRYPTED, why_no_frame
from avcer.media.restarts import may_restart
from avcer.media.source import Given, Source
from avcer.media.tracks import audio_streams, decodable, moving_streams
from avcer.media.upright import Upright, orientation
from avcer.types import Clip

SOUND_LEADS_S: Final = 0.15
"""A player starts a clip with its sound where that begins more than this before the picture; the usual lead of coded
sound (1024 samples at 8 kHz and above) is less, and empty.
"""
STARTS_LATE_S: Final = 0.5
"""Where a recording starts later than this, its stated duration may be the time of its end."""
STATES_END: Final = ("matroska", "nut")
"""Formats whose header states the time of the end, if FFmpeg or what is built on it has written it."""
GUESS: Final = 0.01
"""A duration that is the file's size by the sum of its bit rates, within this share, is FFmpeg's guess."""


def probe(source: Given, track: int | None = None) -> Clip:
    """What is known of the clip. The first frame is decoded, so a clip that passes has at least one.

    Args:
        source: a path, or a file object that is open for reading bytes.
        track: the number of the video track, from 1; None for the one that a player shows.

    Raises:
        InputError: no such file, a folder, no permission, empty, not media, encrypted, or without a picture that can be
            decoded.
    """
    return clip_of(Source.of(source), track)


def clip_of(source: Source, track: int | None) -> Clip:
    """See ``probe``."""
    with open_film(source, track) as film:
        if film.container.format.name.startswith("mov"):
            _refuse_encrypted(source, track)
        first = next(film.frames(), None)
        if first is None:
            with source.open() as file:
                raise InputError(f"{source}: {why_no_frame(file, film.container.format.name)}")
        time_s, frame = first
        upright = Upright(film.stream)
        width, height = upright.size(frame)
        turns, mirrored = orientation(frame)
        sound = audio_streams(film.container, film.stream)
        return Clip(
            path=source.path,
            duration_s=_duration_s(film),
            frame_count=film.stream.frames,
            average_rate=film.rate,
            width=width,
            height=height,
            rotation=turns * 90,
            has_video=True,
            has_audio=bool(sound),
            start_s=_start_s(time_s, sound),
            mirrored=mirrored,
            pixel_aspect=upright.pixel,
            video_track=moving_streams(film.container).index(film.stream) + 1,
        )


def stated_end_s(film: Film) -> float | None:
    """Where the header says that the file ends, on its own clock; None where it says nothing of it."""
    container = film.container
    if container.duration is None or untimed(container) or _guessed(container):
        return None
    if container.format.name in ("mpegts", "mpeg"):
        return None  # FFmpeg has looked for the last time stamps itself
    start_s = (container.start_time or 0) / av.time_base
    if container.format.name == "avi":  # of one that was cut, FFmpeg derives the duration from its size
        return max(container.duration / av.time_base, film.stream.frames / film.rate) + start_s
    return container.duration / av.time_base + (0.0 if _states_end(container) else start_s)


def describe_rate(film: Film) -> str:
    """The note about a rate that nobody states."""
    return f"a raw stream that states no rate: {film.rate:g} frames a second are assumed"


def _refuse_encrypted(source: Source, track: int | None) -> None:
    with open_film(source, track) as film:
        packet = next((one for one in film.container.demux(film.stream) if one.size), None)
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise InputError(f"{source}: {ENCRYPTED}")


def _start_s(picture_s: float, sound: Sequence[Stream]) -> float:
    """The time of the file that a player shows as 0."""
    starts_s = [float(one.start_time * one.time_base) for one in sound if one.start_time is not None and one.time_base]
    first_s = min(starts_s, default=picture_s)
    return first_s if picture_s - first_s > SOUND_LEADS_S else picture_s


def _duration_s(film: Film) -> float:
    """Seconds of picture and sound as the header tells; 0 where it does not, or speaks of other tracks."""
    container, stream = film.container, film.stream
    if untimed(container) or _guessed(container):
        return 0.0
    meant: list[Stream] = [stream, *audio_streams(container, stream)]
    told_s = _told_s(meant) if len(meant) < len(container.streams) else None
    return _of_header(film) if told_s is None else told_s


def _of_header(film: Film) -> float:
    container, stream = film.container, film.stream
    if container.duration is not None:
        if any(one.type in ("subtitle", "data") for one in container.streams):
            return 0.0
        start_s = (container.start_time or 0) / av.time_base
        duration_s = container.duration / av.time_base
        return duration_s - start_s if _states_end(container) and duration_s > start_s else duration_s
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return stream.frames / film.rate


def _states_end(container: InputContainer) -> bool:
    """Whether the duration of the header is to be read as the time of the end."""
    late = (container.start_time or 0) / av.time_base > STARTS_LATE_S
    return late and container.format.name.split(",")[0] in STATES_END


def _told_s(streams: list[Stream]) -> float | None:
    """From the first beginning to the last end of these streams; None where one of them does not tell its length."""
    spans = [_span_s(one) for one in streams]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    return max(end_s for _, end_s in known) - min(start_s for start_s, _ in known)


def _span_s(stream: Stream) -> tuple[float, float] | None:
    if stream.time_base is None:
        return None
    start_s = float((stream.start_time or 0) * stream.time_base)
    if stream.duration is not None:
        return start_s, start_s + float(stream.duration * stream.time_base)
    tagged_s = _clock_s(stream.metadata.get("DURATION", ""))  # of Matroska: the time of the end
    return None if tagged_s is None else (start_s, tagged_s)


def _clock_s(text: str) -> float | None:
    """``01:02:03.5`` in seconds."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _guessed(container: InputContainer) -> bool:
    """Whether the duration is FFmpeg's guess from the size of the file and the bit rates of its streams."""
    if container.duration is None or not may_restart(container):
        return False
    tracks = (*container.streams.video, *container.streams.audio)
    rates = [stream.codec_context.bit_rate for stream in tracks if decodable(stream)]
    total = sum(rate or 0 for rate in rates)
    if not total or not container.duration:
        return False
    guess_s = 8 * container.size / total
    return abs(guess_s / (container.duration / av.time_base) - 1) < GUESS
