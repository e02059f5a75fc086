"""An opened recording's picture: which track, at what rate, and its frames with their times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain, islice
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from avcer.media.clock import in_order, rising
from avcer.media.container import Dated, Decoder, SeekingFailedError, open_media, packets_of, untimed
from avcer.media.restarts import JointClock, may_restart
from avcer.media.source import Source
from avcer.media.tracks import clock_streams, moving_streams, video_stream

FALLBACK_RATE: Final = 25.0
"""Frames a second where the file states no rate; FFmpeg assumes the same."""

LONGEST_HEAD: Final = 1000
"""Frames without a time at the beginning, up to which the first time is looked for."""


class Film:
    """The picture of an open recording. ``rate``: frames a second on average; ``rate_known``: whether the file, or
    its codec, states it. ``decoder`` counts the damage of the iteration that runs.
    """

    def __init__(self, source: Source, container: InputContainer, track: int | None = None) -> None:
        self.source = source
        self.container = container
        self.stream: VideoStream = video_stream(source, container, track)
        self._track = track
        self.decoder = self._decoder()

    @property
    def rate(self) -> float:
        """Frames a second, averaged over the stream as its header tells; a raw stream's is the codec's own."""
        told = _own_rate(self.stream) if untimed(self.container) else self.stream.average_rate
        return float(told or self.stream.guessed_rate or FALLBACK_RATE)

    @property
    def rate_known(self) -> bool:
        """Whether the rate is more than a guess."""
        return not untimed(self.container) or bool(_own_rate(self.stream))

    def frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames from the beginning, with rising times."""
        self.decoder = self._decoder()
        return self._rising(iter(self.decoder))

    def entered(self, time_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames from the last key frame before ``time_s`` on.

        Raises:
            SeekingFailedError: the file cannot be entered there, or its time stamps start again on the way.
        """
        if self._starts_again:
            raise SeekingFailedError
        self.decoder = self._decoder()
        return self._rising(self.decoder.entered(time_s))

    @cached_property
    def _starts_again(self) -> bool:
        # Asked of the open file where that tells, since a second one would take its memory again.
        return may_restart(self.container) and starts_again(self.source, self._track)

    def _rising(self, dated: Iterator[Dated[av.VideoFrame]]) -> Iterator[tuple[float, av.VideoFrame]]:
        if untimed(self.container):
            return self._counted(dated)
        first = next(dated, None)
        if first is None:
            return iter(())
        head_s = self._head_s() if first.time_s is None else 0.0
        pairs: Iterator[tuple[float | None, av.VideoFrame]] = chain([first], dated)
        if self.container.format.name == "avi" and self.stream.has_b_frames:
            pairs = in_order(pairs)
        return rising(pairs, 1 / self.rate, head_s)

    def _counted(self, dated: Iterator[Dated[av.VideoFrame]]) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames of a raw stream, from 0 on: each lasts as long as its codec says, since some repeat a field."""
        time_s = 0.0
        for _, frame in dated:
            yield time_s, frame
            lasts_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
            time_s += lasts_s or 1 / self.rate

    def _decoder(self) -> Decoder[av.VideoFrame]:
        clock = JointClock.of(self.container, clock_streams(self.container, self.stream))
        return Decoder(self.container, self.stream, clock)

    def _head_s(self) -> float:
        """When the first frame is shown, if it and others have no time: as long before the first that has one."""
        with open_media(self.source) as container:
            film = Film(self.source, container, self._track)
            for number, frame in enumerate(islice(film.decoder, LONGEST_HEAD)):
                if frame.time_s is not None:
                    return frame.time_s - number / self.rate
        return 0.0


@contextmanager
def open_film(source: Source, track: int | None = None) -> Iterator[Film]:
    """The picture of a recording, of the video track with a number or of the one that a player shows.

    Raises:
        InputError: the file cannot be read, or has no such picture.
    """
    with open_media(source) as container:
        film = Film(source, container, track)
        if not untimed(container):
            yield film
            return
        rate = film.rate
    # FFmpeg counts the frames of a raw stream at 25 a second, unless it is told the rate that the codec states.
    with open_media(source, {"framerate": str(rate)}) as container:
        yield Film(source, container, track)


def starts_again(source: Source, track: int | None) -> bool:
    """Whether the time stamps of a recording start again somewhere, so that times do not tell where in the file they
    are. Reads the whole file, without decoding it, where the format allows that.
    """
    with open_media(source) as container:
        if not may_restart(container):
            return False
        video = video_stream(source, container, track) if moving_streams(container) else None
        clock = JointClock.of(container, clock_streams(container, video))
        try:
            for packet in packets_of(container):
                clock.place(packet)
        except (av.FFmpegError, OSError):
            pass  # what can be read has been
        return clock.sections > 1


def _own_rate(stream: VideoStream) -> float | None:
    rate = stream.codec_context.framerate
    return float(rate) if rate else None
