"""How far a person and the machine agree, over the time that the person judged.

Cohen's kappa (1960): agreement beyond what the two would reach by chance, from how often each says each label. Time
that the person neither corrected nor confirmed counts for nothing: a person who looks only at what is wrong will agree
little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avcer.labels import NONE
from avcer.output.corrections import Corrections, labelled, of_people
from avcer.types import Double, Segment


@dataclass(frozen=True, eq=False)
class Agreement:
    """``seconds (L, L)``: for how long the machine said ``labels[row]`` and the person ``labels[column]``."""

    labels: tuple[str, ...]
    seconds: Double

    @property
    def judged_s(self) -> float:
        """Seconds that the person judged."""
        return float(self.seconds.sum())

    @property
    def share(self) -> float | None:
        """The share of that time in which both say the same; None where nothing was judged."""
        return float(np.trace(self.seconds)) / self.judged_s if self.judged_s else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None where nothing was judged, or chance alone would agree everywhere."""
        if self.share is None:
            return None
        by_chance = float(self.seconds.sum(axis=1) @ self.seconds.sum(axis=0)) / self.judged_s**2
        return (self.share - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else None


def agreement(segments: Sequence[Segment], corrections: Corrections) -> Agreement:
    """Compares the machine's segments with those of a person, each second of a person's face once."""
    machine: dict[int | None, list[Segment]] = defaultdict(list)
    for part in (part for one in segments for part in of_people(one, corrections)):
        machine[part.face].append(part)
    found: dict[tuple[str, str], float] = defaultdict(float)
    for said in labelled(corrections):
        left_s = said.end_s - said.start_s
        for one in machine[said.face]:
            both_s = min(one.end_s, said.end_s) - max(one.start_s, said.start_s)
            if both_s > 0:
                found[one.label, said.label] += both_s
                left_s -= both_s
        if left_s > 1e-6:  # less is rounding
            found[NONE, said.label] += left_s
    labels = tuple(sorted({label for pair in found for label in pair}))
    seconds = np.zeros((len(labels), len(labels)))
    for (row, column), amount_s in found.items():
        seconds[labels.index(row), labels.index(column)] = amount_s
    return Agreement(labels, seconds)
