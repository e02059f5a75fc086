"""Labelled speech as training batches: spectrograms, soft targets, and augmentation that works on whole batches.

Everything that differs between the sets but says nothing of the emotion is varied: length, bandwidth, colour, noise,
room, level of detail. It is done on band powers, where noise and echoes add up, so a batch takes milliseconds.
Random numbers come from one generator, so an epoch can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from avcer.emotion.spectrogram import LogMel
from avcer.types import Boolean, Double, Float

LONGEST: Final = 347
"""Frames kept of a recording: 5.2 seconds; of a longer one, its middle."""
ECHO: Final = 94
"""Frames of the longest echo."""
QUIET_DB: Final = -120.0
"""Stands for no power at all, relative to the loudest point of a recording."""


@dataclass(frozen=True)
class Sounds:
    """N sounds ready to be augmented: ``decibels (N, bands, LONGEST)`` below each one's peak; ``lengths (N,)`` in
    frames; ``targets (N, 7)`` add up to 1; ``possible (N, 7)`` marks the classes that the sound's set has at all;
    ``chances (N,)`` add up to 1.
    """

    decibels: Float
    lengths: Double
    targets: Float
    possible: Boolean
    chances: Double


def stack(recordings: list[Float], settings: LogMel) -> tuple[Float, Double]:
    """Recordings as ``decibels`` and ``lengths`` of ``Sounds``."""
    decibels = np.full((len(recordings), settings.bands, LONGEST), QUIET_DB, np.float32)
    lengths = np.empty(len(recordings))
    for index, recording in enumerate(recordings):
        whole = settings.decibels(recording)
        surplus = max(whole.shape[1] - LONGEST, 0)
        kept = whole[:, surplus // 2 : surplus // 2 + LONGEST]
        decibels[index, :, : kept.shape[1]] = np.maximum(kept - kept.max(), QUIET_DB)
        lengths[index] = kept.shape[1]
    return decibels, lengths


class Augmentation:
    """Varies a batch of spectrograms and makes the network's input of it.

    ``options`` are the ranges and probabilities of the recipe's table ``augmentation``.
    """

    def __init__(self, settings: LogMel, options: dict[str, Any], seed: int) -> None:
        self.settings, self.options = settings, options
        self.random = torch.Generator().manual_seed(seed)
        self.octaves = torch.from_numpy(np.log2(settings.centres_hz() / 1000)).float()

    def __call__(self, decibels: Tensor, lengths: Tensor) -> Tensor:
        """``decibels (N, bands, LONGEST)``, ``lengths (N,)`` -> ``(N, bands, frames)``."""
        decibels, heard = self._cut(decibels, lengths)
        power = torch.pow(10, 0.1 * (decibels + self._colour(len(decibels))))
        self._room(power)
        self._noise(power)
        decibels = 10 * torch.log10(power + 1e-20)
        decibels += self._uniform(len(power))[:, None, None] * self.options["coarse_db"] * self._normal(*power.shape)
        return self._hide(normalise(decibels, heard, self.settings))

    def _cut(self, decibels: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """A stretch of each sound, slower or faster, higher or lower, somewhere in a window; what is heard of it."""
        count, frames = len(decibels), self.settings.frames
        rate = torch.exp(self._spread(count, self.options["tempo"]))
        shortest = self.options["shortest_s"] * self.settings.sample_rate / self.settings.hop
        longest = torch.minimum(lengths / rate, torch.tensor(float(frames)))
        wanted = shortest + (frames - shortest) * self._uniform(count).sqrt()
        length = torch.where(self._uniform(count) < self.options["whole"], longest, torch.minimum(wanted, longest))
        first = self._uniform(count) * (lengths - length * rate).clamp(min=0)
        late = self._uniform(count) * (self._uniform(count) < self.options["late"])
        lead = late * (frames - length)
        end = lead + length + self._uniform(count).square() * (frames - lead - length)
        times = torch.arange(frames).expand(count, -1)
        source = first[:, None] + (times - lead[:, None]) * rate[:, None]
        warp = torch.exp(self._spread(count, self.options["pitch"]))
        bands = torch.arange(self.settings.bands) * warp[:, None] + self._spread(count, self.options["shift"])[:, None]
        inside = (times >= lead[:, None]) & (times < (lead + length)[:, None])
        moved = _resample(decibels, bands, source)
        return torch.where(inside[:, None], moved, QUIET_DB), times < end[:, None]

    def _colour(self, count: int) -> Tensor:
        """Filters in dB ``(N, bands, 1)``: a tilt, a wave over the spectrum, a narrow band (telephone, codec)."""
        octaves = self.octaves[None, :]
        tilt = self._spread(count, self.options["tilt_db"])[:, None] * octaves
        phase = 2 * torch.pi * (self._uniform(count)[:, None] + self._uniform(count)[:, None] * octaves / 3)
        wave = self._spread(count, self.options["wave_db"])[:, None] * torch.sin(phase)
        cutoff = np.log2(self.options["lowest_cutoff_hz"] / 1000)
        cutoff = cutoff + self._uniform(count)[:, None] * (float(self.octaves[-1]) - cutoff)
        narrow = (self._uniform(count) < self.options["low_pass"])[:, None] * (octaves - cutoff).clamp(min=0) * -120
        thin = (self._uniform(count) < self.options["high_pass"])[:, None] * (octaves + 1.74).clamp(max=0) * 24
        colour: Tensor = (tilt + wave + narrow + thin)[..., None]
        return colour

    def _room(self, power: Tensor) -> None:
        """Adds, to some, an exponentially decaying echo: T60 from 0.15 to 0.9 seconds, at most 15 dB below."""
        chosen = self._some("room", len(power))
        if not len(chosen):
            return  # the Fourier transform refuses an empty batch
        dry = power[chosen]
        count, _, frames = dry.shape
        seconds = 0.15 + 0.75 * self._uniform(count)
        step = self.settings.hop / self.settings.sample_rate
        decay = torch.pow(10, -6 * step / seconds)[:, None] ** torch.arange(1, ECHO)
        level = torch.pow(10, -1.5 * self._uniform(count))
        kernel = F.pad(decay / decay.sum(1, keepdim=True) * level[:, None], (1, 0))
        size = frames + ECHO
        echo = torch.fft.irfft(torch.fft.rfft(dry, size) * torch.fft.rfft(kernel, size)[:, None], size)
        power[chosen] = dry + echo[..., :frames].clamp(min=0)

    def _noise(self, power: Tensor) -> None:
        """Adds, to some, steady noise of any colour, from ``least_snr_db`` to 40 dB more below the mean power."""
        chosen = self._some("noise", len(power))
        clean = power[chosen]
        count = len(clean)
        shape = torch.pow(10, 0.1 * self._spread(count, 6.0)[:, None] * self.octaves)
        level = torch.pow(10, -0.1 * (self.options["least_snr_db"] + 40 * self._uniform(count)))
        level = level * clean.mean((1, 2))
        shape = shape / shape.mean(1, keepdim=True) * level[:, None]
        power[chosen] = clean + shape[..., None] * torch.exp(0.5 * self._normal(*clean.shape))

    def _hide(self, inputs: Tensor) -> Tensor:
        """Sets a few bands and stretches of time to zero."""
        count, bands, frames = inputs.shape
        for _ in range(2):
            rows = self._gap(count, bands, self.options["hidden_bands"])
            columns = self._gap(count, frames, self.options["hidden_frames"])
            inputs = inputs * (rows[:, :, None] * columns[:, None, :])
        return inputs

    def _gap(self, count: int, size: int, widest: float) -> Tensor:
        width = self._uniform(count) * widest
        first = self._uniform(count) * (size - width)
        places = torch.arange(size)
        return ((places < first[:, None]) | (places >= (first + width)[:, None])).float()

    def _some(self, name: str, count: int) -> Tensor:
        """Which of a batch are chosen, each with the probability that the recipe gives under ``name``."""
        return torch.nonzero(self._uniform(count) < self.options[name])[:, 0]

    def _uniform(self, count: int) -> Tensor:
        return torch.rand(count, generator=self.random)

    def _spread(self, count: int, widest: float) -> Tensor:
        return (2 * self._uniform(count) - 1) * widest

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random)


def _resample(decibels: Tensor, bands: Tensor, frames: Tensor) -> Tensor:
    """Bilinear values ``(N, B, T)`` of ``decibels`` at the places ``bands (N, B)`` and ``frames (N, T)``."""
    x = (2 * frames + 1) / decibels.shape[2] - 1
    y = (2 * bands + 1) / decibels.shape[1] - 1
    shape = (len(decibels), bands.shape[1], frames.shape[1])
    grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=3)
    return F.grid_sample(decibels[:, None], grid, padding_mode="border", align_corners=False)[:, 0]


def normalise(decibels: Tensor, heard: Tensor, settings: LogMel) -> Tensor:
    """``LogMel.normalise`` for a batch ``(N, bands, frames)``; ``heard (N, frames)`` marks the frames that count."""
    heard = heard[:, None, :]
    peak = torch.where(heard, decibels, -torch.inf).amax((1, 2), keepdim=True)
    kept = torch.where(heard, (decibels - peak).clamp(min=-settings.range_db), -settings.range_db)
    total = (torch.pow(10, 0.1 * kept) * heard).sum((1, 2), keepdim=True)
    level = 10 * torch.log10(total / (heard.sum(2, keepdim=True) * settings.bands)) - settings.level_db
    return (kept - level) / settings.scale_db


def speechless(count: int, settings: LogMel, seed: int) -> list[Float]:
    """Sounds without speech, four seconds each: noises, hum, tones, chords, beats. Their target is an even guess."""
    random = np.random.default_rng(seed)
    makers = (_coloured_noise, _tones, _beats)
    seconds = settings.frames * settings.hop / settings.sample_rate
    times = np.arange(int(seconds * settings.sample_rate)) / settings.sample_rate
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
