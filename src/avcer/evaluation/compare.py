"""Two or more runs on the same clips: what each scores, and how sure it is that one is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.decision.express import OPEN, read_open
from avcer.decision.fuse import FusionWeights
from avcer.decision.policy import Policy
from avcer.decision.weigh import Weighing
from avcer.errors import InputError
from avcer.evaluation.side_by_side import predictions
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.tables.frames import read_frames
from avcer.identity import summary
from avcer.labels import BASIC
from avcer.options import IMPLIED
from avcer.parsing import json_of
from avcer.types import Double, Integer


@dataclass(frozen=True)
class Run:
    """A run as its folder holds it: labels, AV predictions (-1 for nothing), videos and recordings (``FrameTable``) of
    its rows ``(N,)``; the labels are below ``classes``.
    """

    name: str
    labels: Integer
    predicted: Integer
    videos: NDArray[np.str_]
    recordings: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))
    classes: int = len(BASIC)

    def __post_init__(self) -> None:
        if not self.recordings.size:
            object.__setattr__(self, "recordings", self.videos)

    @property
    def groups(self) -> int:
        """How many recordings there are to draw."""
        return len(np.unique(self.recordings))

    def same_rows(self, other: Run) -> bool:
        """Whether the other run is on the same rows, with the same labels."""
        labels = self.classes == other.classes and np.array_equal(self.labels, other.labels)
        return labels and np.array_equal(self.videos, other.videos)


@dataclass(frozen=True)
class Compared:
    """A run beside the first one: its scores, the difference in macro F1 with its 95 % interval, and how often, of the
    bootstrap draws over recordings, the difference has the other sign or none (two-sided ``p``). Of one recording,
    interval and p are not-a-number.
    """

    name: str
    n: int
    uar: float
    macro_f1: float
    difference: float
    interval: tuple[float, float]
    p: float


def compare_runs(folders: Sequence[Path]) -> list[Compared]:
    """Every run beside the first.

    Raises:
        InputError: a folder holds no run, or the runs are not on the same rows.
    """
    runs = [read_run(folder) for folder in folders]
    return [beside(runs[0], run) for run in runs]


def read_run(folder: Path) -> Run:
    """The run in a folder that ``avcer evaluate CORPUS`` wrote.

    Raises:
        InputError: it holds none.
    """
    try:
        about: dict[str, Any] = json_of((folder / "metrics.json").read_text(encoding="utf-8"))["about"]
        policy = policy_of(about)
    except FileNotFoundError as error:
        raise InputError(f"{folder}: holds no run; give a folder that avcer evaluate wrote") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: holds no run ({error}); give a folder that avcer evaluate wrote") from error
    run = Run(folder.name, *predictions(read_frames([folder / "frames.csv"]), policy))
    if not len(run.labels):
        raise InputError(f"{folder}: has no row with a basic emotion; runs are compared on those")
    return run


def policy_of(about: Mapping[str, Any]) -> Policy:
    """How a run weighed what the models say, by what its metrics say about it."""
    weights, rule = FusionWeights.of_dict(about["fusion"]), about["rule"]
    if rule != OPEN:
        return Policy(weights, rule=rule)
    return Policy(weights, rule=rule, numbers=replace(read_open(), weighing=_weighing(about)))


def _weighing(about: Mapping[str, Any]) -> Weighing | None:
    """The weighing of face and voice that a run had; runs of before tell it only by the digest of all its numbers, or
    by weights that are not their family's own.
    """
    if "weighing" in about:
        return Weighing.of_dict(about["weighing"]) if about["weighing"] else None
    shipped, options = read_open(), about["options"]
    digest = options.get("decision")
    if digest == summary(shipped.as_dict()):
        return shipped.weighing
    plain = digest == summary(replace(shipped, weighing=None).as_dict())
    given = about["fusion"]["name"] != IMPLIED[options["models"]].fusion
    return None if plain or given else shipped.weighing


def beside(first: Run, run: Run) -> Compared:
    """A run beside the first one.

    Raises:
        InputError: they are not on the same rows.
    """
    if not first.same_rows(run):
        raise InputError(f"{run.name}: is not on the same rows as {first.name}; compare runs on the same clips")
    score, reference = (metrics.macro_f1(one.labels, one.predicted) for one in (run, first))
    coarser = min(first, run, key=lambda one: one.groups)  # tables of before do not know what is a part of what
    draws = [drawn(replace(one, recordings=coarser.recordings)) for one in (run, first)]
    differences = intervals.macro_f1(draws[0]) - intervals.macro_f1(draws[1])
    other_way = min(float(np.mean(differences <= 0)), float(np.mean(differences >= 0)))
    return Compared(
        run.name,
        len(run.labels),
        metrics.uar(run.labels, run.predicted),
        score,
        score - reference,
        intervals.interval(differences, coarser.groups),
        min(1.0, 2 * other_way) if coarser.groups > 1 else float("nan"),
    )


def drawn(run: Run) -> Double:
    """Confusion matrices ``(draws, C + 1, C + 1)`` of the recordings drawn again; the same draws for every run on the
    same ones. The last class is 'nothing', which no row has.
    """
    said = np.where(run.predicted < 0, run.classes, run.predicted)
    return intervals.bootstrap(run.labels, said, run.recordings, run.classes + 1)
