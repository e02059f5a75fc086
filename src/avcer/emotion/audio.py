"""Audio model: what four seconds of sound say, and what the windows over a frame say of it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.emotion.voice import VoiceFrames
from avcer.emotion.waveform import Waveform
from avcer.labels import BASIC
from avcer.modalities import AUDIO
from avcer.models.card import ModelCard
from avcer.models.engine import Engine, batch_size
from avcer.models.preparation import Preparation, prepared_by
from avcer.types import SAME_TIME_S, Boolean, Double, EmotionProbabilities, Float

WINDOW_STEP_S: Final = 0.5
MAX_BATCH: Final = 4
"""Windows a call on a processor: a quarter of a megabyte of samples each."""


class SoundPreparation(Preparation, Protocol):
    """How a window of sound becomes the input of a network."""

    def __call__(self, samples: Float) -> Float:
        """Mono samples ``(n,)`` at 16 kHz, n at most 64,000 -> one item of the network's batch, always of one shape."""
        ...


SOUND_KINDS: Final[Mapping[str, type[SoundPreparation]]] = {one.kind: one for one in (Waveform, VoiceFrames)}
"""The kinds of preparation that the card of an audio model may ask for."""


@dataclass(frozen=True)
class AudioOutput:
    """For N windows: ``logits (N, classes)`` in the order of the card's labels; ``relative (N, 7)``: logits that are to
    be used without their mean over the same speaker's other recordings, in the order of ``BASIC``; not-a-number of a
    model without such an output.
    """

    logits: Float
    relative: Float


class AudioModel:
    """An audio model of either family; its card says what it hears, see ``SOUND_KINDS``."""

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self.card = card
        self._engine = engine
        self._prepare = prepared_by(card, SOUND_KINDS)

    @property
    def classes(self) -> int:
        """Outputs of the model: the seven emotions, and Other where it knows it."""
        return len(self.card.labels)

    @property
    def batch(self) -> int:
        """How many windows it wants a call."""
        return batch_size(self._engine, MAX_BATCH)

    def prepare(self, samples: Float) -> Float:
        """A window's mono samples at 16 kHz, at most 64,000, as the network takes them: see ``SoundPreparation``."""
        return self._prepare(samples)

    def predict(self, windows: Sequence[Float]) -> Float:
        """Logits ``(N, classes)`` in the order of the card's labels, for N windows of samples."""
        return self.hear(windows).logits

    def hear(self, windows: Sequence[Float]) -> AudioOutput:
        """Both outputs for N windows of samples."""
        logits, *others = self._engine(np.stack([self.prepare(samples) for samples in windows]))
        shape = (len(logits), len(BASIC))
        relative = next((one for one in others if one.shape == shape), np.full(shape, np.nan, np.float32))
        return AudioOutput(logits, relative)


def frame_probabilities(
    starts_s: Double, ends_s: Double, logits: Float, usable: Boolean, times_s: Double, speech: Double | None = None
) -> EmotionProbabilities:
    """What W windows say of T frames.

    A frame's logits, and the chance that it is speech, are the mean over the usable windows that it lies in, first and
    last moment included; Other is dropped, then softmax. A frame in no usable window is not valid: nothing is said
    beyond the sound.

    Args:
        starts_s: where each window starts ``(W,)``, rising.
        ends_s: where its sound ends ``(W,)``, never falling.
        logits: ``(W, K)``, the first seven in the order of ``BASIC``.
        usable: ``(W,)``, false for windows of digital silence.
        times_s: the frames' times ``(T,)``.
        speech: ``(W,)``, how likely each window is speech; None where that is not known.
    """
    heard = np.full(len(logits), np.nan) if speech is None else speech
    kept = np.column_stack([logits[usable, : len(BASIC)], heard[usable]]).astype(np.float64)
    sums = np.concatenate([np.zeros((1, len(BASIC) + 1)), np.cumsum(kept, axis=0)])
    first = np.searchsorted(ends_s[usable], times_s - SAME_TIME_S, side="left")
    stop = np.searchsorted(starts_s[usable], times_s + SAME_TIME_S, side="right")
    count = np.maximum(stop - first, 0)
    valid = count > 0
    values = np.zeros((len(times_s), len(BASIC)))
    means = (sums[stop] - sums[first])[valid] / count[valid, None]
    values[valid] = softmax(means[:, :-1])
    activity = np.full(len(times_s), np.nan)
    activity[valid] = means[:, -1]
    return EmotionProbabilities(times_s, values, valid, AUDIO.name, activity)


def trailing_probabilities(
    ends_s: Double, logits: Float, usable: Boolean, times_s: Double, hold_s: float, speech: Double | None = None
) -> EmotionProbabilities:
    """What W windows say of T frames, from the past alone, for live use.

    A frame takes the last window whose sound ended at the frame or before it, if that is usable and ended no more
    than ``hold_s`` ago; else it is not valid. Arguments as of ``frame_probabilities``.
    """
    last = np.searchsorted(ends_s, times_s + SAME_TIME_S, side="right") - 1
    recent = (last >= 0) & (times_s - ends_s[last] <= hold_s + SAME_TIME_S)
    valid = recent & usable[last]
    values = np.zeros((len(times_s), len(BASIC)))
    values[valid] = softmax(logits[last[valid], : len(BASIC)].astype(np.float64))
    activity = np.full(len(times_s), np.nan)
    activity[valid] = np.nan if speech is None else speech[last[valid]]
    return EmotionProbabilities(times_s, values, valid, AUDIO.name, activity)
