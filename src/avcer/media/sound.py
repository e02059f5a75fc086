"""Sound: mono, 16 kHz, float32 in [-1, 1], on the video's clock, in pieces; and the windows cut from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np

from avcer.media.container import Decoder, audio_stream, open_media
from avcer.media.resample import Resampler
from avcer.types import Float

SAMPLE_RATE: Final = 16_000

BLOCK: Final = SAMPLE_RATE // 2
"""Least samples in a block, but for the last: half a second."""

JITTER_S: Final = 0.02
"""Time stamps are rounded, and drift by up to a codec frame: less than this is neither a hole nor an overlap."""

RESTART_S: Final = 1.0
"""Time stamps that go back by more than this have started again; the sound just goes on."""

SILENCE: Final = 1e-4
"""-80 dB of full scale: above the rounding noise of lossy codecs on digital zero, below any microphone's."""


class SoundBlock(NamedTuple):
    """Consecutive samples ``(n,)``; sample k is heard at ``start_s + k / 16000``."""

    start_s: float
    samples: Float


class SoundWindow(NamedTuple):
    """What a model hears at once: samples ``(n,)`` from ``start_s`` on; the last windows of a clip are shorter."""

    start_s: float
    samples: Float

    @property
    def end_s(self) -> float:
        """Where its sound ends."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


def open_sound(path: str | PathLike[str]) -> Sound | None:
    """The clip's sound, or None where it has none or none that can be decoded.

    Raises:
        InputError: the file itself cannot be read.
    """
    with open_media(Path(path)) as container:
        stream = audio_stream(container)
        if stream is None or next(iter(Decoder[av.AudioFrame](container, stream)), None) is None:
            return None
    return Sound(path)


class Sound:
    """Iterates over a clip's sound in blocks that follow each other without a hole, decoding as the caller consumes.

    Holes in the recording are zeros, overlaps are dropped, channels are averaged. Each iteration starts at the
    beginning. ``start_s`` is known from the first block on; ``end_s`` and ``damaged`` (packets that could not be
    decoded, frames marked as distorted) keep up with the iteration.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.start_s: float | None = None
        self.end_s: float | None = None
        self.damaged = 0

    def __iter__(self) -> Iterator[SoundBlock]:
        """Blocks of at least half a second; nothing before the first sample of the recording or after its last."""
        self.start_s, self.end_s, self.damaged = None, None, 0
        given, waiting = 0, 0
        pieces: list[Float] = []
        for piece in self._resampled():
            pieces.append(piece)
            waiting += len(piece)
            if waiting >= BLOCK:
                yield self._block(given, pieces)
                given, waiting, pieces = given + waiting, 0, []
        if waiting:
            yield self._block(given, pieces)

    def _block(self, given: int, pieces: list[Float]) -> SoundBlock:
        start_s = (self.start_s or 0.0) + given / SAMPLE_RATE
        samples = np.concatenate(pieces)
        self.end_s = start_s + len(samples) / SAMPLE_RATE
        return SoundBlock(start_s, samples)

    def _resampled(self) -> Iterator[Float]:
        resampler: Resampler | None = None
        for rate, samples in _gathered(self._contiguous()):
            if resampler is None or resampler.rate != rate:
                if resampler is not None:
                    yield resampler.finish()
                resampler = Resampler(rate, SAMPLE_RATE)
            yield np.clip(resampler.feed(samples), -1, 1)
        if resampler is not None:
            yield np.clip(resampler.finish(), -1, 1)

    def _contiguous(self) -> Iterator[tuple[int, Float]]:
        """``(rate, samples)`` at the recording's own rate, placed by their time stamps."""
        with open_media(self.path) as container:
            stream = audio_stream(container)
            if stream is None:
                return
            decoder = Decoder[av.AudioFrame](container, stream)
            clock_s: float | None = None
            for frame in decoder:
                self.damaged = decoder.damaged
                rate, samples = frame.sample_rate, _mono(frame)
                if clock_s is None:
                    clock_s = self.start_s = frame.time or 0.0
                late_s = 0.0 if frame.time is None else frame.time - clock_s
                if late_s >= JITTER_S:
                    yield from ((rate, zeros) for zeros in _zeros(round(late_s * rate), rate))
                    clock_s += round(late_s * rate) / rate
                elif -RESTART_S < late_s <= -JITTER_S:
                    samples = samples[round(-late_s * rate) :]
                clock_s += len(samples) / rate
                yield rate, samples
            self.damaged = decoder.damaged


def _gathered(pieces: Iterable[tuple[int, Float]]) -> Iterator[tuple[int, Float]]:
    """The same samples in pieces of half a second at least, except before the rate changes and at the end: a codec's
    frames are so short that resampling each one costs more than its samples do.
    """
    for rate, same in groupby(pieces, key=itemgetter(0)):
        waiting: list[Float] = []
        for _, samples in same:
            waiting.append(samples)
            if sum(map(len, waiting)) >= rate * BLOCK / SAMPLE_RATE:
                yield rate, np.concatenate(waiting)
                waiting = []
        if waiting:
            yield rate, np.concatenate(waiting)


def _zeros(count: int, at_most: int) -> Iterator[Float]:
    for start in range(0, count, at_most):
        yield np.zeros(min(at_most, count - start), np.float32)


def _mono(frame: av.AudioFrame) -> Float:
    """The mean of the channels, ``(n,)``, full scale 1; what a broken stream made infinite or no number is 0."""
    stored = frame.to_ndarray()
    channels = stored if frame.format.is_planar else stored.reshape(-1, frame.layout.nb_channels).T
    if channels.dtype == np.uint8:
        samples = (channels.astype(np.float32) - 128) / 128
    elif np.issubdtype(channels.dtype, np.integer):
        samples = channels.astype(np.float32) / 2 ** (8 * frame.format.bytes - 1)
    else:
        samples = channels.astype(np.float32)
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0, neginf=0)
    mono: Float = np.clip(samples, -1, 1).mean(axis=0, dtype=np.float32)
    return mono


def windows(blocks: Iterable[tuple[float, Float]], length_s: float = 4.0, step_s: float = 0.5) -> Iterator[SoundWindow]:
    """Overlapping windows, one every ``step_s`` from the first sample on while there is sound.

    The defaults are those of AVCER. Windows near the end hold what is left, so they get shorter: a sound of 80,896
    samples has windows at 0, 8000, ..., 80000. No more than a window and a block is held at a time.

    Raises:
        ValueError: the step is not positive, or longer than the window.
    """
    length, step = round(length_s * SAMPLE_RATE), round(step_s * SAMPLE_RATE)
    if not 0 < step <= length:
        raise ValueError(f"windows of {length_s} s every {step_s} s: the step must be positive, within the window")
    start_s: float | None = None
    begin = 0
    held: Float = np.zeros(0, np.float32)
    for block_s, samples in blocks:
        start_s = block_s if start_s is None else start_s
        held = np.concatenate([held, samples])
        while len(held) >= length:
            yield SoundWindow(start_s + begin / SAMPLE_RATE, held[:length])
            begin, held = begin + step, held[step:]
    while start_s is not None and len(held):
        yield SoundWindow(start_s + begin / SAMPLE_RATE, held)
        begin, held = begin + step, held[step:]


def is_silent(samples: Float) -> bool:
    """Whether it is digital silence: no sample ``(n,)`` above -80 dB of full scale. A quiet room is louder."""
    return not len(samples) or float(np.abs(samples).max()) < SILENCE
