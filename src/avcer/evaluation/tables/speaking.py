"""Labelled clips of faces that speak, as crops: the largest face of the picture, five times a second.

A table of clips is one of ``corpora.table``: ``path`` and ``label``, and ``speaker`` where it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avcer.emotion.dynamic import STEPS, FeatureWindow
from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.evaluation.corpora.record import Sample
from avcer.evaluation.corpora.table import read_table
from avcer.faces.detect import Detector
from avcer.files import atomic
from avcer.labels import BASIC
from avcer.media import Pictures
from avcer.types import Boolean, Double, Float, Integer


@dataclass(frozen=True)
class Speaking:
    """L crops of the faces of C clips: ``inputs (L, 1, 48, 48)``, as the static model takes them; ``owners
    (L,)``, the clip of each crop, crops of a clip in the order of time; ``labels (C,)``, indices of ``BASIC``;
    ``speakers (C,)`` and ``clips (C,)``, their names.
    """

    name: str
    inputs: Float
    owners: Integer
    labels: Integer
    speakers: NDArray[np.str_]
    clips: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: Boolean) -> Speaking:
        """The chosen clips ``(C,)``."""
        crops = chosen[self.owners]
        owners = (np.cumsum(chosen) - 1)[self.owners[crops]]
        return Speaking(
            self.name, self.inputs[crops], owners, self.labels[chosen], self.speakers[chosen],
            self.clips[chosen],
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """For ``load``: clips are decoded and faces found once."""
        with atomic(path) as part, part.open("wb") as file:
            np.savez(file, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """What ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            kept = dict(stored)
        return cls(**kept | {"name": str(kept["name"])})

    def means(self, values: NDArray[np.floating]) -> Double:
        """``(C, K)``: the mean over the crops of each clip of ``values (L, K)``."""
        sums = np.zeros((len(self), values.shape[1]))
        np.add.at(sums, self.owners, values)
        means: Double = sums / np.bincount(self.owners, minlength=len(self))[:, None]
        return means

    def windows(self, features: Float) -> Float:
        """``(L, 10, D)``: at each crop the window of ten that ends there, whose start is filled as in use."""
        made = []
        for clip in range(len(self)):
            own = features[self.owners == clip]
            filled = np.concatenate([np.repeat(own[:1], STEPS - 1, axis=0), own])
            made.append(np.lib.stride_tricks.sliding_window_view(filled, STEPS, axis=0).transpose(0, 2, 1))
        return np.ascontiguousarray(np.concatenate(made))


def read_speaking(path: Path, detector: Detector, static: StaticModel) -> Speaking:
    """The clips of the table ``path`` in which a face is found.

    Raises:
        InputError: not such a table, a label that is none of the seven emotions, or no face in any clip.
    """
    corpus = read_table(path)
    name = path.parent.name if path.stem == "labels" else path.stem
    return crops_of_clips(name, corpus.samples, detector, static)


def crops_of_clips(name: str, samples: Sequence[Sample], detector: Detector, static: StaticModel) -> Speaking:
    """The clips in which a face is found; see ``read_speaking``."""
    seen = []
    for sample in samples:
        if sample.label not in BASIC:
            raise InputError(f"{sample.path}: has the label {sample.label!r}; the labels are {', '.join(BASIC)}")
        crops = list(_crops(sample.path, detector, static))
        if crops:
            seen.append((sample, crops))
    if not seen:
        raise InputError(f"{name}: no face was found in any of the clips")
    return Speaking(
        name,
        np.stack([crop for _, crops in seen for crop in crops]),
        np.repeat(np.arange(len(seen)), [len(crops) for _, crops in seen]),
        np.array([BASIC.index(str(sample.label)) for sample, _ in seen]),
        np.array([sample.speaker for sample, _ in seen]),
        np.array([sample.name for sample, _ in seen]),
    )


def _crops(path: Path, detector: Detector, static: StaticModel) -> Iterator[Float]:
    """The face as the static model takes it, at each step that is due and shows one."""
    window, first_s, latest = FeatureWindow(), 0.0, -1
    for frame in Pictures(path):
        due = 0 if latest < 0 else window.due(frame.time_s - first_s)
        faces = detector.detect(frame.image) if due > latest else []
        prepared = static.prepare(frame.image, max(faces, key=lambda face: face.area).box) if faces else None
        if prepared is not None:
            first_s, latest = (frame.time_s if latest < 0 else first_s), due
            yield prepared.astype(np.float32)
