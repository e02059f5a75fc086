"""Faces of every frame from detections on some: between two detections, a face is taken to move in a straight line.

Where a face comes, goes or moves too far, the frames between are detected as well; nothing is carried across a cut. A
caller that needs a face's exact place on a frame between has the detector run there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from avcer.faces.track import MIN_OVERLAP, overlaps, pairs
from avcer.types import Face, Float, Image

STEADY_OVERLAP: Final = 0.6
"""Least intersection over union of a face's boxes at both ends. Chosen on real clips: benchmarks/settings.py."""


class FaceFinder(Protocol):
    """What finds the faces of pictures of one size: a ``Detector``."""

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        """The faces of each picture."""
        ...


class Detections:
    """The faces of a batch's frames, which count from 0: found on the frames in ``detected``, interpolated elsewhere.
    ``cuts``: for each frame, whether a new scene begins with it.

    One thread at a time uses it: a batch is handed over whole from the thread that detects to the one that classifies.
    """

    def __init__(self, finder: FaceFinder, images: Sequence[Image], cuts: Sequence[bool]) -> None:
        self._finder = finder
        self._images = images
        self.cuts = cuts
        self.faces: dict[int, list[Face]] = {}
        self.detected: set[int] = set()

    def detect(self, frames: Iterable[int]) -> None:
        """Runs the detector on those of ``frames`` on which it has not run yet."""
        new = sorted(set(frames) - self.detected)
        self.faces.update(zip(new, self._finder.detect_batch([self._images[at] for at in new]), strict=True))
        self.detected.update(new)

    def nearest(self, frame: int, box: Float) -> Face | None:
        """The face of ``frame`` that overlaps ``box (4,)`` best; None where none does as a track's next face would."""
        faces = self.faces[frame]
        overlap = overlaps(box[np.newaxis], np.array([face.box for face in faces], np.float32).reshape(-1, 4))[0]
        return faces[overlap.argmax()] if overlap.max(initial=0.0) >= MIN_OVERLAP else None


class SparseDetector:
    """Finds the faces of a clip's frames, batch by batch: the detector runs on every ``every``-th frame (1: on all) and
    on the last of each batch.
    """

    def __init__(self, finder: FaceFinder, every: int) -> None:
        self._finder = finder
        self._every = every
        self._before: list[Face] | None = None
        self._shape: tuple[int, ...] = ()

    def detect(self, images: Sequence[Image], cuts: Sequence[bool]) -> Detections:
        """The faces of the next frames.

        Args:
            images: BGR pictures of one size.
            cuts: for each, whether a new scene begins with it.
        """
        if images[0].shape != self._shape:  # boxes on pictures of another size say nothing of these
            self._before, self._shape = None, images[0].shape
        found = Detections(self._finder, images, cuts)
        found.detect(self._keys(cuts))
        ends = found.faces if self._before is None else {-1: self._before, **found.faces}
        doubtful: list[int] = []
        for left, right in pairwise(list(ends)):
            between = range(left + 1, right)
            moved = _paired(ends[left], ends[right]) if between else []
            if moved is None:
                doubtful += between
            else:
                found.faces.update({at: _between(moved, (at - left) / (right - left)) for at in between})
        found.detect(doubtful)
        self._before = found.faces[len(images) - 1]
        return found

    def _keys(self, cuts: Sequence[bool]) -> list[int]:
        """Every so many frames, the last, both sides of a cut, and the first of all."""
        last = len(cuts) - 1
        keys = {last, *range(self._every - 1, last, self._every)}
        keys |= {side for at, cut in enumerate(cuts) if cut for side in (at - 1, at) if side >= 0}
        return sorted(keys | {0} if self._before is None else keys)


def _paired(first: Sequence[Face], second: Sequence[Face]) -> list[tuple[Face, Face]] | None:
    """Each face at both ends; None where they are not the same ones, or one has moved far."""
    if len(first) != len(second):
        return None
    if not first:
        return []
    boxes = [np.stack([face.box for face in faces]) for faces in (first, second)]
    matched = pairs(boxes[0], boxes[1], STEADY_OVERLAP)
    return [(first[row], second[column]) for row, column in matched] if len(matched) == len(first) else None


def _between(moved: Sequence[tuple[Face, Face]], share: float) -> list[Face]:
    """The faces a ``share`` of the way from one end to the other; one at rest stays exactly where it is."""
    way = np.float32(share)
    return [
        Face(
            one.box + way * (other.box - one.box),
            one.landmarks + way * (other.landmarks - one.landmarks),
            one.score + share * (other.score - one.score),
        )
        for one, other in moved
    ]
