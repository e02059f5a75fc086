"""Opening a file, choosing its streams, and decoding one of them without giving up at the first damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar, cast

import av
from av.audio.stream import AudioStream
from av.codec.context import ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from avcer.errors import InputError

NOT_MEDIA: Final = ("tty",)
"""Demuxers of FFmpeg that accept what is no recording: ``tty`` draws any .txt file as a film."""

AnyFrame = TypeVar("AnyFrame", av.VideoFrame, av.AudioFrame)


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """The file, open for reading; closed on leaving the block.

    Raises:
        InputError: no such file, a folder, no permission, empty, or not media.
    """
    with _open_file(path) as file:
        try:
            # FFmpeg reads from the open file and may open nothing else: a playlist must not lead it to other
            # files or to the network. Titles in an old encoding are no reason to refuse a recording.
            container = av.open(file, "r", options={"protocol_whitelist": "none"}, metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"{path}: not a video file, or damaged beyond reading; give a recorded video") from error
        with container:
            if container.format.name in NOT_MEDIA:
                raise InputError(f"{path}: not a video file; give a recorded video")
            yield container


def _open_file(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give a video file in it")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a regular file; give a video file")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it; change its access rights") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be opened ({error}); check the name") from error
    if not file.read(1):
        file.close()
        raise InputError(f"{path}: is empty; copy or download it again")
    file.seek(0)
    return file


def video_stream(path: Path, container: InputContainer) -> VideoStream:
    """The first moving picture of the file; a cover picture in a sound file is none.

    Raises:
        InputError: there is no moving picture in the file, or no decoder for it.
    """
    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise InputError(f"{path}: has no picture; give a file with a video stream")
    if not decodable(moving[0]):
        raise InputError(f"{path}: no decoder for its picture; convert it to H.264 first")
    moving[0].thread_type = ThreadType.AUTO
    # The other half is for the models; each thread more makes a frame cost more.
    moving[0].thread_count = max((os.cpu_count() or 1) // 2, 1)
    return moving[0]


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The stream that FFmpeg holds for the main sound of the file, or None where no sound can be decoded."""
    stream = container.streams.best("audio")
    return stream if isinstance(stream, AudioStream) and decodable(stream) else None


def decodable(stream: VideoStream | AudioStream) -> bool:
    """Whether this build of FFmpeg knows the stream's codec."""
    return cast(Any, stream.codec_context) is not None


class Decoder(Generic[AnyFrame]):
    """Iterates over the frames of one stream as the codec gives them; what cannot be decoded is skipped and counted.

    ``damaged`` counts packets that gave no frame and frames that the codec marked as distorted. ``reached_s`` is the
    end of the last packet read of any stream: how far the file goes.
    """

    def __init__(self, container: InputContainer, stream: VideoStream | AudioStream) -> None:
        self.damaged = 0
        self.reached_s = 0.0
        self._container = container
        self._stream = stream

    def __iter__(self) -> Iterator[AnyFrame]:
        for packet in self._packets():
            try:
                frames = cast(list[AnyFrame], self._stream.decode(packet))
            except av.FFmpegError:
                self.damaged += 1
                continue
            self.damaged += sum(frame.is_corrupt for frame in frames)
            yield from frames

    def _packets(self) -> Iterator[Packet[Stream] | None]:
        """Packets of the stream, then the empty one that makes the codec hand out what it still holds."""
        try:
            for packet in self._container.demux():
                time = packet.pts if packet.pts is not None else packet.dts
                if time is not None and packet.time_base is not None:
                    end_s = float((time + (packet.duration or 0)) * packet.time_base)
                    self.reached_s = max(self.reached_s, end_s)
                if packet.stream.index == self._stream.index:  # the closing packet is numbered 0 for every stream
                    yield packet
        except (av.FFmpegError, OSError):  # the file breaks off here
            self.damaged += 1
            yield None
