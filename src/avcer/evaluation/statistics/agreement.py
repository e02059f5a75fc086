"""How far two analyses of one clip agree: what work may be left out is judged against doing all of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.labels import NONE
from avcer.types import EmotionProbabilities, ExpressionTimeline


@dataclass(frozen=True)
class Agreement:
    """``same`` of ``frames`` have the same AV class, or none alike; ``difference`` is the mean absolute difference of
    the fused probabilities where both know them.
    """

    frames: int
    same: int
    difference: float

    @property
    def share(self) -> float:
        """Of the frames, those with the same AV class."""
        return self.same / max(self.frames, 1)


def agreement(first: Analysis, second: Analysis) -> Agreement:
    """Compares what is decided for whoever leads, frame by frame.

    Raises:
        InputError: they are not of one clip, or choose among other compounds.
    """
    if len(first.times_s) != len(second.times_s) or first.vocabulary != second.vocabulary:
        raise InputError(f"{second.clip.path}: cannot be compared with {first.clip.path}: other frames or compounds")
    one, other = ((each.leader_fused(), each.leader()) for each in (first, second))
    return of_decisions(*one, *other)


def of_decisions(
    fused: EmotionProbabilities,
    decided: ExpressionTimeline,
    other_fused: EmotionProbabilities,
    other_decided: ExpressionTimeline,
) -> Agreement:
    """Compares two decisions on the same T frames, from the undivided fused sums of each ``(T, 7)``."""
    same = (_names(decided) == _names(other_decided)) & (decided.valid == other_decided.valid)
    both = fused.valid & other_fused.valid
    sums = fused.values[both], other_fused.values[both]
    shares = [values / np.maximum(values.sum(axis=1, keepdims=True), 1e-9) for values in sums]
    difference = float(np.abs(shares[0] - shares[1]).mean()) if both.any() else 0.0
    return Agreement(len(same), int(same.sum()), difference)


def _names(decided: ExpressionTimeline) -> NDArray[np.str_]:
    """The label of every frame: rules that can say other things are compared by what they say."""
    return np.array([*decided.labels, NONE])[decided.classes]


def together(parts: list[Agreement]) -> Agreement:
    """Of several clips, each frame counting the same."""
    frames = sum(part.frames for part in parts)
    difference = sum(part.difference * part.frames for part in parts) / max(frames, 1)
    return Agreement(frames, sum(part.same for part in parts), difference)
