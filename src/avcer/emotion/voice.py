"""What the mini audio model hears: a log-mel spectrogram, and below it pitch, voicing and loudness of each frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np

from avcer.emotion.pitch import PitchTracker
from avcer.emotion.spectrogram import LogMel
from avcer.types import Float

EXTRA: Final = 3
"""Rows below the spectrogram: pitch, voicing, loudness."""


@dataclass(frozen=True)
class VoiceFrames:
    """Turns a window of sound into the network's input. A model card keeps the constants of both parts."""

    kind: ClassVar[str] = "voice_frames"

    spectrogram: LogMel = field(default_factory=LogMel)
    pitch: PitchTracker = field(default_factory=PitchTracker)

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants that a card names."""
        return cls(LogMel(**constants["spectrogram"]), PitchTracker(**constants["pitch"]))

    def as_dict(self) -> dict[str, Any]:
        """The constants, for a card."""
        return {"spectrogram": asdict(self.spectrogram), "pitch": asdict(self.pitch)}

    @property
    def rows(self) -> int:
        """Rows of the input."""
        return self.spectrogram.bands + EXTRA

    def __call__(self, samples: Float) -> Float:
        """Mono samples ``(S,)`` of at most one window -> ``(bands + 3, frames)``.

        Pitch is in octaves above 100 Hz; voicing from 0 to 1; loudness in the spectrogram's units below the loudest
        frame. Frames after the sound have pitch 0, voicing 0 and the least loudness.
        """
        settings = self.spectrogram
        decibels = settings.decibels(samples)
        power = np.log10(np.mean(np.power(10.0, 0.1 * decibels), axis=0))
        loudness = np.maximum(10 * (power - power.max()), -settings.range_db) / settings.scale_db
        rows = np.zeros((EXTRA, settings.frames), np.float32)
        rows[2] = -settings.range_db / settings.scale_db
        for row, values in zip(rows, (*self.pitch(samples), loudness), strict=True):
            row[: min(len(values), settings.frames)] = values[: settings.frames]
        return np.concatenate([settings.normalise(decibels), rows])

    def nothing(self, inputs: Float) -> Float:
        """The column ``(N, rows)`` that stands after the sound in inputs ``(N, rows, frames)``."""
        columns = np.repeat(inputs[:, : self.spectrogram.bands].min(axis=(1, 2))[:, None], self.rows, axis=1)
        columns[:, self.spectrogram.bands :] = 0, 0, -self.spectrogram.range_db / self.spectrogram.scale_db
        return columns
