"""Sound put together: decoded pieces in, mono at 16 kHz on one clock out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from avcer.media.mono import mono
from avcer.media.resample import Resampler
from avcer.types import Float

SAMPLE_RATE: Final = 16_000

BLOCK: Final = SAMPLE_RATE // 2
"""Least samples in a block, but for the last: half a second."""

JITTER_S: Final = 0.02
"""Time stamps are rounded, and drift by up to a codec frame: less than this is neither a hole nor an overlap."""

RESTART_S: Final = 1.0
"""Time stamps that go back by more than this have started again; the sound just goes on."""


class SoundBlock(NamedTuple):
    """Consecutive samples ``(n,)``; sample k is heard at ``start_s + k / 16000``."""

    start_s: float
    samples: Float


class Assembler:
    """Decoded pieces of sound in, blocks of mono at 16 kHz out that follow each other without a hole.

    ``start_s``: when its first sample is heard, None before it is known; ``end_s``: where the last block ends;
    ``cancelled``: whether channels of opposite phase were met, of which the strongest was taken.

    Args:
        begin_s: leave out what is heard before.
        until_s: leave out what is heard from here on.
    """

    def __init__(self, begin_s: float = -float("inf"), until_s: float = float("inf")) -> None:
        self.start_s: float | None = None
        self.end_s: float | None = None
        self.cancelled = False
        self._begin_s, self._until_s = begin_s, until_s
        self._clock_s: float | None = None
        self._gathered: list[Float] = []
        self._rate = 0
        self._resampler: Resampler | None = None
        self._waiting: list[Float] = []
        self._given = 0

    def feed(self, time_s: float | None, rate: int, channels: Float) -> Iterator[SoundBlock]:
        """The next piece, ``(channels, n)`` at ``rate``, from ``time_s`` on where that is known. Holes before it are
        zeros, and what overlaps the sound before it is dropped.
        """
        if self._clock_s is None:
            self._clock_s = time_s or 0.0
        late_s = 0.0 if time_s is None else time_s - self._clock_s
        if late_s >= JITTER_S:
            missing = round(late_s * rate)
            for begin in range(0, missing, rate):
                yield from self._take(rate, np.zeros((len(channels), min(rate, missing - begin)), np.float32))
        elif -RESTART_S < late_s <= -JITTER_S:
            channels = channels[:, round(-late_s * rate) :]
        yield from self._take(rate, channels)

    def finish(self) -> Iterator[SoundBlock]:
        """What is left."""
        yield from self._mixed()
        if self._resampler is not None:
            yield from self._made(np.clip(self._resampler.finish(), -1, 1))
        if any(map(len, self._waiting)):
            yield self._block()

    def _take(self, rate: int, channels: Float) -> Iterator[SoundBlock]:
        """Sound that follows the sound before it; what lies outside the span is dropped."""
        begins_s = self._clock_s or 0.0
        self._clock_s = begins_s + channels.shape[1] / rate
        if self._clock_s <= self._begin_s or begins_s >= self._until_s:
            return
        if self._clock_s > self._until_s:
            channels = channels[:, : round((self._until_s - begins_s) * rate)]
        if begins_s < self._begin_s:
            before = round((self._begin_s - begins_s) * rate)
            channels, begins_s = channels[:, before:], begins_s + before / rate
        if not channels.shape[1]:
            return
        self.start_s = begins_s if self.start_s is None else self.start_s
        if self._gathered and (rate != self._rate or len(channels) != len(self._gathered[0])):
            yield from self._mixed()
        self._rate = rate
        self._gathered.append(channels)
        # A codec's frames are so short that resampling each one costs more than its samples do.
        if sum(one.shape[1] for one in self._gathered) >= rate * BLOCK / SAMPLE_RATE:
            yield from self._mixed()

    def _mixed(self) -> Iterator[SoundBlock]:
        """Half a second of channels as one."""
        if not self._gathered:
            return
        samples, cancelled = mono(np.concatenate(self._gathered, axis=1))
        self._gathered = []
        self.cancelled = self.cancelled or cancelled
        if self._resampler is None or self._resampler.rate != self._rate:
            if self._resampler is not None:
                yield from self._made(np.clip(self._resampler.finish(), -1, 1))
            self._resampler = Resampler(self._rate, SAMPLE_RATE)
        yield from self._made(np.clip(self._resampler.feed(samples), -1, 1))

    def _made(self, samples: Float) -> Iterator[SoundBlock]:
        self._waiting.append(samples)
        if sum(map(len, self._waiting)) >= BLOCK:
            yield self._block()

    def _block(self) -> SoundBlock:
        samples = np.concatenate(self._waiting)
        self._waiting = []
        start_s = (self.start_s or 0.0) + self._given / SAMPLE_RATE
        self._given += len(samples)
        self.end_s = start_s + len(samples) / SAMPLE_RATE
        return SoundBlock(start_s, samples)
