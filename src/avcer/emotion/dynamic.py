"""Dynamic visual model: what ten samples of one face, five a second, say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np

from avcer.emotion.probabilities import in_basic_order, softmax
from avcer.models.card import ModelCard
from avcer.models.engine import Engine, batch_size
from avcer.models.preparation import prepared_by
from avcer.types import SAME_TIME_S, Double, Float

STEPS: Final = 10
INTERVAL_S: Final = 0.2
"""Two seconds, five samples a second; source: AVCER, and its released code's ``round(5 * fps / 25)`` frames."""
MAX_BATCH: Final = 64
"""Windows a call on a processor."""


class FeatureWindow:
    """The last samples of one face, taken by time: the k-th is due ``k * interval_s`` after the face's first frame.

    A sample is the first frame at or after its due time, so that none drifts, whatever the frame rate. At the start the
    first vector fills the window; where due times passed without a face the last vector stands in for each, so that
    the window always spans the same time.
    """

    def __init__(self, steps: int = STEPS, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._steps = steps
        self._samples: list[Float] = []
        self._first_s = 0.0
        self._latest = 0

    def push(self, time_s: float, feature: Float) -> Float | None:
        """Takes the next frame of the face.

        Args:
            time_s: its time, not before that of the frame pushed last.
            feature: ``(D,)``, from the static model.

        Returns:
            The window ``(steps, D)``, oldest sample first, if the frame is a sample, else None.
        """
        if not self._samples:
            self._first_s = time_s
            self._samples = [feature] * self._steps
            return np.stack(self._samples)
        due = self.due(time_s - self._first_s)
        if due <= self._latest:
            return None
        missed = min(due - self._latest - 1, self._steps)
        self._samples = [*self._samples, *[self._samples[-1]] * missed, feature][-self._steps :]
        self._latest = due
        return np.stack(self._samples)

    def due(self, since_first_s: float) -> int:
        """The number of the sample that is due this long after the face's first frame, which is number 0."""
        return math.floor((since_first_s + SAME_TIME_S) / self._interval_s)


@dataclass(frozen=True)
class FeatureSteps:
    """What a dynamic model is given: ``steps`` samples of a face, one every ``interval_s`` seconds.

    ``static_sha256``: of the static model's graph whose features it was trained on, where that was noted.
    """

    kind: ClassVar[str] = "feature_steps"

    steps: int = STEPS
    interval_s: float = INTERVAL_S
    static_sha256: str = ""

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants that a card names."""
        return cls(**constants)

    def as_dict(self) -> dict[str, Any]:
        """The constants, for a card."""
        return {name: value for name, value in asdict(self).items() if value != ""}


class DynamicModel:
    """A dynamic model of either family; its card may give another window than the published one."""

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self.card = card
        self.preparation = prepared_by(card, {FeatureSteps.kind: FeatureSteps})
        self._engine = engine

    def window(self) -> FeatureWindow:
        """An empty window for a new face, as this model wants it."""
        return FeatureWindow(self.preparation.steps, self.preparation.interval_s)

    def predict(self, windows: Float) -> Double:
        """Probabilities ``(N, 7)`` in the order of ``BASIC`` at the last sample of each window ``(N, steps, D)``."""
        size = batch_size(self._engine, MAX_BATCH)
        parts = [windows[start : start + size] for start in range(0, len(windows), size)]
        logits = np.concatenate([self._engine(part)[0] for part in parts])
        return in_basic_order(softmax(logits), self.card.labels)
