"""Whether an int8 model says what its original says, and in less time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final, TypeAlias

import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.faces.detect import DetectorOptions, faces_of_batch
from avcer.faces.track import overlaps
from avcer.models.card import Role
from avcer.models.engine import Engine
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel
from avcer.types import Double, Face, Float

Answers: TypeAlias = list[tuple[Float, ...]]
"""What a network returns, for each input alone."""
SAME_FACE: Final = 0.8
"""Least intersection over union of the two boxes of one face."""


@dataclass(frozen=True)
class Comparison:
    """An int8 model against its original in float32, over ``items`` inputs that were not used to make it.

    ``same``: share of inputs with the same top class; of pictures with the same faces. ``difference``: how far the
    probabilities lie apart on average; of a detector, how much of two boxes of a face lies outside of what they share.
    ``same_before``, ``difference_before``: the same of the default precision, for comparison. ``ms_before``,
    ``ms_after``: milliseconds for one input at the default precision and in int8, medians.
    """

    items: int
    same: float
    difference: float
    same_before: float
    difference_before: float
    ms_before: float
    ms_after: float

    def told(self) -> str:
        """In one line."""
        near = f"{self.same:.1%} of {self.items} answers are the same, {self.difference:.4f} apart on average"
        before = f"at the default precision {self.same_before:.1%}, {self.difference_before:.4f}"
        return f"{near} ({before}); {self.ms_after:.1f} ms instead of {self.ms_before:.1f}"


@dataclass(frozen=True)
class Limits:
    """What an int8 model must hold: ``same`` at least, ``difference`` at most, ``time`` at most, as a share."""

    same: float = 0.97
    difference: float = 0.02
    time: float = 0.9

    def held_by(self, comparison: Comparison) -> bool:
        """Whether all three are held."""
        near = comparison.same >= self.same and comparison.difference <= self.difference
        return near and comparison.ms_after <= self.time * comparison.ms_before


def compare(
    models: Mapping[Role, InstalledModel], role: Role, made: InstalledModel, inputs: Sequence[Float]
) -> Comparison:
    """The model of ``role`` and ``made``, its int8 version, on inputs without a batch axis."""
    exact, _ = _answers(OpenVINOEngine(models[role], "float32"), inputs)
    usual, ms_before = _answers(OpenVINOEngine(models[role], "default"), inputs)
    ours, ms_after = _answers(OpenVINOEngine(made, "float32"), inputs)
    near: Callable[[Answers, Answers], tuple[float, float]] = _near
    if role == "detector":
        near = partial(_near_as_detector, [item.shape[1:] for item in inputs])
    elif role == "static":
        near = partial(_near_as_static, models["dynamic"])
    elif role == "audio":
        near = _near_in_all_answers
    return Comparison(len(inputs), *near(exact, ours), *near(exact, usual), ms_before, ms_after)


def _answers(engine: Engine, inputs: Sequence[Float]) -> tuple[Answers, float]:
    """What it says of each input alone, and the milliseconds that this took, by the median."""
    engine(inputs[0][None])
    answers, taken = [], []
    for item in inputs:
        started = time.perf_counter()
        outputs = engine(item[None])
        taken.append(time.perf_counter() - started)
        answers.append(tuple(np.array(output) for output in outputs))
    return answers, 1000 * median(taken)


def _near(one: Answers, other: Answers) -> tuple[float, float]:
    """Share of inputs with the same top class, and how far the probabilities lie apart on average."""
    return _near_in_classes(*(softmax(_stacked(answers, 0)) for answers in (one, other)))


def _near_in_all_answers(one: Answers, other: Answers) -> tuple[float, float]:
    """The worst of its answers, of which an audio model may have two."""
    pairs = ([softmax(_stacked(answers, output)) for answers in (one, other)] for output in range(len(one[0])))
    same, apart = zip(*(_near_in_classes(*pair) for pair in pairs), strict=True)
    return min(same), max(apart)


def _near_as_static(dynamic: InstalledModel, one: Answers, other: Answers) -> tuple[float, float]:
    """The worse of what it says itself, and of what the dynamic model makes of its features, of faces at rest."""
    engine, steps = OpenVINOEngine(dynamic, "float32"), int(dynamic.card.inputs[1])
    features = (np.maximum(_stacked(answers, 1), 0) for answers in (one, other))
    read = (softmax(engine(np.repeat(rows[:, None], steps, axis=1))[0].copy()) for rows in features)
    faces, windows = _near(one, other), _near_in_classes(*read)
    return min(faces[0], windows[0]), max(faces[1], windows[1])


def _near_in_classes(one: Double, other: Double) -> tuple[float, float]:
    same = np.mean(one.argmax(axis=1) == other.argmax(axis=1))
    return float(same), float(np.abs(one - other).mean())


def _near_as_detector(sizes: Sequence[tuple[int, ...]], one: Answers, other: Answers) -> tuple[float, float]:
    """Share of pictures with the same faces, and the mean of what the boxes of a face do not share."""
    same, apart = [], []
    for first, second in zip(_faces(one, sizes), _faces(other, sizes), strict=True):
        overlap = overlaps(*(np.array([face.box for face in faces]).reshape(-1, 4) for faces in (first, second)))
        best = overlap.max(axis=1, initial=0.0)
        same.append(len(first) == len(second) and bool((best >= SAME_FACE).all()))
        apart += (1 - best).tolist()
    return float(np.mean(same)), float(np.mean(apart)) if apart else 0.0


def _faces(answers: Answers, sizes: Sequence[tuple[int, ...]]) -> Iterator[list[Face]]:
    for (offsets, scores, landmarks), (height, width) in zip(answers, sizes, strict=True):
        yield from faces_of_batch((offsets, scores, landmarks), (height, width), DetectorOptions().min_score)


def _stacked(answers: Answers, output: int) -> Float:
    return np.concatenate([answer[output] for answer in answers])
