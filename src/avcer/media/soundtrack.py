"""The sound of a recording for another file: its packets as they are where MP4 can hold them, else as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from typing import Any, Final

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from avcer.media.assemble import JITTER_S
from avcer.media.container import Decoder, open_media
from avcer.media.restarts import JointClock
from avcer.media.sound import Sound
from avcer.media.tracks import clock_streams, moving_streams, video_stream
from avcer.types import Float

COPIED: Final = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
"""Codecs that players expect in an MP4 file."""
LEAST_RATE: Final = 16_000
"""Of MP3 in MP4; slower sound is coded anew."""
AAC_RATES: Final = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
BIT_RATE: Final = 128_000
AT_ONCE: Final = 1 << 16
"""Samples of silence that are made at a time."""


class Soundtrack:
    """The sound that an analysis heard, on the clock of the pictures, with ``zero_s`` at 0; see ``filming.Track``."""

    def __init__(self, container: InputContainer, sound: Sound, zero_s: float, span_s: tuple[float, float]) -> None:
        self._container = container
        self._sound = sound
        self._zero_s, self._span_s = zero_s, span_s
        stream = container.streams[sound.index]
        assert isinstance(stream, AudioStream)
        self._stream = stream
        self._packets: Iterator[tuple[float, Packet[Any]]] = iter(())
        self._next: tuple[float, Packet[Any]] | None = None

    def attach(self, container: OutputContainer) -> None:
        """See ``filming.Track``."""
        codec = self._stream.codec_context
        name = codec.codec.canonical_name  # the name of its decoder differs: mp3float
        if name in COPIED and (name != "mp3" or codec.sample_rate >= LEAST_RATE):
            self._packets = self._copied(container.add_stream_from_template(self._stream))
            return
        rate = codec.sample_rate if codec.sample_rate in AAC_RATES else AAC_RATES[-1]
        layout = "mono" if codec.layout.nb_channels == 1 else "stereo"
        self._packets = self._coded(container.add_stream("aac", rate=rate, layout=layout, bit_rate=BIT_RATE))

    def packets(self, until_s: float) -> Iterator[Packet[Any]]:
        """See ``filming.Track``."""
        while (one := self._next or next(self._packets, None)) is not None:
            if one[0] > until_s:
                self._next = one
                return
            self._next = None
            yield one[1]

    def _clock(self) -> tuple[list[Any], JointClock]:
        moving = moving_streams(self._container)
        video = video_stream(self._sound.source, self._container, self._sound.video_track) if moving else None
        streams = clock_streams(self._container, video, self._stream)
        return streams, JointClock.of(self._container, streams)

    def _copied(self, out: AudioStream) -> Iterator[tuple[float, Packet[Any]]]:
        streams, clock = self._clock()
        try:
            for packet in self._container.demux(streams):
                clock.place(packet)
                if packet.stream_index != self._stream.index or packet.pts is None or not packet.size:
                    continue
                tick_s = clock.tick_s(packet)
                time_s, shift = packet.pts * tick_s, round(self._zero_s / tick_s)
                if self._span_s[0] <= time_s < self._span_s[1]:
                    packet.pts, packet.dts = packet.pts - shift, packet.pts - shift
                    packet.stream = out
                    yield time_s - self._zero_s, packet
        except (av.FFmpegError, OSError):
            return  # what can be read has been

    def _coded(self, out: AudioStream) -> Iterator[tuple[float, Packet[Any]]]:
        rate, layout = out.rate, "mono" if out.layout.nb_channels == 1 else "stereo"
        for start, samples in chain(self._pieces(rate, layout), [(0, None)]):
            frame = None
            if samples is not None:
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for packet in out.encode(frame):
                yield float((packet.pts or 0) * packet.time_base), packet

    def _pieces(self, rate: int, layout: str) -> Iterator[tuple[int, Float]]:
        """Samples ``(channels, n)`` that follow each other, and the number of the first; holes are silence."""
        at: int | None = None
        for time_s, samples in self._resampled(rate, layout):
            wanted = None if time_s is None else round((time_s - self._zero_s) * rate)
            if at is None:
                at = wanted or 0
            late = 0 if wanted is None else wanted - at
            if late >= JITTER_S * rate:
                for begin in range(0, late, AT_ONCE):
                    yield at + begin, np.zeros((len(samples), min(AT_ONCE, late - begin)), np.float32)
                at += late
            elif late <= -JITTER_S * rate:
                samples = np.ascontiguousarray(samples[:, -late:])
            if samples.shape[1]:
                yield at, samples
                at += samples.shape[1]

    def _resampled(self, rate: int, layout: str) -> Iterator[tuple[float | None, Float]]:
        resamplers: dict[tuple[str, str, int], AudioResampler] = {}
        _, clock = self._clock()
        for time_s, frame in Decoder[av.AudioFrame](self._container, self._stream, clock):
            if time_s is not None and not self._span_s[0] <= time_s < self._span_s[1]:
                continue
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            resampler = resamplers.setdefault(kind, AudioResampler("fltp", layout, rate))
            frame.pts = None
            for made in resampler.resample(frame):
                yield time_s, made.to_ndarray().astype(np.float32, copy=False)
                time_s = None


@contextmanager
def soundtrack(sound: Sound | None, zero_s: float, span_s: tuple[float, float]) -> Iterator[Soundtrack | None]:
    """The sound, open for the block.

    Args:
        sound: which, None for none.
        zero_s: the time of the recording that becomes 0.
        span_s: the times of the recording from which and up to which it is meant.

    Raises:
        InputError: the recording cannot be read.
    """
    if sound is None:
        yield None
        return
    with open_media(sound.source) as container:
        yield Soundtrack(container, sound, zero_s, span_s)
