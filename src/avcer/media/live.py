"""A camera, a stream, or a recording as if it were one: frames and sound as they come, from one reading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from avcer.errors import InputError
from avcer.media.assemble import Assembler, SoundBlock
from avcer.media.clock import Rising
from avcer.media.film import FALLBACK_RATE
from avcer.media.mono import channels_of
from avcer.media.restarts import JointClock
from avcer.media.tracks import audio_streams, clock_streams, video_stream
from avcer.media.upright import Upright
from avcer.types import Frame

TIMEOUT_S: Final = 10.0
"""How long a camera or a server may say nothing."""
TIMELESS: Final = frozenset(("mpjpeg", "mjpeg", "jpeg_pipe"))
"""Formats of cameras on the web that carry pictures and no time. FFmpeg takes them for 25 a second; they count as shown
when they come.
"""


class Live:
    """Iterates over the frames and the sound of a camera or a stream in the order in which they come.

    Nothing is held back, read twice or sought, so that a pipe or a camera will do. Frames count from 0 and have rising
    times; sound comes in blocks that follow each other; both are on one clock, that of the source. ``damaged`` counts
    what could not be decoded. This is the one place that reads from an address, and only because it is asked to.

        for item in Live("/dev/video0", format="v4l2", options={"framerate": "30"}):
            ...  # a Frame or a SoundBlock

    Args:
        address: a path, a device, an address such as ``rtsp://..``, or an object with ``read``.
        format: FFmpeg's name of the device or container, such as ``v4l2``; None to find out.
        options: options of FFmpeg's demuxer, such as ``{"video_size": "640x480"}``.
        timeout_s: how long the source may take to open, or to give the next packet.
    """

    def __init__(
        self,
        address: str | BinaryIO,
        format: str | None = None,  # noqa: A002 - FFmpeg's own word for it
        options: dict[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.address = address
        self.damaged = 0
        self._format = format
        self._options = options or {}
        self.timeout_s = timeout_s

    def __iter__(self) -> Iterator[Frame | SoundBlock]:
        """Until the source ends.

        Raises:
            InputError: it cannot be opened, has no picture, or fell silent for longer than the time allowed.
        """
        self.damaged = 0
        with self._opened() as container:
            video = video_stream(self, container)
            audio = next(iter(audio_streams(container, video)), None)
            yield from _Interleaved(self, container, video, audio)

    def __str__(self) -> str:
        return self.address if isinstance(self.address, str) else "stream"

    def _opened(self) -> InputContainer:
        try:
            return av.open(
                self.address,
                "r",
                format=self._format,
                options=self._options,
                timeout=self.timeout_s,
                metadata_errors="replace",
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            if _is_silence(error):
                reason = f"no answer within {self.timeout_s:g} s"
            raise InputError(f"{self}: cannot be opened ({reason}); check the camera or the address") from error


def _is_silence(error: Exception) -> bool:
    """Whether the time allowed has passed: PyAV interrupts FFmpeg then."""
    return isinstance(error, av.ExitError | TimeoutError)


class _Interleaved:
    """Packets of both streams in, frames and blocks out."""

    def __init__(self, live: Live, container: InputContainer, video: VideoStream, audio: AudioStream | None) -> None:
        self._live = live
        self._container = container
        self._video, self._audio = video, audio
        self._clock = JointClock.of(container, clock_streams(container, video, audio))
        self._upright = Upright(video)
        self._rising = Rising[av.VideoFrame](1 / float(video.average_rate or video.guessed_rate or FALLBACK_RATE))
        self._assembler = Assembler()
        self._count = 0
        self._timeless = container.format.name in TIMELESS and "://" in str(live)
        self._arrived_s = 0.0

    def __iter__(self) -> Iterator[Frame | SoundBlock]:
        streams = [stream for stream in (self._video, self._audio) if stream is not None]
        silent = False
        try:
            for packet in self._container.demux(streams):
                if self._timeless:
                    self._arrived_s = time.monotonic()
                self._clock.place(packet)
                yield from self._decoded(packet)
        except (av.FFmpegError, OSError) as error:
            silent = _is_silence(error)
            if not self._count:
                reason = f"nothing came for {self._live.timeout_s:g} s" if silent else error
                raise InputError(f"{self._live}: gave no picture ({reason}); check the source") from error
            self._live.damaged += 1  # it broke off; what came before counts
        yield from self._frames(self._rising.finish())
        yield from self._assembler.finish()
        if silent:
            raise InputError(f"{self._live}: fell silent for more than {self._live.timeout_s:g} s")

    def _decoded(self, packet: Any) -> Iterator[Frame | SoundBlock]:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self._live.damaged += 1
            return
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                time_s = self._arrived_s if self._timeless else frame.time
                yield from self._frames(self._rising.feed(time_s, frame))
            else:
                yield from self._assembler.feed(frame.time, frame.sample_rate, channels_of(frame))

    def _frames(self, dated: list[tuple[float, av.VideoFrame]]) -> Iterator[Frame]:
        for time_s, frame in dated:
            yield Frame(self._count, time_s, self._upright(frame))
            self._count += 1
