"""Whether a sound is speech, by its pitch: a voice that speaks glides and pauses, notes hold, noise has none.

Three shares of a window's frames of 15 ms, all from the pitch tracker of the mini audio model, and four numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avcer.emotion.pitch import PitchTracker
from avcer.media import SAMPLE_RATE, SoundWindow
from avcer.types import Double, Float

VOICED: Final = 0.6
"""A frame is voiced whose pitch is as strong as that."""
HELD: Final = 0.004
GLIDES: Final = 0.08
"""Octaves from one frame to the next: less, and a note is held; more, and it is no glide but a leap."""
WEIGHTS: Final = (3.86, -2.43, 21.94)
BIAS: Final = -5.57
"""Of the shares that glide and are held, and of the spread of voicing, in the logarithm of the odds. Fitted to
speech of six corpora, music and noises, each kind counting alike, before there was a benchmark of it: no script makes
these very numbers. ``benchmarks/speech.py`` judges them, and prints those that its own windows give beside them.
"""


class SpeechMeter:
    """Of windows of sound that come in the order of time and overlap: what was heard before is not looked at again."""

    def __init__(self) -> None:
        self._pitch = PitchTracker()
        self._end_s = -np.inf
        self._octaves: Float = np.zeros(0, np.float32)
        self._strengths: Float = np.zeros(0, np.float32)

    def __call__(self, window: SoundWindow) -> float:
        """How likely the window holds speech."""
        new = round(max(window.end_s - max(self._end_s, window.start_s), 0.0) * SAMPLE_RATE)
        if self._end_s < window.start_s:
            self._octaves, self._strengths = self._octaves[:0], self._strengths[:0]
        if new:
            # A frame reaches back over the seam, so that none is missing there.
            reach = self._pitch.spectrogram_width - self._pitch.hop
            octaves, strengths = self._pitch(window.samples[-min(new + reach, len(window.samples)) :])
            self._octaves = np.concatenate([self._octaves, octaves])
            self._strengths = np.concatenate([self._strengths, strengths])
            self._end_s = window.end_s
        kept = max(len(window.samples) // self._pitch.hop, 1)
        self._octaves, self._strengths = self._octaves[-kept:], self._strengths[-kept:]
        return chance(shares(self._octaves, self._strengths))


def shares(octaves: Float, strengths: Float) -> Double:
    """``(3,)``: of the neighbouring voiced frames those that glide and those that are held, and the spread of voicing,
    of pitch ``(T,)`` and its strength ``(T,)`` as ``PitchTracker`` gives them.
    """
    voiced = strengths > VOICED
    steps = np.abs(np.diff(octaves))[voiced[1:] & voiced[:-1]]
    if len(steps) < _FEW:
        return np.array([0.0, 0.0, strengths.std()])
    return np.array([np.mean((steps > HELD) & (steps < GLIDES)), np.mean(steps < HELD), strengths.std()])


_FEW: Final = 6


def chance(parts: Double) -> float:
    """How likely it is speech, of ``shares``."""
    return float(1 / (1 + np.exp(-(BIAS + parts @ np.array(WEIGHTS)))))
