"""What the published audio models hear: the samples of a window themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, Self, get_args

import numpy as np

from avcer.media import SAMPLE_RATE
from avcer.types import Float

WINDOW_S: Final = 4.0
WINDOW: Final = round(WINDOW_S * SAMPLE_RATE)
"""Four seconds, in samples; source: AVCER."""

Padding = Literal["mean", "zeros", "repeat"]


@dataclass(frozen=True)
class Waveform:
    """Pads a window to four seconds and brings it to zero mean and unit variance.

    ``padding``: with the mean of the samples (what the published models were made for), with zeros, or with the samples
    over and over. ``variance_floor`` is added to the variance; source: the feature extractor of wav2vec 2.0 in
    transformers.
    """

    kind: ClassVar[str] = "waveform"

    padding: Padding = "mean"
    variance_floor: float = 1e-7

    def __post_init__(self) -> None:
        if self.padding not in get_args(Padding):
            raise ValueError(f"padding {self.padding!r}")

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants that a card names."""
        return cls(**constants)

    def as_dict(self) -> dict[str, Any]:
        """The constants, for a card."""
        return asdict(self)

    def __call__(self, samples: Float) -> Float:
        """Mono samples ``(n,)`` at 16 kHz, n at most 64,000 -> ``(64000,)``."""
        if self.padding == "repeat":
            padded = np.resize(samples, WINDOW)
        else:
            padded = np.full(WINDOW, samples.mean() if self.padding == "mean" else 0, np.float32)
            padded[: len(samples)] = samples
        normalised: Float = (padded - padded.mean()) / np.sqrt(padded.var() + self.variance_floor)
        return normalised
