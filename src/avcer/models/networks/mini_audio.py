"""The mini audio network: what a phonetician would measure of a voice, beside what a small network finds itself."""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor, nn

BANDS: Final = 64
ROWS: Final = BANDS + 3
"""The spectrogram, then pitch in octaves above 100 Hz, voicing from 0 to 1, loudness below the loudest frame."""
CEPSTRA: Final = 20
SPEECH: Final = -2.35
"""Frames at least so loud are speech: 35 dB below the loudest, in units of 15 dB."""
VOICED: Final = 0.5
"""Voicing from which on a frame has a pitch."""
PITCHES: Final = tuple(round(-0.4 + 0.3 * step, 1) for step in range(9))
"""Centres of the pitch histogram, in octaves above 100 Hz."""
LOUDNESSES: Final = (-2.2, -1.8, -1.4, -1.0, -0.6, -0.2)
HIDDEN: Final = 256
WIDTHS: Final = (24, 32, 64, 96)
"""Channels of the ear's convolutions over bands and time."""
VOICE: Final = 32
NARROW: Final = 128
RECURRENT: Final = 96
DIRECTIONS: Final = 32
"""In which the measures of voices differ most, see ``Unfamiliar``."""
NO_LIMIT: Final = 1e4
"""Standard deviations that no sound is off."""


class Measures(nn.Module):
    """Means and spreads over the speech, and over its voiced part: timbre (cepstra and bands), pitch, loudness, how
    they change, how they are spread, how they drift. ``(N, 67, T)`` -> ``(N, COUNT)``.
    """

    COUNT: Final = 2 * (3 * CEPSTRA + BANDS + 4) + 2 * 3 + len(PITCHES) + len(LOUDNESSES) + 2 + 3
    cosines: Tensor
    pitches: Tensor
    loudnesses: Tensor

    def __init__(self) -> None:
        super().__init__()
        angles = torch.outer(torch.arange(CEPSTRA).float(), torch.arange(BANDS) + 0.5) * math.pi / BANDS
        self.register_buffer("cosines", torch.cos(angles) * math.sqrt(2 / BANDS), persistent=False)
        self.register_buffer("pitches", torch.tensor(PITCHES).view(1, -1, 1), persistent=False)
        self.register_buffer("loudnesses", torch.tensor(LOUDNESSES).view(1, -1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The measures of a batch."""
        bands, pitch, voicing, loudness = x[:, :BANDS], x[:, BANDS : BANDS + 1], x[:, BANDS + 1 : BANDS + 2], x[:, -1:]
        speech = (loudness > SPEECH).float()
        voiced = speech * (voicing > VOICED).float()
        cepstra = torch.matmul(self.cosines, bands)
        once, louder = _slope(cepstra), _slope(loudness)
        rows = torch.cat([cepstra, once, _slope(once), bands, voicing, loudness, louder, louder.abs()], 1)
        bend = _slope(pitch)
        melody = torch.cat([pitch, bend, bend.abs()], 1)
        shares = [speech.mean(2), voiced.mean(2), _share(voiced, speech)]
        return torch.cat(
            [
                *_moments(rows, speech),
                *_moments(melody, voiced),
                _mean(torch.exp(-(((pitch - self.pitches) / 0.2) ** 2)), voiced),
                _mean(torch.exp(-(((loudness - self.loudnesses) / 0.3) ** 2)), speech),
                _drift(pitch, voiced),
                _drift(loudness, speech),
                *shares,
            ],
            1,
        )


def _slope(rows: Tensor) -> Tensor:
    """The change over two frames, ``(N, R, T)``; at both ends 0."""
    return nn.functional.pad((rows[:, :, 2:] - rows[:, :, :-2]) / 2, (1, 1))


def _mean(rows: Tensor, mask: Tensor) -> Tensor:
    return (rows * mask).sum(2) / (mask.sum(2) + 1)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return part.sum(2) / (whole.sum(2) + 1)


def _moments(rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the frames that count."""
    mean = _mean(rows, mask)
    return mean, torch.sqrt(_mean((rows - mean[:, :, None]) ** 2, mask) + 1e-4)


def _drift(row: Tensor, mask: Tensor) -> Tensor:
    """How much ``row`` rises from the first to the last frame that counts: a line fitted to it."""
    place = torch.cumsum(mask, 2) / (mask.sum(2, keepdim=True) + 1) - 0.5
    level = _mean(row, mask)[:, :, None]
    return _mean((row - level) * place, mask) / (_mean(place**2, mask) + 0.02)


class Ear(nn.Module):
    """A small network that finds out itself what to listen to: convolutions over bands and time, a recurrent layer
    both ways, attention over time. ``(N, 67, T)`` -> logits ``(N, 7)``.

    It sees each band as it is, and against that band's mean over the speech: what is left of a voice without its
    colour and its microphone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bands = nn.Sequential(
            *_convolution(2, WIDTHS[0], 5, stride=2),
            *_convolution(WIDTHS[0], WIDTHS[1], 3),
            nn.MaxPool2d(2),
            *_convolution(WIDTHS[1], WIDTHS[2], 3),
            nn.MaxPool2d((2, 1)),
            nn.Dropout2d(0.1),
            *_convolution(WIDTHS[2], WIDTHS[3], 3),
            nn.MaxPool2d((2, 1)),
        )
        self.voice = nn.Sequential(
            nn.Conv1d(ROWS - BANDS, VOICE, 5, 4, 2, bias=False), nn.BatchNorm1d(VOICE), nn.ReLU()
        )
        self.narrow = nn.Sequential(
            nn.Conv1d(WIDTHS[3] * BANDS // 16 + VOICE, NARROW, 1, bias=False),
            nn.BatchNorm1d(NARROW),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.recurrent = nn.GRU(NARROW, RECURRENT, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(2 * RECURRENT, 1)
        self.drop = nn.Dropout(0.3)
        self.classify = nn.Linear(4 * RECURRENT, 7)

    def heard(self, x: Tensor) -> Tensor:
        """What the last layer gets ``(N, 4 * RECURRENT)``."""
        bands, speech = x[:, :BANDS], (x[:, -1:] > SPEECH).float()
        against = (bands - _mean(bands, speech)[:, :, None]) * speech
        seen = self.bands(torch.stack([bands, against], 1)).flatten(1, 2)
        voice = self.voice(x[:, BANDS:])[:, :, : seen.shape[2]]
        x = self.narrow(torch.cat([seen, voice], 1)).transpose(1, 2)
        x, _ = self.recurrent(x)
        weights = torch.softmax(self.attention(x), 1)
        mean = (weights * x).sum(1)
        spread = (weights * (x - mean[:, None]) ** 2).sum(1)
        return torch.cat([mean, torch.sqrt(spread + 1e-5)], 1)

    def answer(self, heard: Tensor) -> Tensor:
        """Logits ``(N, 7)`` from what was heard."""
        logits: Tensor = self.classify(self.drop(heard))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        return self.answer(self.heard(x))


def _convolution(before: int, after: int, size: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU()


class Standard(nn.BatchNorm1d):
    """Zero mean and unit variance. Spelt out where nothing is learned: the exporter cannot tell how many measures
    there are, which its own batch norm wants to know.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, count: int) -> None:
        super().__init__(count, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, count)`` -> the same, standardised."""
        if self.training:
            return super().forward(x)
        return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)


class Judge(nn.Module):
    """Two hidden layers over the measures: ``(N, 67, T)`` -> logits ``(N, 7)``."""

    def __init__(self) -> None:
        super().__init__()
        self.measures = Measures()
        self.scale = Standard(Measures.COUNT)
        self.hidden = nn.Sequential(nn.Dropout(0.2), *_layer(Measures.COUNT, HIDDEN), *_layer(HIDDEN, HIDDEN // 2))
        self.classify = nn.Linear(HIDDEN // 2, 7)

    def measured(self, x: Tensor) -> Tensor:
        """The standardised measures ``(N, COUNT)`` of a batch."""
        measures: Tensor = self.scale(self.measures(x.float())).clamp(-5, 5)
        return measures

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch; in full precision, for the measures range over orders of magnitude."""
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = self.classify(self.hidden(self.measured(x)))
            return logits


def _layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(0.5)


class Unfamiliar(nn.Module):
    """How much a sound is doubted for lying far from those that were learned from: standardised measures
    ``(N, COUNT)`` -> factors ``(N, 1)`` of the logits, 1 or less. See ``training.unfamiliar``, which fits it; before
    that, nothing is doubted.
    """

    mean: Tensor
    directions: Tensor
    along: Tensor
    rest: Tensor
    limit: Tensor

    def __init__(self) -> None:
        super().__init__()
        count = Measures.COUNT
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("directions", torch.zeros(count, DIRECTIONS))
        self.register_buffer("along", torch.ones(DIRECTIONS))
        self.register_buffer("rest", torch.ones(1))
        self.register_buffer("limit", torch.full((1,), NO_LIMIT))

    def forward(self, measures: Tensor) -> Tensor:
        """The square of the limit over the distance, where a sound is farther off than the limit."""
        off = measures - self.mean
        along = torch.matmul(off, self.directions)
        across = (off**2).sum(1, keepdim=True) - (along**2).sum(1, keepdim=True)
        squared = (across / self.rest + (along**2 / self.along).sum(1, keepdim=True)) / Measures.COUNT
        return (self.limit**2 / squared.clamp(min=1e-9)).clamp(max=1)

    def forget(self) -> None:
        """Nothing is doubted any more."""
        self.limit.fill_(NO_LIMIT)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *more: Any) -> None:
        """Models written before there was this part doubt nothing."""
        for name, value in self.named_buffers():
            state.setdefault(prefix + name, value)
        super()._load_from_state_dict(state, prefix, *more)


TRAITS: Final = 4 * RECURRENT + HIDDEN // 2 + Measures.COUNT
"""What the ear's and the judge's last layers get, and the measures."""


class Relative(nn.Module):
    """A last layer for speakers who are known from other recordings: what the two last layers get and the standardised
    measures, ``(N, TRAITS)`` -> logits ``(N, 7)``. They are made to be used without their mean over the speaker's
    recordings. See ``training.relative``, which fits it.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(7, TRAITS))
        self.register_buffer("bias", torch.zeros(7))

    def forward(self, traits: Tensor) -> Tensor:
        """Logits of a batch."""
        return nn.functional.linear(traits, self.weight, self.bias)


class MiniAudio(nn.Module):
    """``(N, 67, frames)`` as ``emotion.voice.VoiceFrames`` gives it -> logits ``(N, 7)`` in the order of ``BASIC``, and
    those of ``Relative``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge()
        self.ear = Ear()
        self.unfamiliar = Unfamiliar()
        self.relative = Relative()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of the two opinions, ``(N, 7)``, flatter where the sound is unfamiliar; and the relative logits."""
        with torch.autocast(x.device.type, enabled=False):
            measures = self.judge.measured(x)
            judged, factors = self.judge.hidden(measures), self.unfamiliar(measures)
            first = self.judge.classify(judged)
        heard = self.ear.heard(x)
        logits: Tensor = factors * (first + self.ear.answer(heard)) / 2
        return logits, self.relative(torch.cat([heard, judged, measures], 1))

    def same_relative(self) -> None:
        """The relative logits become the others, without what is doubted, as long as nothing better is fitted."""
        heard, judged = self.ear.classify, self.judge.classify
        with torch.no_grad():
            of_measures = torch.zeros(7, Measures.COUNT).to(heard.weight)
            self.relative.weight.copy_(torch.cat([heard.weight / 2, judged.weight / 2, of_measures], 1))
            self.relative.bias.copy_((heard.bias + judged.bias) / 2)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *more: Any) -> None:
        """Models written before there were relative logits have none: not-a-number."""
        for name, value in self.relative.named_buffers():
            state.setdefault(f"{prefix}relative.{name}", torch.full_like(value, math.nan))
        super()._load_from_state_dict(state, prefix, *more)
