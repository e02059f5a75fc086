"""The emotions of faces over time: the static model looks at every face, or only as often as it takes.

Between two looks that agree, what a face shows is taken to lie on the straight line from one to the other; where they
differ, the frames between are looked at, too.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avcer.emotion.dynamic import DynamicModel, FeatureWindow
from avcer.emotion.static import StaticModel
from avcer.labels import BASIC
from avcer.timing import Stages
from avcer.types import Double, Float, Image


@dataclass(frozen=True)
class Sighting:
    """One face of one frame: its track, the frame's index and time, the whole BGR picture, the box ``(4,)``."""

    track: int
    frame: int
    time_s: float
    image: Image
    box: Float


Locate = Callable[[Sequence[Sighting]], Sequence[Float]]
"""Says where the faces of sightings, which are about to be looked at, are exactly: a box ``(4,)`` for each."""


def as_sighted(sightings: Sequence[Sighting]) -> list[Float]:
    """The boxes that the sightings came with."""
    return [sighting.box for sighting in sightings]


@dataclass(frozen=True)
class LookPlan:
    """How often the static model looks at a face.

    Every ``every``-th frame, or if that is None where the dynamic model needs it; and between two such looks, where an
    emotion's probability differs by more than ``steady_within`` from one to the other, halfway again and again.
    """

    every: int | None = 1
    steady_within: float = 0.0


class Reader:
    """Reads the faces of a clip, batch by batch, in the order of time."""

    def __init__(self, static: StaticModel, dynamic: DynamicModel, plan: LookPlan, stages: Stages) -> None:
        self._static = static
        self._dynamic = dynamic
        self._plan = plan
        self._stages = stages
        self._readings: dict[int, _Readings] = {}

    def read(self, sightings: Sequence[Sighting], locate: Locate = as_sighted) -> None:
        """Takes the faces of the next frames; each inside its picture by a pixel at least, and so where ``locate`` says
        that those are which are looked at.
        """
        rows: dict[int, list[_Row]] = {}
        for sighting in sightings:
            rows.setdefault(sighting.track, []).append(_Row(sighting))
            if sighting.track not in self._readings:
                self._readings[sighting.track] = _Readings(self._dynamic.window(), sighting.time_s)
        faces = [(self._readings[track], own) for track, own in rows.items()]
        wanted = [row for readings, own in faces for row in self._keys(own, readings)]
        while wanted:
            self._look(wanted, locate([row.sighting for row in wanted]))
            wanted = [row for readings, own in faces for row in self._doubtful(own, readings.last)]
        steps = [(readings, step) for readings, own in faces for step in readings.take(own)]
        if steps:
            with self._stages.stage("dynamic", len(steps)):
                outputs = self._dynamic.predict(np.stack([window for _, window in steps]))
            for (readings, _), probabilities in zip(steps, outputs, strict=True):
                readings.dynamic.extend(probabilities.tolist())

    def readings(self) -> Mapping[int, tuple[Double, Double]]:
        """Track id -> static and dynamic probabilities ``(N, 7)``, a row for each of its sightings."""
        return {track: (one.static_rows(), one.dynamic_rows()) for track, one in self._readings.items()}

    def _keys(self, rows: Sequence[_Row], readings: _Readings) -> Iterator[_Row]:
        """Those that are looked at in any case; the last always is, so that none waits for the next batch."""
        every, before = self._plan.every, readings.due
        for row in rows:
            due = readings.steps_due(row.sighting.time_s)
            regular = due > before if every is None else row.sighting.frame % every == every - 1
            if regular or before < 0 or row is rows[-1]:
                yield row
            before = due

    def _doubtful(self, rows: Sequence[_Row], before: tuple[float, Double] | None) -> Iterator[_Row]:
        """The middle ones of those between two looks that differ."""
        between: list[_Row] = []
        for row in rows:
            if row.probabilities is None:
                between.append(row)
                continue
            differ = before is not None and np.abs(row.probabilities - before[1]).max() > self._plan.steady_within
            if between and differ:
                yield between[len(between) // 2]
            before, between = (row.sighting.time_s, row.probabilities), []

    def _look(self, rows: Sequence[_Row], boxes: Sequence[Float]) -> None:
        with self._stages.stage("static", len(rows)):
            prepared = [self._static.prepare(row.sighting.image, box) for row, box in zip(rows, boxes, strict=True)]
            output = self._static.predict(np.stack([face for face in prepared if face is not None]))
        for row, probabilities, feature in zip(rows, output.probabilities, output.features, strict=True):
            row.probabilities, row.feature = probabilities, feature


@dataclass
class _Row:
    """A sighting, and what the static model says of it: nothing where it is not looked at."""

    sighting: Sighting
    probabilities: Double | None = None
    feature: Float | None = None


@dataclass
class _Readings:
    """One face so far: a static row for each sighting, a dynamic row for each step of the window.

    Plain arrays keep an hour of video within a few megabytes. ``last``: time and probabilities of the last look;
    ``due``: the number of the window's step that was due at the last sighting, -1 before the first.
    """

    window: FeatureWindow
    first_s: float
    static: array[float] = field(default_factory=lambda: array("d"))
    dynamic: array[float] = field(default_factory=lambda: array("d"))
    steps: array[int] = field(default_factory=lambda: array("q"))  # the static rows at which the dynamic rows begin
    last: tuple[float, Double] | None = None
    due: int = -1

    def steps_due(self, time_s: float) -> int:
        return self.window.due(time_s - self.first_s)

    def take(self, rows: Sequence[_Row]) -> list[Float]:
        """Adds the rows; returns the windows ``(steps, D)`` that became due."""
        begin, due = len(self.static) // len(BASIC), []
        knots = [] if self.last is None else [self.last]
        for number, row in enumerate(rows):
            if row.probabilities is None or row.feature is None:
                continue
            knots.append((row.sighting.time_s, row.probabilities))
            window = self.window.push(row.sighting.time_s, row.feature)
            if window is not None:
                self.steps.append(begin + number)
                due.append(window)
        self.static.extend(_on_lines(knots, [row.sighting.time_s for row in rows]).ravel().tolist())
        self.last, self.due = knots[-1], self.steps_due(rows[-1].sighting.time_s)
        return due

    def static_rows(self) -> Double:
        return np.array(self.static).reshape(-1, len(BASIC))

    def dynamic_rows(self) -> Double:
        """A row for each sighting: between steps the last output holds."""
        outputs = np.array(self.dynamic).reshape(-1, len(BASIC))
        rows = np.arange(len(self.static) // len(BASIC))
        held: Double = outputs[np.searchsorted(np.array(self.steps), rows, side="right") - 1]
        return held


def _on_lines(knots: Sequence[tuple[float, Double]], times_s: Sequence[float]) -> Double:
    """Probabilities ``(N, 7)`` at ``times_s`` on the straight lines between those at the knots' own times."""
    values = np.stack([probabilities for _, probabilities in knots])
    at = [time_s for time_s, _ in knots]
    return np.stack([np.interp(times_s, at, column) for column in values.T], axis=1)
