"""Which picture and which sound of a recording are meant, and what else there was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from av.audio.stream import AudioStream
from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from avcer.errors import InputError
from avcer.media.remedies import CONVERT
from avcer.processors import decoder_threads

PICTURES: Final = Disposition.attached_pic | Disposition.timed_thumbnails
"""A cover of a sound file, and the small pictures of a player's time line, are no video."""


LARGEST_PIXELS: Final = 1 << 27
"""Of a picture: a little more than 16K (15360x8640). A small file can claim far more, and would fill the memory."""


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """The video tracks in the order of the file: number 1, 2, .. of ``--video-track``."""
    return [stream for stream in container.streams.video if not stream.disposition & PICTURES]


def video_stream(source: object, container: InputContainer, track: int | None = None) -> VideoStream:
    """The video track with a number, or else the one that a player shows: of those with a decoder the first that is
    flagged as default, or the first of all.

    Raises:
        InputError: there is no moving picture in the file, no such track, or no decoder for it.
    """
    moving = moving_streams(container)
    if not moving:
        raise InputError(f"{source}: {_no_picture(container)}")
    if track is not None:
        chosen = moving[_place(source, moving, track, "video")]
    else:
        chosen = min(moving, key=lambda stream: (not decodable(stream), not _has_size(stream), not _default(stream)))
    if not decodable(chosen):
        raise InputError(f"{source}: no decoder for its picture; {CONVERT}")
    if chosen.width * chosen.height > LARGEST_PIXELS:
        size = f"{chosen.width}x{chosen.height} pixels, more than {LARGEST_PIXELS:,}"
        raise InputError(f"{source}: its pictures have {size}; scale the recording down first")
    # For those that grow in mid-file. Twice, because decoders count the edges that they add.
    chosen.codec_context.options = {"max_pixels": str(2 * LARGEST_PIXELS)}
    chosen.thread_type = ThreadType.AUTO
    chosen.thread_count = decoder_threads()
    return chosen


def audio_streams(container: InputContainer, video: VideoStream | None) -> list[AudioStream]:
    """The audio tracks that can be decoded, of the programme that the picture belongs to; the one that FFmpeg holds
    for the main sound comes first, since it is flagged as default or is no track for the blind.
    """
    best = container.streams.best("audio", related=video)
    related = [stream for stream in container.streams.audio if video is None or _related(container, video, stream)]
    return sorted(filter(decodable, related), key=lambda stream: best is None or stream.index != best.index)


def numbered_audio(source: object, container: InputContainer, track: int) -> AudioStream:
    """The audio track with a number, counted from 1 in the order of the file.

    Raises:
        InputError: there is no such track, or no decoder for it.
    """
    chosen = container.streams.audio[_place(source, container.streams.audio, track, "audio")]
    if not decodable(chosen):
        raise InputError(f"{source}: no decoder for audio track {track}; choose another one with --audio-track")
    return chosen


def clock_streams(container: InputContainer, video: VideoStream | None, audio: Stream | None = None) -> list[Stream]:
    """The streams that share a clock: the picture, and all the sound of its programme, so that a reader of the picture
    and one of the sound agree; and another track that was asked for.
    """
    streams: list[Stream] = [*audio_streams(container, video)]
    streams += [stream for stream in (video, audio) if stream is not None]
    return streams


def decodable(stream: Stream) -> bool:
    """Whether this build of FFmpeg knows the stream's codec."""
    return cast(Any, stream).codec_context is not None


def listed(tracks: Sequence[Stream], remarks: dict[int, str], kind: str) -> str:
    """One line about the tracks of a kind; ``remarks`` says more of some, by their index in the file."""
    shown = (_shown(number, stream, remarks.get(stream.index)) for number, stream in enumerate(tracks, start=1))
    return f"{len(tracks)} {kind} tracks: {', '.join(shown)}; --{kind}-track chooses another"


def _shown(number: int, stream: Stream, remark: str | None) -> str:
    title = stream.metadata.get("title")
    language = stream.language if stream.language not in (None, "und") else None
    words = (str(number), repr(title) if title else None, language, f"({remark})" if remark else None)
    return " ".join(word for word in words if word)


def _place(source: object, tracks: Sequence[Stream], number: int, kind: str) -> int:
    if not 1 <= number <= len(tracks):
        has = f"has {len(tracks)} {kind} track{'s' * (len(tracks) != 1)}"
        raise InputError(f"{source}: {has}, and no track {number}; choose one with --{kind}-track")
    return number - 1


def _related(container: InputContainer, video: VideoStream, audio: AudioStream) -> bool:
    """Whether both belong to one programme; without programmes all do. PyAV names no programmes, but what FFmpeg finds
    best beside a stream, it looks for in that stream's programme.
    """
    best = container.streams.best
    kinds = ("video", "audio")
    return all(best(kind, related=video) == best(kind, related=audio) for kind in kinds)  # type: ignore[arg-type]


def _default(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _has_size(stream: VideoStream) -> bool:
    return decodable(stream) and stream.codec_context.width > 0


def _no_picture(container: InputContainer) -> str:
    if container.streams.audio:
        return "has sound but no picture; give a file with a video stream"
    if not len(container.streams):
        return "holds no picture and no sound: it is damaged, or broke off at once; copy or download it again"
    return "has no picture; give a file with a video stream"
