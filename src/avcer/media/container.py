"""Opening a file, and decoding one of its streams without giving up at the first damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from avcer.errors import InputError
from avcer.media.remedies import why_not_media
from avcer.media.restarts import JointClock
from avcer.media.source import Source
from avcer.memory import give_back

SEEK_AHEAD_S: Final = 5.0
"""One seeks rather than decodes over more than this; key frames are commonly 0.5-10 s apart."""
PACKET_BYTES: Final = 40
"""What FFmpeg holds of each packet of a file with an index (MP4); as much again while it opens the file."""
NOT_MEDIA: Final = ("tty",)
"""Demuxers of FFmpeg that accept what is no recording: ``tty`` draws any .txt file as a film."""


def packets_of(container: InputContainer) -> Iterator[Packet[Any]]:
    """All packets of the streams that the head of the file announces.

    A transport stream may announce more of them later. PyAV knows nothing of those, and stumbles over them at the end,
    after the last packet of all others.
    """
    demuxed = container.demux()
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, IndexError):
            return
        yield packet


class SeekingFailedError(Exception):
    """The file cannot be entered in the middle."""


AnyFrame = TypeVar("AnyFrame", av.VideoFrame, av.AudioFrame)


@contextmanager
def open_media(source: Source, options: dict[str, str] | None = None) -> Iterator[InputContainer]:
    """The recording, open for reading, with options of FFmpeg's demuxer; closed on leaving the block.

    Raises:
        InputError: no such file, a folder, no permission, empty, or not media.
    """
    with source.open() as file:
        try:
            # FFmpeg reads from the open file and may open nothing else: a playlist must not lead it to other
            # files or to the network. Titles in an old encoding are no reason to refuse a recording.
            allowed = {"protocol_whitelist": "none", **(options or {})}
            with source.turn:
                container = av.open(file, "r", options=allowed, metadata_errors="replace")
                index = PACKET_BYTES * sum(stream.frames for stream in container.streams)
                give_back(index)
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"{source}: {why_not_media(file)}") from error
        try:
            with container:
                if container.format.name in NOT_MEDIA:
                    raise InputError(f"{source}: not a video file; give a recorded video")
                yield container
        finally:
            give_back(index)


def untimed(container: InputContainer) -> bool:
    """Whether the format stores no times: a raw stream. FFmpeg then makes them up from a rate."""
    return Flags.no_timestamps in Flags(container.format.flags)


class Dated(NamedTuple, Generic[AnyFrame]):
    """A decoded frame and its time in seconds, None where it has none."""

    time_s: float | None
    frame: AnyFrame


class Decoder(Generic[AnyFrame]):
    """Iterates over the frames of one stream as the codec gives them; what cannot be decoded is skipped and counted.

    ``damaged`` counts packets that gave no frame and frames that the codec marked as distorted. An empty packet is no
    damage: it shows the picture before it again. ``reached_s`` is the end of the last packet read of any stream: how
    far the file goes, as it tells; ``key_s`` is the time of the last key frame that was read; ``read_to`` is where in
    the file, in bytes, the last packet of all ends. ``clock`` has put the packets of the streams that it follows on one
    clock.
    """

    def __init__(self, container: InputContainer, stream: VideoStream | AudioStream, clock: JointClock) -> None:
        self.damaged = 0
        self.reached_s: float | None = None
        self.read_to = 0
        self.key_s: float | None = None
        self.clock = clock
        self._container = container
        self._stream = stream
        self._last: AnyFrame | None = None
        self._repeats_s: list[float] = []

    def entered(self, time_s: float) -> Iterator[Dated[AnyFrame]]:
        """The frames from the last key frame before ``time_s`` on.

        Raises:
            SeekingFailedError: the file cannot be entered there.
        """
        if self._stream.time_base is None:
            raise SeekingFailedError
        try:
            self._container.seek(int(time_s / self._stream.time_base), stream=self._stream)
        except (av.FFmpegError, OSError) as error:
            raise SeekingFailedError from error
        return iter(self)

    def __iter__(self) -> Iterator[Dated[AnyFrame]]:
        for packet in self._packets():
            if packet is not None and not packet.size and (begins := _begins(packet)) is not None:
                self._repeats_s.append(begins * self.clock.tick_s(packet))
                continue
            try:
                frames = cast(list[AnyFrame], self._stream.decode(packet))
            except av.FFmpegError:
                self.damaged += 1
                continue
            for frame in frames:
                self.damaged += frame.is_corrupt
                time_s = frame.time
                yield from self._repeated(time_s)
                self._last = frame
                yield Dated(time_s, frame)
        yield from self._repeated(float("inf"))

    def _repeated(self, until_s: float | None) -> Iterator[Dated[AnyFrame]]:
        """The last picture again, for every empty packet up to a time."""
        while self._repeats_s and until_s is not None and self._repeats_s[0] < until_s:
            time_s = self._repeats_s.pop(0)
            if self._last is not None:
                yield Dated(time_s, self._last)

    def _packets(self) -> Iterator[Packet[Any] | None]:
        """Packets of the stream, then the empty one that makes the codec hand out what it still holds."""
        try:
            for packet in packets_of(self._container):
                self._note(packet)
                if packet.stream.index == self._stream.index:  # the closing packet is numbered 0 for every stream
                    yield packet
        except (av.FFmpegError, OSError):  # the file breaks off here
            self.damaged += 1
            yield None

    def _note(self, packet: Packet[Stream]) -> None:
        """Keeps up with a packet of any stream, and puts it on the clock."""
        self.read_to = max(self.read_to, (packet.pos or 0) + packet.size)
        begins = _begins(packet)
        if begins is None:
            return
        tick_s = self.clock.tick_s(packet)
        end_s = (begins + (packet.duration or 0)) * tick_s
        self.reached_s = end_s if self.reached_s is None else max(self.reached_s, end_s)
        self.clock.place(packet)
        if packet.is_keyframe and packet.stream_index == self._stream.index:
            self.key_s = (_begins(packet) or 0) * tick_s


def _begins(packet: Packet[Any]) -> int | None:
    """The packet's time stamp of presentation, or else of decoding."""
    return packet.pts if packet.pts is not None else packet.dts
