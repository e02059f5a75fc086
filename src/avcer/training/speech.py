"""Labelled speech as training examples: recordings varied as microphones, rooms and codecs would, and non-speech.

Everything that differs between the sets but says nothing of the emotion is varied, on the samples themselves. Random
numbers come from one generator, so the same examples can be made again.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy import fft, signal

from avcer.emotion.waveform import WINDOW
from avcer.media import SAMPLE_RATE
from avcer.types import Double, Float

MU: Final = 255.0
"""Of the mu-law (ITU-T G.711)."""


class Variation:
    """Makes another recording of one: each change with the probability, and within the range, that the recipe's table
    ``variation`` gives.
    """

    def __init__(self, options: dict[str, Any], seed: int) -> None:
        self.options = options
        self.random = np.random.default_rng(seed)

    def __call__(self, samples: Float) -> Float:
        """Mono samples ``(S,)`` -> at most four seconds ``(T,)``."""
        samples = self._cut(self._faster(samples))
        samples = self._filtered(samples)
        if self._chosen("room"):
            samples = self._in_a_room(samples)
        if self._chosen("noise"):
            samples = self._noisy(samples)
        if self._chosen("coarse"):
            samples = _mu_law(samples, self.random.integers(self.options["fewest_bits"], 9))
        if self._chosen("late"):
            samples = self._late(samples)
        varied: Float = samples.astype(np.float32)
        return varied

    def _chosen(self, name: str) -> bool:
        return bool(self.random.random() < self.options[name])

    def _spread(self, name: str) -> float:
        return float(self.random.uniform(-1, 1) * self.options[name])

    def _faster(self, samples: Float) -> Float:
        """Faster and higher, or slower and lower, as a tape would be."""
        faster: Float = signal.resample(samples, max(round(len(samples) / np.exp(self._spread("speed"))), 1))
        return faster

    def _cut(self, samples: Float) -> Float:
        """Four seconds from anywhere; of some recordings less."""
        length = min(len(samples), WINDOW)
        if not self._chosen("whole"):
            shortest = min(int(self.options["shortest_s"] * SAMPLE_RATE), length)
            length = int(self.random.integers(shortest, length + 1))
        start = int(self.random.integers(0, len(samples) - length + 1))
        return samples[start : start + length]

    def _filtered(self, samples: Float) -> Float:
        """Another microphone: a tilt, a wave over the spectrum, a low and a high cut-off."""
        spectrum = fft.rfft(samples)
        octaves = np.log2(np.maximum(fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), 20) / 1000)
        gain_db = self._spread("tilt_db") * octaves
        wave = np.sin(self.random.uniform(0, 2 * np.pi) + self.random.uniform(0.5, 2) * octaves)
        gain_db += self._spread("wave_db") * wave
        if self._chosen("low_pass"):
            highest = np.log2(self.random.uniform(self.options["lowest_cutoff_hz"], 7500) / 1000)
            gain_db -= 90 * np.maximum(octaves - highest, 0)
        if self._chosen("high_pass"):
            gain_db -= 24 * np.maximum(np.log2(self.random.uniform(80, 300) / 1000) - octaves, 0)
        filtered: Float = fft.irfft(spectrum * 10 ** (gain_db / 20), len(samples))
        return filtered

    def _in_a_room(self, samples: Float) -> Float:
        """An exponentially decaying echo: T60 from 0.15 to 0.8 seconds, 3 to 18 dB below."""
        t60_s = self.random.uniform(0.15, 0.8)
        times = np.arange(int(t60_s * SAMPLE_RATE)) / SAMPLE_RATE
        echo = self.random.standard_normal(len(times)) * 10 ** (-3 * times / t60_s)
        echo *= 10 ** (-self.random.uniform(3, 18) / 20) / np.linalg.norm(echo)
        echo[0] = 1.0
        wet: Float = signal.fftconvolve(samples, echo)[: len(samples)]
        return wet

    def _noisy(self, samples: Float) -> Float:
        """Steady noise of any colour, from ``least_snr_db`` to 30 dB more below the mean power."""
        slope = self.random.uniform(-1.2, 0.3)
        spectrum = fft.rfft(self.random.standard_normal(len(samples)))
        noise = fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 20) ** slope, len(samples))
        level = 10 ** (-(self.options["least_snr_db"] + self.random.uniform(0, 30)) / 20)
        scale = np.sqrt(np.mean(np.square(samples)) / max(float(np.mean(np.square(noise))), 1e-20))
        noisy: Float = samples + level * scale * noise
        return noisy

    def _late(self, samples: Float) -> Float:
        """Begins after the window does."""
        room = WINDOW - len(samples)
        return np.pad(samples, (int(self.random.integers(0, room + 1)), 0)) if room > 0 else samples


def _mu_law(samples: Float, bits: int) -> Float:
    """As coarse as a telephone's codec, or coarser: ``bits`` a sample, finer where the sound is faint."""
    peak = max(float(np.abs(samples).max()), 1e-9)
    pressed = np.sign(samples) * np.log1p(MU * np.abs(samples) / peak) / np.log1p(MU)
    steps = 2.0 ** (bits - 1)
    coarse = np.round(pressed * steps) / steps
    restored: Float = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(MU)) / MU * peak
    return restored


def speechless(count: int, seed: int) -> list[Float]:
    """Sounds without speech, four seconds each: noises, hum, tones, chords, beats. Their target is an even guess."""
    random = np.random.default_rng(seed)
    makers = (_coloured_noise, _tones, _beats)
    times = np.arange(WINDOW) / SAMPLE_RATE
    return [makers[index % len(makers)](random, times).astype(np.float32) for index in range(count)]


def _coloured_noise(random: np.random.Generator, times: Double) -> Double:
    spectrum = np.fft.rfft(random.standard_normal(len(times)))
    slope = random.uniform(-1.5, 0.5)
    coloured: Double = np.fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 20) ** slope, len(times))
    swell = 1 + random.uniform(0, 0.9) * np.sin(2 * np.pi * (random.uniform(0.1, 3) * times + random.random()))
    return coloured * swell


def _tones(random: np.random.Generator, times: Double) -> Double:
    """A chord or a row of notes, with overtones; one note held throughout is a hum."""
    total = np.zeros_like(times)
    note_s = random.choice([0.25, 0.5, 1.0, 4.5])
    for start in np.arange(0, times[-1], note_s):
        since = times - start
        sounding = (since >= 0) & (since < note_s)
        fade = np.minimum(since / 0.02, 1) * np.exp(-np.maximum(since, 0) * random.uniform(0, 3))
        for pitch in 2 ** random.uniform(5.6, 9.5) * 2 ** (random.choice([0, 3, 4, 7, 12], random.integers(1, 4)) / 12):
            overtones = range(1, int(random.integers(2, 12)))
            voice = sum(np.sin(2 * np.pi * pitch * k * since) / k ** random.uniform(0.8, 2) for k in overtones)
            total += np.where(sounding, fade * voice, 0)
    return total + 1e-3 * random.standard_normal(len(times))


def _beats(random: np.random.Generator, times: Double) -> Double:
    """Short bursts of noise in a regular beat over a faint ground."""
    since = np.mod(times + random.random(), random.uniform(0.12, 0.8))
    envelope = np.exp(-since / random.uniform(0.005, 0.08))
    return (envelope + random.uniform(0, 0.05)) * _coloured_noise(random, times)
