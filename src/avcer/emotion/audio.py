"""Audio model: what four seconds of sound say, and what the windows over a frame say of it together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.emotion.voice import VoiceFrames
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.models.engine import Engine, batch_size
from avcer.types import Boolean, Double, EmotionProbabilities, Float

WINDOW_S: Final = 4.0
WINDOW: Final = 64_000
"""Four seconds, in samples; source: AVCER."""
WINDOW_STEP_S: Final = 0.5
TOLERANCE_S: Final = 0.0005
"""A time stamp that is rounded to milliseconds, or off by a floating-point error, still is on time."""
MAX_BATCH: Final = 4
"""Windows a call on a processor: a quarter of a megabyte of samples each."""
VARIANCE_FLOOR: Final = 1e-7
"""Source: the feature extractor of wav2vec 2.0 in transformers."""

Padding = Literal["mean", "zeros", "repeat"]


class AudioModel:
    """An audio model of either family: the mini one hears spectrum and pitch, the published one the samples."""

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self.card = card
        self._engine = engine
        settings = card.preprocessing
        padded = partial(normalise, padding=settings.get("padding", "mean"))
        self._prepare = VoiceFrames.of_card(settings) if "spectrogram" in settings else padded

    @property
    def classes(self) -> int:
        """Outputs of the model: the seven emotions, and Other where it knows it."""
        return len(self.card.labels)

    @property
    def batch(self) -> int:
        """How many windows it wants a call."""
        return batch_size(self._engine, MAX_BATCH)

    def prepare(self, samples: Float) -> Float:
        """A window's mono samples at 16 kHz, at most 64,000, as the network takes them: ``(64000,)``, or
        ``(rows, frames)`` as ``VoiceFrames`` makes them.
        """
        return self._prepare(samples)

    def predict(self, windows: Sequence[Float]) -> Float:
        """Logits ``(N, classes)`` in the order of the card's labels, for N windows of samples."""
        return self._engine(np.stack([self.prepare(samples) for samples in windows]))[0]


def normalise(samples: Float, padding: Padding = "mean") -> Float:
    """Samples ``(n,)`` padded to ``(64000,)`` with their mean, with zeros, or with themselves over and over, then
    brought to zero mean and unit variance. The published model was made for the first.
    """
    if padding == "repeat":
        padded = np.resize(samples, WINDOW)
    else:
        padded = np.full(WINDOW, samples.mean() if padding == "mean" else 0, np.float32)
        padded[: len(samples)] = samples
    normalised: Float = (padded - padded.mean()) / np.sqrt(padded.var() + VARIANCE_FLOOR)
    return normalised


def frame_probabilities(
    starts_s: Double, ends_s: Double, logits: Float, usable: Boolean, times_s: Double
) -> EmotionProbabilities:
    """What W windows say of T frames.

    A frame's logits are the mean over the usable windows that it lies in, first and last moment included; Other is
    dropped, then softmax. A frame in no usable window is not valid: nothing is said beyond the sound.

    Args:
        starts_s: where each window starts ``(W,)``, rising.
        ends_s: where its sound ends ``(W,)``, never falling.
        logits: ``(W, K)``, the first seven in the order of ``BASIC``.
        usable: ``(W,)``, false for windows of digital silence.
        times_s: the frames' times ``(T,)``.
    """
    kept = logits[usable, : len(BASIC)].astype(np.float64)
    sums = np.concatenate([np.zeros((1, len(BASIC))), np.cumsum(kept, axis=0)])
    first = np.searchsorted(ends_s[usable], times_s - TOLERANCE_S, side="left")
    stop = np.searchsorted(starts_s[usable], times_s + TOLERANCE_S, side="right")
    count = np.maximum(stop - first, 0)
    valid = count > 0
    values = np.zeros((len(times_s), len(BASIC)))
    values[valid] = softmax((sums[stop] - sums[first])[valid] / count[valid, None])
    return EmotionProbabilities(times_s, values, valid, "audio")
