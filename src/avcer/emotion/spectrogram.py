"""The log-mel spectrogram that the mini audio model hears, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from avcer.types import Float

_LEAST_POWER = 1e-20
_NONE = np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class LogMel:
    """Constants of a log-mel spectrogram; a model card keeps them under ``spectrogram``.

    Lengths are samples, frequencies Hz. The mel scale is ``2595 log10(1 + f / 700)``. ``range_db`` below the loudest
    point everything is floor: room noise and codecs differ down there, speech does not. ``level_db`` below the mean
    power, which silence around the speech hardly moves, lies zero. The scale is fixed rather than each window's own,
    so steady noise stays as flat as it is.
    """

    sample_rate: int = 16000
    width: int = 400
    hop: int = 240
    transform: int = 512
    bands: int = 64
    low_hz: float = 50.0
    high_hz: float = 7000.0
    range_db: float = 60.0
    level_db: float = 20.0
    scale_db: float = 15.0
    frames: int = 266

    def decibels(self, samples: Float) -> Float:
        """Mono samples ``(S,)`` -> band powers ``(bands, T)`` in dB of full scale, T = 1 + (S - width) // hop."""
        samples = np.pad(samples, (0, max(self.width - len(samples), 0)))
        pieces = np.lib.stride_tricks.sliding_window_view(samples, self.width)[:: self.hop]
        window = np.hanning(self.width + 1)[:-1].astype(np.float32)
        spectra = powers(pieces * window, self.transform)
        # Not NumPy's product: its threads and those of the models wait for each other, for several milliseconds.
        power = cv2.gemm(spectra, _mel_filters(self), 1, _NONE, 0, flags=cv2.GEMM_2_T) / np.sum(window) ** 2
        decibels: Float = (10 * np.log10(np.maximum(power, _LEAST_POWER))).astype(np.float32).T
        return decibels

    def normalise(self, decibels: Float) -> Float:
        """Powers ``(bands, T)`` in dB -> input of the network ``(bands, frames)``, the same at any gain.

        Cut off ``range_db`` below the peak and set against the mean power; a shorter one ends in floor.
        """
        kept = decibels[:, : self.frames]
        kept = np.maximum(kept - kept.max(), -self.range_db)
        level = 10 * np.log10(np.mean(10 ** (0.1 * kept))) - self.level_db
        padded = np.pad(kept, ((0, 0), (0, self.frames - kept.shape[1])), constant_values=-self.range_db)
        normalised: Float = ((padded - level) / self.scale_db).astype(np.float32)
        return normalised

    def __call__(self, samples: Float) -> Float:
        """Mono samples ``(S,)`` of at most one window -> input of the network ``(bands, frames)``."""
        return self.normalise(self.decibels(samples))


def powers(frames: Float, size: int) -> Float:
    """Power spectra ``(T, size // 2 + 1)`` of real frames ``(T, n)``, n no more than ``size``, an even number.

    OpenCV transforms many short rows faster than NumPy does (benchmarks/changes.py); importing SciPy would take longer
    than it saves.
    """
    rows = cv2.dft(np.pad(frames, ((0, 0), (0, size - frames.shape[1]))), flags=cv2.DFT_ROWS)
    # A row is the real first value, real and imaginary parts in turn, and the real last one.
    squares: Float = np.square(rows)
    return np.concatenate([squares[:, :1], squares[:, 1:-1:2] + squares[:, 2:-1:2], squares[:, -1:]], axis=1)


def _mel(frequency_hz: float) -> float:
    return float(2595 * np.log10(1 + frequency_hz / 700))


@cache
def _mel_filters(settings: LogMel) -> Float:
    """Triangles of equal width in mel, each adding up to one: ``(bands, transform // 2 + 1)``."""
    edges = np.linspace(_mel(settings.low_hz), _mel(settings.high_hz), settings.bands + 2)
    bins = 2595 * np.log10(1 + np.fft.rfftfreq(settings.transform, 1 / settings.sample_rate) / 700)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(np.minimum(rise, fall), 0)
    filters /= np.maximum(filters.sum(axis=1, keepdims=True), 1e-12)
    result: Float = filters.astype(np.float32)
    return result
