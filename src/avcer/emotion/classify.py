"""Emotions of faces over time: the static model classifies every face, or only as many as it takes.

Between two classified frames that agree, the probabilities are taken to lie on the straight line from one to the
other; where the two differ, the frames between them are classified, too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avcer.emotion.dynamic import DynamicModel, FeatureWindow
from avcer.emotion.static import StaticModel
from avcer.labels import BASIC
from avcer.models.engine import Items
from avcer.timing import Stages
from avcer.types import Double, Float, Image


@dataclass(frozen=True)
class Observation:
    """One face on one frame: its track, the frame's index and time, the whole BGR picture, the box ``(4,)``."""

    track: int
    frame: int
    time_s: float
    image: Image
    box: Float


Locate = Callable[[Sequence[Observation]], Sequence[Float]]
"""Gives the exact box ``(4,)`` of each of the observations that are about to be classified."""


def observed_boxes(observations: Sequence[Observation]) -> list[Float]:
    """The boxes that the observations came with."""
    return [one.box for one in observations]


@dataclass(frozen=True)
class ClassifyPlan:
    """On which frames the static model classifies a face.

    ``every``: on every so many frames; None for the frames that the dynamic model needs. ``steady_within``: where an
    emotion's probability differs by more than this between two classified frames, the middle frame between them is
    classified as well, and so on until neighbours agree.
    """

    every: int | None = 1
    steady_within: float = 0.0


class FaceClassifier:
    """Classifies the faces of a clip with the static and the dynamic model, batch by batch, in the order of time."""

    def __init__(self, static: StaticModel, dynamic: DynamicModel, plan: ClassifyPlan, stages: Stages) -> None:
        self._static = static
        self._dynamic = dynamic
        self._plan = plan
        self._stages = stages
        self._tracks: dict[int, _Track] = {}

    def classify(self, observations: Sequence[Observation], locate: Locate = observed_boxes) -> None:
        """Takes the faces of the next frames. Each box, that of the observation and that of ``locate``, must lie inside
        its picture by a pixel at least.
        """
        rows: dict[int, list[_Row]] = {}
        for one in observations:
            rows.setdefault(one.track, []).append(_Row(one))
            if one.track not in self._tracks:
                self._tracks[one.track] = _Track(self._dynamic.window(), one.time_s)
        faces = [(self._tracks[track], own) for track, own in rows.items()]
        wanted = [row for track, own in faces for row in self._keys(own, track)]
        while wanted:
            self._run_static(wanted, locate([row.observation for row in wanted]))
            wanted = [row for track, own in faces for row in self._uncertain(own, track.last)]
        steps = [(track, step) for track, own in faces for step in track.take(own)]
        if steps:
            with self._stages.stage("dynamic", len(steps)):
                outputs = self._dynamic.predict(np.stack([window for _, window in steps]))
            for (track, _), probabilities in zip(steps, outputs, strict=True):
                track.dynamic.extend(probabilities.tolist())

    def rows(self, track: int, start: int = 0, stop: int | None = None) -> tuple[Double, Double]:
        """Static and dynamic probabilities ``(N, 7)`` of a track's observations from ``start`` up to ``stop``."""
        one = self._tracks[track]
        stop = one.count if stop is None else stop
        return one.static_rows(start, stop), one.dynamic_rows(start, stop)

    def probabilities(self) -> Mapping[int, tuple[Double, Double]]:
        """Track id -> static and dynamic probabilities ``(N, 7)``, a row for each of its observations."""
        return {track: self.rows(track) for track in self._tracks}

    def _keys(self, rows: Sequence[_Row], track: _Track) -> Iterator[_Row]:
        """The rows that are classified in any case; the last always is, so that none waits for the next batch."""
        every, before = self._plan.every, track.due
        for row in rows:
            due = track.steps_due(row.observation.time_s)
            regular = due > before if every is None else row.observation.frame % every == every - 1
            if regular or before < 0 or row is rows[-1]:
                yield row
            before = due

    def _uncertain(self, rows: Sequence[_Row], before: tuple[float, Double] | None) -> Iterator[_Row]:
        """The middle row between each two classified rows that differ."""
        between: list[_Row] = []
        for row in rows:
            if row.probabilities is None:
                between.append(row)
                continue
            differ = before is not None and np.abs(row.probabilities - before[1]).max() > self._plan.steady_within
            if between and differ:
                yield between[len(between) // 2]
            before, between = (row.observation.time_s, row.probabilities), []

    def _run_static(self, rows: Sequence[_Row], boxes: Sequence[Float]) -> None:
        with self._stages.stage("static", len(rows)):
            faces = [self._prepared(row.observation, box) for row, box in zip(rows, boxes, strict=True)]
            output = self._static.predict(np.stack(faces))
        for row, probabilities, feature in zip(rows, output.probabilities, output.features, strict=True):
            row.probabilities, row.feature = probabilities, feature

    def _prepared(self, one: Observation, box: Float) -> Items:
        face = self._static.prepare(one.image, box)
        assert face is not None, f"frame {one.frame}: the box {box.tolist()} lies outside the picture"
        return face


@dataclass
class _Row:
    """An observation, and the static model's output for it: None where it is not classified."""

    observation: Observation
    probabilities: Double | None = None
    feature: Float | None = None


@dataclass
class _Track:
    """One face so far: a static row for each observation, a dynamic row for each step of the window.

    Plain arrays keep an hour of video within a few megabytes. ``last``: time and probabilities of the last classified
    row; ``due``: the number of the window's step that was due at the last observation, -1 before the first.
    """

    window: FeatureWindow
    first_s: float
    static: array[float] = field(default_factory=lambda: array("d"))
    dynamic: array[float] = field(default_factory=lambda: array("d"))
    steps: array[int] = field(default_factory=lambda: array("q"))  # the static rows at which the dynamic rows begin
    last: tuple[float, Double] | None = None
    due: int = -1

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.static) // len(BASIC)

    def steps_due(self, time_s: float) -> int:
        return self.window.due(time_s - self.first_s)

    def take(self, rows: Sequence[_Row]) -> list[Float]:
        """Adds the rows; returns the windows ``(steps, D)`` that became due."""
        begin, due = self.count, []
        knots = [] if self.last is None else [self.last]
        for number, row in enumerate(rows):
            if row.probabilities is None or row.feature is None:
                continue
            knots.append((row.observation.time_s, row.probabilities))
            window = self.window.push(row.observation.time_s, row.feature)
            if window is not None:
                self.steps.append(begin + number)
                due.append(window)
        self.static.extend(_on_lines(knots, [row.observation.time_s for row in rows]).ravel().tolist())
        self.last, self.due = knots[-1], self.steps_due(rows[-1].observation.time_s)
        return due

    def static_rows(self, start: int, stop: int) -> Double:
        return np.array(self.static[start * len(BASIC) : stop * len(BASIC)]).reshape(-1, len(BASIC))

    def dynamic_rows(self, start: int, stop: int) -> Double:
        """A row for each observation: between two steps the last output holds."""
        held = [bisect_right(self.steps, row) - 1 for row in (start, stop - 1)] if stop > start else [0, -1]
        first, last = held
        outputs = np.array(self.dynamic[first * len(BASIC) : (last + 1) * len(BASIC)]).reshape(-1, len(BASIC))
        steps = np.array(self.steps[first : last + 1], np.int64)
        return outputs[np.searchsorted(steps, np.arange(start, stop), side="right") - 1]


def _on_lines(knots: Sequence[tuple[float, Double]], times_s: Sequence[float]) -> Double:
    """Probabilities ``(N, 7)`` at ``times_s`` on the straight lines between those at the knots' own times."""
    values = np.stack([probabilities for _, probabilities in knots])
    at = [time_s for time_s, _ in knots]
    return np.stack([np.interp(times_s, at, column) for column in values.T], axis=1)
