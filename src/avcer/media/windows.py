"""Windows of sound: what the audio model hears at once, cut from blocks as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from avcer.media.assemble import JITTER_S, SAMPLE_RATE
from avcer.types import Float

SILENCE: Final = 1e-4
"""-80 dB of full scale: above the rounding noise of lossy codecs on digital zero, below any microphone's."""


LONGEST_FILLED: Final = 60 * SAMPLE_RATE


class SoundWindow(NamedTuple):
    """What a model hears at once: samples ``(n,)`` from ``start_s`` on; the last windows of a clip are shorter."""

    start_s: float
    samples: Float

    @property
    def end_s(self) -> float:
        """Where its sound ends."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


class WindowCutter:
    """Overlapping windows, one every ``step_s`` from the first sample on while there is sound.

    The defaults are those of AVCER. Windows near the end hold what is left, so they get shorter: a sound of 80,896
    samples has windows at 0, 8000, ..., 80000. No more than a window and a block is held at a time.

    Raises:
        ValueError: the step is not positive, or longer than the window.
    """

    def __init__(self, length_s: float = 4.0, step_s: float = 0.5) -> None:
        self._length, self._step = round(length_s * SAMPLE_RATE), round(step_s * SAMPLE_RATE)
        if not 0 < self._step <= self._length:
            raise ValueError(f"windows of {length_s} s every {step_s} s: the step must be positive, within the window")
        self._first_s: float | None = None
        self._begin = 0
        self._held: Float = np.zeros(0, np.float32)

    @property
    def end_s(self) -> float | None:
        """Where the sound so far ends; None before the first block."""
        if self._first_s is None:
            return None
        return self._first_s + (self._begin + len(self._held)) / SAMPLE_RATE

    def feed(self, start_s: float, samples: Float) -> Iterator[SoundWindow]:
        """Takes the next block, mono at 16 kHz; yields the windows that it completes.

        A hole between two blocks is filled with zeros, and what overlaps the block before is dropped; differences
        below 20 ms are neither. Of a hole of more than a minute, as after a computer slept, the windows of nothing but
        zeros are left out.
        """
        end_s = self.end_s
        if end_s is None:
            self._first_s = start_s
        elif start_s - end_s > JITTER_S:
            yield from self._fill(round((start_s - end_s) * SAMPLE_RATE))
        elif end_s - start_s > JITTER_S:
            samples = samples[round((end_s - start_s) * SAMPLE_RATE) :]
        yield from self._take(samples)

    def finish(self) -> Iterator[SoundWindow]:
        """Yields the windows that the end of the sound makes shorter."""
        while len(self._held):
            yield self._window()

    def _fill(self, zeros: int) -> Iterator[SoundWindow]:
        yield from self._zeros(min(zeros, self._length))
        rest = max(zeros - self._length, 0)  # what is held now is nothing but zeros
        skipped = max(rest - LONGEST_FILLED, 0) // self._step * self._step
        self._begin += skipped
        yield from self._zeros(rest - skipped)

    def _zeros(self, count: int) -> Iterator[SoundWindow]:
        for start in range(0, count, self._length):
            yield from self._take(np.zeros(min(self._length, count - start), np.float32))

    def _take(self, samples: Float) -> Iterator[SoundWindow]:
        self._held = np.concatenate([self._held, samples])
        while len(self._held) >= self._length:
            yield self._window()

    def _window(self) -> SoundWindow:
        window = SoundWindow((self._first_s or 0.0) + self._begin / SAMPLE_RATE, self._held[: self._length])
        self._begin, self._held = self._begin + self._step, self._held[self._step :]
        return window


def windows(blocks: Iterable[tuple[float, Float]], length_s: float = 4.0, step_s: float = 0.5) -> Iterator[SoundWindow]:
    """The windows of a whole sound, given as blocks of a start in seconds and samples ``(n,)``; see ``WindowCutter``.

    Raises:
        ValueError: the step is not positive, or longer than the window.
    """
    cutter = WindowCutter(length_s, step_s)
    for start_s, samples in blocks:
        yield from cutter.feed(start_s, samples)
    yield from cutter.finish()


def is_silent(samples: Float) -> bool:
    """Whether it is digital silence: no sample ``(n,)`` above -80 dB of full scale. A quiet room is louder."""
    return not len(samples) or float(np.abs(samples).max()) < SILENCE
