"""What writing and reading share: the name and version of the format, and what follows from the stored arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avcer.decision.compound import TABLE, Rule, salience, scores
from avcer.decision.fuse import FusionWeights, fuse, hold_gaps
from avcer.labels import Vocabulary
from avcer.modalities import Modality
from avcer.provenance import Provenance
from avcer.types import Double, EmotionProbabilities

FORMAT: Final = "avcer-analysis"
VERSION: Final = 2


class Implied:
    """What the stored emotions imply, as far as the provenance says how it was decided."""

    def __init__(self, provenance: Provenance, modalities: tuple[Modality, ...], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.weights: FusionWeights | None = None
        self.fill_gaps = bool(provenance.options.get("fill_gaps"))
        decided = provenance.options.get("rule")
        self.rule: Rule | None = next((rule for rule, row in TABLE.items() if rule == decided and not row.stored), None)
        if "weights" in provenance.fusion:
            self.weights = FusionWeights.of_dict(dict(provenance.fusion), modalities)

    def fused(self, said: Mapping[str, EmotionProbabilities]) -> Double | None:
        """``(F, 7)``; None where the weights are not known."""
        if self.weights is None:
            return None
        found = fuse(said, self.weights)
        return (hold_gaps(found) if self.fill_gaps else found).probabilities.values

    def scores(self, emotions: EmotionProbabilities) -> Double | None:
        """``(F, L)``; None where they do not follow from the emotions."""
        if self.rule is None:
            return None
        return np.where(emotions.valid[:, np.newaxis], scores(emotions.values, self.vocabulary, self.rule), 0.0)

    def probability(self, classes: NDArray[np.int64], table: Double) -> Double | None:
        """``(F,)``: the winner's score."""
        if self.rule is None:
            return None
        return np.where(classes >= 0, table[np.arange(len(table)), classes], 0.0)

    def salience(self, emotions: EmotionProbabilities, classes: NDArray[np.int64]) -> Double | None:
        """``(F,)`` percent; -1 where there is none."""
        if self.rule is None:
            return None
        share = salience(emotions.values, self.vocabulary)[np.arange(len(classes)), classes]
        return np.where(classes >= 0, 100 * share, -1.0)
