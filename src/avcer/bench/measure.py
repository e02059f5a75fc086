"""Measures analyses: a warm-up, repeats, medians; each stage; a process of its own; and the released way beside it.

A stage is busy while it works; stages may overlap in threads, so that their seconds may add up to more than a run's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, Final

from avcer.bench.baseline import Baseline, check_extra
from avcer.bench.flops import detector_size, gflop, input_shape
from avcer.bench.once import Alone, analyse_alone
from avcer.bench.roof import measure
from avcer.models.card import Role
from avcer.models.choice import choose_all
from avcer.models.runtime import int8_in_use
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.types import Clip

NETWORKS: Final[dict[str, Role]] = {"detect": "detector", "static": "static", "dynamic": "dynamic", "audio": "audio"}
"""The stages that run a network, and whose it is."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run: busy seconds, how many items it took, the GFLOP of all of them (0 without a network), and the
    number format of these.
    """

    seconds: float
    items: float
    gflop: float = 0.0
    format: str = "float32"

    def __add__(self, other: Stage) -> Stage:
        seconds, items = self.seconds + other.seconds, self.items + other.items
        return Stage(seconds, items, self.gflop + other.gflop, self.format)


@dataclass(frozen=True)
class Run:
    """One way through one clip, or through several: ``duration_s`` of video in ``frames`` frames took ``seconds``."""

    duration_s: float
    frames: int
    seconds: float
    stages: dict[str, Stage]

    @property
    def rtf(self) -> float:
        """The real-time factor: seconds of work for a second of video; 0 if nobody knows how long the video is."""
        return self.seconds / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def fps(self) -> float:
        """Frames a second of work."""
        return self.frames / self.seconds

    @property
    def gflop(self) -> float:
        """The arithmetic of all networks."""
        return sum(stage.gflop for stage in self.stages.values())


@dataclass(frozen=True)
class Measured:
    """What was measured of one clip: the analysis (medians), a process that did nothing else, and the baseline."""

    video: Path
    run: Run
    alone: Alone
    baseline: Run | None


class Bench:
    """Measures clips under one set of options, on the processor.

    Args:
        options: of the analysis; its device must be ``cpu``, the roof of which is known.
        repeats: analyses of each clip, after one that does not count.
        baseline: run each clip the released way, too, once.

    Raises:
        UsageError, ModelError: as ``Analyzer``.
        MissingExtraError: a baseline without PyTorch.
    """

    def __init__(self, options: Options, repeats: int = 3, baseline: bool = False) -> None:
        if baseline:
            check_extra()
        self.options = options
        self.repeats = repeats
        self._with_baseline = baseline
        self._analyzer = Analyzer(options)
        self._models = choose_all(options.models, options.own_models)
        self.machine = measure()

    def measure(self, video: Path) -> Measured:
        """One clip; and the machine once more.

        Raises:
            InputError: it cannot be analysed.
        """
        clip, run = self._repeated(video)
        alone = analyse_alone(video, self.options)
        baseline = self._baseline(video, clip) if self._with_baseline else None
        self.machine = self.machine.best(measure())
        return Measured(video, run, alone, baseline)

    def _repeated(self, video: Path) -> tuple[Clip, Run]:
        clip = self._analyzer.analyze(video).clip
        each = self._work_an_item(clip, self.options.side, self._formats())
        runs = []
        for _ in range(self.repeats):
            started = time.perf_counter()
            analysis = self._analyzer.analyze(video)
            seconds = time.perf_counter() - started
            runs.append(_run(clip, seconds, analysis.provenance.timings["stages"], each))
        return clip, middle(runs)

    @cached_property
    def _released(self) -> Baseline:
        """Loaded when the first clip has been measured, so that PyTorch does not stand in its way."""
        return Baseline(self._models, self._analyzer.policy)

    def _baseline(self, video: Path, clip: Clip) -> Run:
        timings = self._released.analyze(video).timings
        return _run(clip, timings["seconds"], timings["stages"], self._work_an_item(clip, 0, {}))

    def _formats(self) -> dict[str, str]:
        """Stage -> the number format of its network."""
        usual, precision = self.machine.format_of(self.options.precision), self.options.precision
        return {
            stage: "int8" if int8_in_use(self._models[role], "cpu", precision) else usual
            for stage, role in NETWORKS.items()
        }

    def _work_an_item(self, clip: Clip, longest_side: int, formats: Mapping[str, str]) -> dict[str, Stage]:
        """Stage -> what one item is, but for its time."""
        size = detector_size(clip.height, clip.width, longest_side)
        models = {stage: self._models[role] for stage, role in NETWORKS.items()}
        return {
            stage: Stage(0.0, 1, gflop(model, input_shape(model.card, size)), formats.get(stage, "float32"))
            for stage, model in models.items()
        }


def _run(clip: Clip, seconds: float, stages: Mapping[str, Mapping[str, Any]], each: Mapping[str, Stage]) -> Run:
    """A run from what it noted of its stages, and from what an item of each is."""
    known = {}
    for name, taken in stages.items():
        one, items = each.get(name, Stage(0.0, 1)), float(taken["items"])
        known[name] = replace(one, seconds=float(taken["seconds"]), items=items, gflop=items * one.gflop)
    return Run(clip.duration_s, clip.frame_count, seconds, known)


def middle(runs: Sequence[Run]) -> Run:
    """Repeats of one run as one: medians of all seconds; items are those of the first."""
    first = runs[0]
    stages = {
        name: replace(stage, seconds=median(run.stages[name].seconds for run in runs))
        for name, stage in first.stages.items()
    }
    return Run(first.duration_s, first.frames, median(run.seconds for run in runs), stages)


def together(runs: Sequence[Run]) -> Run:
    """Runs of several clips as one that does them in turn."""
    stages: dict[str, Stage] = {}
    for run in runs:
        for name, stage in run.stages.items():
            stages[name] = stages[name] + stage if name in stages else stage
    return Run(
        sum(run.duration_s for run in runs), sum(run.frames for run in runs), sum(run.seconds for run in runs), stages
    )
