"""Whole runs, from file to decision, against the released implementation's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from avcer import Analysis, Analyzer
from avcer.modalities import NAMES
from avcer.types import Boolean, Double
from reference import CLIPS, ReleasedRun


@dataclass(frozen=True)
class Way:
    """A way to analyse, every frame at full resolution, and how far probabilities may be off on average."""

    name: str
    options: dict[str, Any]
    limit: float


EXACT: Final = Way("exact", {"setting": "exact"}, 0.01)
EVERYTHING: Final = {"setting": "balanced", "longest_side": 0, "detect_every": 1, "steady_within": 0.0}
DEFAULT: Final = Way("default precision", EVERYTHING, 0.02)
LEAST_EQUAL: Final = 0.97
"""The share of frames that must get the same AV class."""


def analyse(way: Way, names: Iterable[str]) -> dict[str, Analysis]:
    """The clips analysed with the published family, on the processor."""
    analyzer = Analyzer(models="published", device="cpu", **way.options)
    return {name: analyzer.analyze(CLIPS / f"{name}.mp4") for name in names}


@dataclass(frozen=True)
class Agreement:
    """How near a run is to the released one, or several runs together.

    ``differences``: for each of ``NAMES`` the absolute differences ``(N, 7)`` of the rows where ours is valid;
    ``same``: whether the AV class is equal, on each frame whose reference is not an all-zero row; ``frames``: all.
    """

    differences: dict[str, Double]
    same: Boolean
    frames: int

    def mean(self, modality: str) -> float:
        """The mean absolute difference of a model's probabilities."""
        return float(self.differences[modality].mean())

    def least_compared(self) -> float:
        """The share of frames whose rows could be compared, for the model that has fewest."""
        return min(len(rows) for rows in self.differences.values()) / self.frames


def agreement(analysis: Analysis, run: ReleasedRun) -> Agreement:
    """Compares the primary face with the released run."""
    face = analysis.face(analysis.primary)
    assert face is not None
    differences = {}
    for modality in NAMES:
        ours, theirs = getattr(face, modality), getattr(run, modality)[face.frames]
        differences[modality] = np.abs(ours.values - theirs)[ours.valid]
    same = face.compound.classes == run.classes[face.frames]
    return Agreement(differences, same[~run.all_zero[face.frames]], len(run.classes))


def together(parts: Iterable[Agreement]) -> Agreement:
    """All frames of all runs, each counting alike."""
    parts = list(parts)
    differences = {name: np.concatenate([part.differences[name] for part in parts]) for name in NAMES}
    return Agreement(differences, np.concatenate([part.same for part in parts]), sum(part.frames for part in parts))
