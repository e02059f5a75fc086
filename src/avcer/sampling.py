"""Sampling: on which frames the models run, and how frames are cut into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from avcer.emotion.classify import ClassifyPlan
from avcer.types import Frame

MAX_BATCH: Final = 36
MAX_BATCH_PIXELS: Final = 16_000_000
"""A batch of frames holds at most this many pixels, 48 MB; three are held at once."""
MAX_STRIDE_PIXELS: Final = 50_000_000
"""A single stride of large frames may hold this many (or one frame), 150 MB: six of 3840x2160, of which only the last
need be detected.
"""
BATCH_SCALE: Final = {"cpu": 1, "cuda": 4}
"""So many times the frames and pixels of a batch: 144 and 64 million (192 MB), which a GPU needs to be busy."""
LATENCY_SHARE: Final = 0.5
"""The part of the allowed latency that frames may wait for their batch; the rest is for the models."""


@dataclass(frozen=True)
class SamplingPlan:
    """On which frames the models run. The default is every frame.

    ``detect_every``: the detector runs on every so many frames at least, see ``faces.sparse``. ``classify``: on which
    frames a face is classified. ``detect_classified``: the detector also runs on every frame on which a face is
    classified; else the face's interpolated box is taken there. ``batch_scale``: see ``BATCH_SCALE``. ``latency_s``:
    how long after a frame its results must be known; None for no limit.
    """

    detect_every: int = 1
    classify: ClassifyPlan = field(default_factory=ClassifyPlan)
    detect_classified: bool = False
    batch_scale: int = 1
    latency_s: float | None = None

    def batch(self, pixels: int) -> int:
        """Frames of so many pixels a batch: as many whole strides as fit; less than one only where the pixels are too
        many, but a frame at least.
        """
        stride = max(self.detect_every, self.classify.every or 1)
        one_stride = min(stride, MAX_STRIDE_PIXELS // pixels)
        most_pixels = max(self.batch_scale * MAX_BATCH_PIXELS // pixels, one_stride, 1)
        most = min(max(self.batch_scale * MAX_BATCH, stride), most_pixels)
        return most - most % stride or most


class Batcher:
    """Cuts frames into batches: runs of frames of one size, bounded in number, in pixels, and by the latency."""

    def __init__(self, plan: SamplingPlan) -> None:
        self._plan = plan
        self._longest_s = float("inf") if plan.latency_s is None else plan.latency_s * LATENCY_SHARE
        self._frames: list[Frame] = []

    def add(self, frame: Frame) -> Iterator[Sequence[Frame]]:
        """Takes the next frame; yields the batches that it completes, two at most."""
        if self._frames and self._frames[0].image.shape != frame.image.shape:
            yield from self.rest()
        self._frames.append(frame)
        height, width = frame.image.shape[:2]
        waited_s = frame.time_s - self._frames[0].time_s
        if len(self._frames) >= self._plan.batch(height * width) or waited_s >= self._longest_s:
            yield from self.rest()

    def rest(self) -> Iterator[Sequence[Frame]]:
        """Yields what is waiting, if anything, as a batch."""
        batch, self._frames = self._frames, []
        if batch:
            yield batch


def batches(frames: Iterable[Frame], plan: SamplingPlan) -> Iterator[Sequence[Frame]]:
    """All batches of ``frames``."""
    batcher = Batcher(plan)
    for frame in frames:
        yield from batcher.add(frame)
    yield from batcher.rest()
