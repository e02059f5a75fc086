"""From decoded sound to one channel: the mean of all, or the strongest where they cancel each other."""

from __future__ import annotations

from typing import Any, Final

import av
import numpy as np
from av.audio.frame import format_dtypes
from numpy.typing import NDArray

from avcer.types import Float

CANCELLED: Final = 0.1
"""The energy of the mean, of what unrelated channels leave in it, below which the channels cancel each other: equal
ones leave twice as much as unrelated ones, those of opposite phase nothing.
"""
AUDIBLE: Final = 1e-3
"""-60 dB of full scale: below, the channels of a pause are not judged."""


def channels_of(frame: av.AudioFrame) -> Float:
    """``(channels, n)``, full scale 1; what a broken stream made infinite or no number is 0."""
    stored = _stored(frame)
    channels = stored if frame.format.is_planar else stored.reshape(-1, frame.layout.nb_channels).T
    if channels.dtype == np.uint8:
        samples = (channels.astype(np.float32) - 128) / 128
    elif np.issubdtype(channels.dtype, np.integer):
        samples = channels.astype(np.float32) / 2 ** (8 * frame.format.bytes - 1)
    else:
        samples = channels.astype(np.float32)
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0, neginf=0)
    clipped: Float = np.clip(samples, -1, 1)
    return clipped


def _stored(frame: av.AudioFrame) -> NDArray[Any]:
    """The samples as they lie in the frame. Of a damaged stream with more channels than eight, PyAV may count planes
    that are not there, and reading those ends the process.
    """
    count = frame.layout.nb_channels
    if not frame.format.is_planar or len(frame.planes) == count:
        return frame.to_ndarray()
    kind = format_dtypes[frame.format.name]
    planes: list[Any] = list(frame.planes[:count])
    return np.stack([np.frombuffer(plane, kind, frame.samples) for plane in planes])


def mono(channels: Float) -> tuple[Float, bool]:
    """One channel ``(n,)`` of ``(channels, n)``, and whether it is only the strongest of channels that cancel out."""
    mean: Float = channels.mean(axis=0, dtype=np.float32)
    if len(channels) < 2 or not channels.shape[1]:
        return mean, False
    energies = np.square(channels, dtype=np.float32).sum(axis=1, dtype=np.float64)
    heard = energies.max() > AUDIBLE**2 * channels.shape[1]
    left = float(np.square(mean, dtype=np.float32).sum(dtype=np.float64)) * len(channels) ** 2
    if heard and left < CANCELLED * energies.sum():
        return channels[energies.argmax()], True
    return mean, False
