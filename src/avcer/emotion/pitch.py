"""Pitch and voicing of a voice, frame by frame, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from avcer.emotion.spectrogram import powers
from avcer.types import Float


@dataclass(frozen=True)
class PitchTracker:
    """The strongest period of each frame, by the normalised autocorrelation (Boersma, 1993).

    Lengths are samples. A model card keeps these constants under ``pitch``. ``octave_cost`` is taken off a candidate's
    strength for each octave below ``highest_hz``, since twice the true period fits just as well as the period.
    """

    sample_rate: int = 16000
    width: int = 640
    hop: int = 240
    spectrogram_width: int = 400
    lowest_hz: float = 60.0
    highest_hz: float = 500.0
    octave_cost: float = 0.02

    def __call__(self, samples: Float) -> tuple[Float, Float]:
        """Mono samples ``(S,)`` -> octaves above 100 Hz ``(T,)`` and strength ``(T,)``, 0 to 1: near 1 for a voice.

        The frames are those of a spectrogram with the same hop: T = 1 + (S - spectrogram_width) // hop.
        """
        correlation = self._autocorrelation(self._frames(samples))
        shortest = int(self.sample_rate / self.highest_hz)
        lags = np.arange(shortest, int(self.sample_rate / self.lowest_hz) + 1)
        costs = self.octave_cost * np.log2(lags / shortest)
        rows = np.arange(len(correlation))
        best = lags[(correlation[:, lags] - costs).argmax(axis=1)]
        before, peak, after = (correlation[rows, best + step] for step in (-1, 0, 1))
        # The top of the parabola through the three values.
        bend = np.minimum(before - 2 * peak + after, -1e-9)
        period = best + np.clip((before - after) / (2 * bend), -0.5, 0.5)
        octaves = np.log2(self.sample_rate / period / 100)
        return octaves.astype(np.float32), np.clip(peak, 0, 1).astype(np.float32)

    def _frames(self, samples: Float) -> Float:
        edge = (self.width - self.spectrogram_width) // 2
        missing = max(self.spectrogram_width - len(samples), 0)
        padded = np.pad(samples, (edge, edge + missing))
        frames: Float = np.lib.stride_tricks.sliding_window_view(padded, self.width)[:: self.hop]
        centred: Float = frames - frames.mean(axis=1, keepdims=True)
        return centred

    def _autocorrelation(self, frames: Float) -> Float:
        """``(T, lags)``, divided by that of the window, so that a steady tone gives 1 at each of its periods."""
        size = 1 << int(self.width + self.sample_rate / self.lowest_hz).bit_length()
        window = np.hanning(self.width).astype(np.float32)
        of_frames, of_window = (_autocorrelated(part, size) for part in (frames * window, window[np.newaxis]))
        relative = of_frames / np.maximum(of_frames[:, :1], 1e-12)
        correlation: Float = relative / np.maximum(of_window / of_window[:, :1], 1e-3)
        return correlation


def _autocorrelated(frames: Float, size: int) -> Float:
    """Sums of products ``(T, size // 2)`` of frames with themselves, shifted: the spectrum of the power spectra, which
    are even, so that only real parts are left (Wiener and Khinchin).
    """
    power = powers(frames, size)
    even = np.concatenate([power, power[:, -2:0:-1]], axis=1)
    rows = cv2.dft(even, flags=cv2.DFT_ROWS | cv2.DFT_SCALE)
    return np.concatenate([rows[:, :1], rows[:, 1:-1:2]], axis=1)
