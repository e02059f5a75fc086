"""Resampling by a windowed sinc, in pieces, with the same result whatever their size.

The kernel is the one that the released AVCER code hears through: a sinc under a Hann window, six zero crossings to each
side, cut off at 0.99 of the lower Nyquist frequency, silence assumed beyond both ends. FFmpeg's own resampler differs
from it by 0.02 of full scale where sound begins, because it mirrors the sound there instead.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from avcer.types import Float

ZERO_CROSSINGS: Final = 6
ROLL_OFF: Final = 0.99


class Resampler:
    """From ``rate`` to ``target`` Hz: ``feed`` pieces, then ``finish``. Output sample n belongs to time n / target."""

    def __init__(self, rate: int, target: int) -> None:
        divisor = math.gcd(rate, target)
        self.rate = rate
        self._up = target // divisor
        self._down = rate // divisor
        # Zero crossings per input sample, and the input samples that one side of the kernel covers.
        crossings = min(self._up, self._down) * ROLL_OFF / self._down
        self._reach = math.ceil(ZERO_CROSSINGS / crossings) if self._up != self._down else 0
        self._weights = self._kernel(crossings)
        self._held: Float = np.zeros(self._reach, np.float32)
        self._held_from = -self._reach
        self._made = 0

    def feed(self, samples: Float) -> Float:
        """``samples (n,)`` in; out come all samples ``(m,)`` that no later input can change."""
        self._held = np.concatenate([self._held, samples])
        complete = self._held_from + len(self._held) - self._reach
        return self._make(self._outputs_before(complete))

    def finish(self) -> Float:
        """The last samples: the sound gets as long as before, rounded up to a whole sample."""
        total = self._held_from + len(self._held)
        self._held = np.concatenate([self._held, np.zeros(self._reach, np.float32)])
        return self._make(self._outputs_before(total))

    def _outputs_before(self, position: int) -> int:
        """How many output samples lie before an input position."""
        return max(self._made, -(-position * self._up // self._down))

    def _make(self, until: int) -> Float:
        outputs = np.arange(self._made, until)
        if not len(outputs):
            return np.zeros(0, np.float32)
        position, phase = np.divmod(outputs * self._down, self._up)
        first = position - self._reach - self._held_from
        taps = self._held[first[:, None] + np.arange(2 * self._reach + 1)]
        made: Float = np.einsum("ij,ij->i", taps, self._weights[phase])
        self._made = until
        self._forget(until * self._down // self._up - self._reach)
        return made

    def _forget(self, position: int) -> None:
        self._held = self._held[position - self._held_from :].copy()
        self._held_from = position

    def _kernel(self, crossings: float) -> Float:
        """``(up, 2 * reach + 1)``: the weights of the input around each of the phases that an output can have."""
        if not self._reach:
            return np.ones((1, 1), np.float32)
        offsets = np.arange(-self._reach, self._reach + 1) - np.arange(self._up)[:, None] / self._up
        x = np.clip(offsets * crossings, -ZERO_CROSSINGS, ZERO_CROSSINGS)
        hann = np.cos(x * np.pi / ZERO_CROSSINGS / 2) ** 2
        weights: Float = (np.sinc(x) * hann * crossings).astype(np.float32)
        return weights
