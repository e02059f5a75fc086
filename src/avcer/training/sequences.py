"""Feature sequences put together from labelled faces, because no labelled videos are at hand.

A state is one labelled face: at each step of 0.2 s one of its guises is seen. States hold, and change suddenly or
over some steps. Some steps are disturbed: a bad view of the same face, another face (a wrong match), or the last sample
once more (a gap). The target stays that of the true state, so a model learns what to believe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avcer.emotion.static import StaticModel
from avcer.models.networks.mini_static import SIZE
from avcer.training.faces import Augmentation, Canvases
from avcer.types import Boolean, Double, Float, Integer


@dataclass(frozen=True)
class Guises:
    """What the static model says of M faces: ``clean (M, K, D + 7)`` and ``disturbed (M, K, D + 7)``, features and
    then probabilities, each in K guises; ``targets (M, 7)``; ``chances (M,)`` add up to 1.
    """

    clean: Float
    disturbed: Float
    targets: Float
    chances: Double


@dataclass(frozen=True)
class Sequences:
    """N sequences of L steps: ``features (N, L, D)``; ``static (N, L, 7)``, the static model's probabilities;
    ``targets (N, L, 7)``; ``changed (N, L)``, where a new state begins; ``disturbed (N, L)``.
    """

    features: Float
    static: Float
    targets: Float
    changed: Boolean
    disturbed: Boolean


def guises(faces: Canvases, static: StaticModel, options: dict[str, Any], seed: int) -> Guises:
    """Each face in ``options["guises"]`` clean and as many disturbed guises, seen by the static model."""
    views = []
    for number, kind in enumerate(("clean", "disturbed")):
        augment = Augmentation(SIZE, options[kind], seed + number)
        seen = [_seen(faces, augment, static) for _ in range(options["guises"])]
        views.append(np.stack(seen, axis=1))
    return Guises(views[0], views[1], faces.targets, faces.chances / faces.chances.sum(dtype=np.float64))


def _seen(faces: Canvases, augment: Augmentation, static: StaticModel) -> Float:
    rows = []
    for start in range(0, len(faces.pictures), 256):
        part = slice(start, start + 256)
        output = static.predict(_as_input(static, augment(faces.pictures[part], faces.visible[part])))
        rows.append(np.concatenate([output.features, output.probabilities], axis=1).astype(np.float32))
    return np.concatenate(rows)


def _as_input(static: StaticModel, faces: Tensor) -> Float:
    """Grey faces ``(N, 1, 48, 48)``, 0 to 1, as either family's static model takes them."""
    if static.card.family == "mini":
        mini: Float = faces.numpy()
        return mini
    pictures = (faces[:, 0] * 255).round().byte().numpy()[..., None].repeat(3, axis=3)
    return np.stack([static.prepare_face(picture) for picture in pictures])


def compose(guises: Guises, count: int, length: int, options: dict[str, Any], random: np.random.Generator) -> Sequences:
    """``count`` new sequences of ``length`` steps. ``options`` gives the probabilities a step, and the longest ramp."""
    changed = random.random((count, length)) < options["change"]
    changed[:, 0] = False
    states = np.cumsum(changed, axis=1)
    cast = random.choice(len(guises.targets), (count, length + 1), p=guises.chances)
    now = np.take_along_axis(cast, states + 1, axis=1)
    before = np.take_along_axis(cast, states, axis=1)
    share = _ramp(changed, random.integers(0, options["ramp"] + 1, (count, 1)))[..., None]
    samples = share * _any(guises.clean, now, random) + (1 - share) * _any(guises.clean, before, random)
    targets = share * guises.targets[now] + (1 - share) * guises.targets[before]
    samples, disturbed = _disturb(samples, guises, now, options, random)
    _fill_start(samples, targets, options, random)
    width = guises.targets.shape[1]
    return Sequences(samples[..., :-width], samples[..., -width:], targets.astype(np.float32), changed, disturbed)


def _ramp(changed: Boolean, steps: Integer) -> Float:
    """How much of a new state shows at each step, ``(N, L)``, when a change takes ``steps (N, 1)`` beyond its first."""
    positions = np.arange(changed.shape[1])
    latest = np.maximum.accumulate(np.where(changed, positions, -1000), axis=1)
    return np.minimum((positions - latest + 1) / (steps + 1), 1).astype(np.float32)


def _any(views: Float, faces: Integer, random: np.random.Generator) -> Float:
    chosen: Float = views[faces, random.integers(0, views.shape[1], faces.shape)]
    return chosen


def _disturb(
    samples: Float, guises: Guises, now: Integer, options: dict[str, Any], random: np.random.Generator
) -> tuple[Float, Boolean]:
    shape = now.shape
    begins = random.random(shape) < options["disturbance"]
    begins[:, 0] = False
    goes_on = np.roll(begins, 1, axis=1) & (random.random(shape) < options["second_step"])
    bad, wrong = begins | goes_on, random.random(shape) < options["wrong_face"]
    others = random.choice(len(guises.targets), shape, p=guises.chances)
    samples = np.where((bad & ~wrong)[..., None], _any(guises.disturbed, now, random), samples)
    samples = np.where((bad & wrong)[..., None], _any(guises.clean, others, random), samples)
    missing: NDArray[np.bool_] = random.random(shape) < options["gap"]
    for step in range(1, shape[1]):
        samples[:, step] = np.where(missing[:, step, None], samples[:, step - 1], samples[:, step])
    return samples, bad


def _fill_start(samples: Float, targets: Float, options: dict[str, Any], random: np.random.Generator) -> None:
    """In some sequences the face has only just appeared: its first sample stands in for what came before."""
    for row in np.flatnonzero(random.random(len(samples)) < options["start"]):
        first = random.integers(1, samples.shape[1])
        samples[row, :first], targets[row, :first] = samples[row, first], targets[row, first]
