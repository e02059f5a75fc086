"""Windows of sound: what a model hears at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from avcer.media.assemble import SAMPLE_RATE
from avcer.types import Float

SILENCE: Final = 1e-4
"""-80 dB of full scale: above the rounding noise of lossy codecs on digital zero, below any microphone's."""


class SoundWindow(NamedTuple):
    """What a model hears at once: samples ``(n,)`` from ``start_s`` on; the last windows of a clip are shorter."""

    start_s: float
    samples: Float

    @property
    def end_s(self) -> float:
        """Where its sound ends."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


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
