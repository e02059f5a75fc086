"""What callers feed a session, checked before anything is done with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avcer.errors import UsageError
from avcer.media import SoundBlock
from avcer.types import Frame


def check_frames(frames: Sequence[Frame], after_s: float) -> None:
    """Raises UsageError unless every frame is a BGR picture ``(height, width, 3)`` of bytes, and later than the one
    before; the first one later than ``after_s``.
    """
    for frame in frames:
        if not frame.time_s > after_s:
            raise UsageError(f"frames must rise in time: {frame.time_s} s comes after {after_s} s")
        image = frame.image
        if image.ndim != 3 or image.shape[2] != 3 or not image.size or image.dtype != np.uint8:
            what = f"{image.shape} of {image.dtype}"
            raise UsageError(f"the picture at {frame.time_s} s must be (height, width, 3) of uint8, BGR; it is {what}")
        after_s = frame.time_s


def check_sound(block: SoundBlock) -> None:
    """Raises UsageError unless the block is mono ``(n,)``, of finite numbers, at a finite time."""
    samples = np.asarray(block.samples)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        what = f"{samples.shape} of {samples.dtype}"
        raise UsageError(f"sound must be mono, (n,) of float32 from -1 to 1, at 16 kHz; it is {what}")
    if not np.isfinite(samples).all() or not np.isfinite(block.start_s):
        raise UsageError(f"the sound at {block.start_s} s holds what is no number (NaN or infinite)")
