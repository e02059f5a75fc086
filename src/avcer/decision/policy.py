"""How to decide: one policy for an analysis, an evaluation and an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from avcer.decision.compound import RULES as PAIR_RULES
from avcer.decision.compound import Rule as PairRule
from avcer.decision.compound import decide
from avcer.decision.express import OPEN, OpenRule, express, labels_of, read_open
from avcer.decision.fuse import FusionWeights, fuse, hold_gaps
from avcer.labels import C_EXPR_DB, Vocabulary
from avcer.types import Boolean, Double, EmotionProbabilities, ExpressionTimeline

Rule = Literal["open"] | PairRule
RULES: Final[tuple[Rule, ...]] = ("open", *PAIR_RULES)
"""``open`` says neutral, one emotion or a blend (``express``); the others name a pair wherever they can (``compound``).
"""


@dataclass(frozen=True)
class Decided:
    """``fused``: the undivided weighted sums; ``expression``: what is decided from them."""

    fused: EmotionProbabilities
    expression: ExpressionTimeline


@dataclass(frozen=True)
class Policy:
    """Fusion weights, vocabulary and rule; ``fill_gaps`` holds the last fused row where none is valid; ``numbers`` are
    those of the rule ``open``, None for those that are shipped.
    """

    weights: FusionWeights
    vocabulary: Vocabulary = C_EXPR_DB
    rule: Rule = "1"
    fill_gaps: bool = False
    numbers: OpenRule | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """What can be said, in the order of the classes."""
        return labels_of(self.vocabulary) if self.rule == OPEN else self.vocabulary.names

    def decide(self, said: Mapping[str, EmotionProbabilities]) -> Decided:
        """Fuses what the modalities say, each ``(T, 7)`` by its name, and decides."""
        fused = fuse(said, self.weights)
        if self.fill_gaps:
            fused = hold_gaps(fused)
        present = {one.curve: said[one.name].valid for one in self.weights.modalities if one.name in said}
        return Decided(fused.probabilities, self._express(fused.probabilities, present, fused.contributions))

    def alone(self, emotions: EmotionProbabilities) -> ExpressionTimeline:
        """The same decision from one modality's own unweighted probabilities."""
        present = {one.curve: emotions.valid for one in self.weights.modalities if one.name == emotions.source}
        return self._express(emotions, present)

    def _express(
        self,
        emotions: EmotionProbabilities,
        present: Mapping[str, Boolean],
        contributions: Double | None = None,
    ) -> ExpressionTimeline:
        if self.rule == OPEN:
            return express(emotions, present, self.vocabulary, self.numbers or read_open(), contributions)
        return decide(emotions, self.vocabulary, self.rule, contributions)

    def curves(self, said: Mapping[str, EmotionProbabilities]) -> dict[str, ExpressionTimeline]:
        """The decision from each modality alone, by its heading."""
        return {one.curve: self.alone(said[one.name]) for one in self.weights.modalities if one.name in said}

    def named(self, values: Double, present: Boolean, times_s: Double | None = None) -> dict[str, EmotionProbabilities]:
        """``values (T, M, 7)`` where ``present (T, M)``, in the order of the weights, by the modalities' names."""
        clock = np.zeros(len(values)) if times_s is None else times_s
        return {
            name: EmotionProbabilities(clock, values[:, row], present[:, row], name)
            for row, name in enumerate(self.weights.names)
        }
