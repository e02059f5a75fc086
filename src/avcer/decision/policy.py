"""How to decide: one policy for an analysis, an evaluation and an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from avcer.decision.align import held_rows
from avcer.decision.compound import TABLE as PAIR_RULES
from avcer.decision.compound import decide
from avcer.decision.express import OPEN, Evidence, OpenRule, express, labels_of, read_open, weighed_evidence
from avcer.decision.fuse import Fused, FusionWeights, active, fuse, hold_gaps, pool, stacked
from avcer.decision.weigh import Weighed, Weighing, weigh
from avcer.labels import C_EXPR_DB, Vocabulary
from avcer.modalities import Modality
from avcer.types import FUSED, Boolean, Double, EmotionProbabilities, ExpressionTimeline
from avcer.words import PairRule

Rule = Literal["open"] | PairRule
RULES: Final[tuple[Rule, ...]] = ("open", *PAIR_RULES)
"""``open`` says neutral, one emotion or a blend (``express``); the others name a pair wherever they can (``compound``).
"""
TITLES: Final[Mapping[str, str]] = {"open": "open rule", **{rule: row.title for rule, row in PAIR_RULES.items()}}
"""What pictures call them."""


@dataclass(frozen=True)
class Decided:
    """``fused``: the undivided weighted sums; ``expression``: what is decided from them."""

    fused: EmotionProbabilities
    expression: ExpressionTimeline


@dataclass(frozen=True)
class Policy:
    """Fusion weights, vocabulary and rule; ``fill_gaps`` holds the last fused row where none is valid; ``numbers`` are
    those of the rule ``open``, None for those that are shipped; ``least_segment_s`` is how long a label must last to be
    a segment.
    """

    weights: FusionWeights
    vocabulary: Vocabulary = C_EXPR_DB
    rule: Rule = "1"
    fill_gaps: bool = False
    numbers: OpenRule | None = None
    least_segment_s: float = 0.0

    @property
    def labels(self) -> tuple[str, ...]:
        """What can be said, in the order of the classes."""
        return labels_of(self.vocabulary) if self.rule == OPEN else self.vocabulary.names

    def decide(self, said: Mapping[str, EmotionProbabilities]) -> Decided:
        """Fuses what the modalities say, each ``(T, 7)`` by its name, and decides."""
        weighed = self._weighed(said)
        evidence = None
        if weighed is None:
            fused = fuse(said, self.weights)
        else:
            times_s = next(iter(said.values())).times_s
            valid = weighed.seen | weighed.heard
            fused = Fused(EmotionProbabilities(times_s, weighed.fused, valid, FUSED), weighed.contributions)
            evidence = self._evidence(weighed, said)
        if self.fill_gaps:
            valid = fused.probabilities.valid
            fused = hold_gaps(fused)
            if evidence is not None and valid.any():
                rows = held_rows(valid)
                evidence = evidence.rows(rows)
        present = {one.curve: said[one.name].valid for one in self.weights.modalities if one.name in said}
        return Decided(fused.probabilities, self._express(fused.probabilities, present, fused.contributions, evidence))

    def _express(
        self,
        emotions: EmotionProbabilities,
        present: Mapping[str, Boolean],
        contributions: Double | None = None,
        evidence: Evidence | None = None,
    ) -> ExpressionTimeline:
        if self.rule == OPEN:
            return express(emotions, present, self.vocabulary, self._open, contributions, evidence)
        return decide(emotions, self.vocabulary, self.rule, contributions)

    def curves(self, said: Mapping[str, EmotionProbabilities]) -> dict[str, ExpressionTimeline]:
        """The decision from each modality alone, unweighted, by its heading. Where face and voice are weighed, a face
        is taken for one that speaks, as far as it does.
        """
        weighed = self._weighed(said)
        found = {}
        for place, one in enumerate(self.weights.modalities):
            if one.name not in said:
                continue
            emotions, evidence = said[one.name], None
            if weighed is not None:
                evidence = self._evidence(weighed, said, one)
                emotions = replace(emotions, values=np.where(emotions.valid[:, np.newaxis], weighed.own[:, place], 0.0))
            found[one.curve] = self._express(emotions, {one.curve: emotions.valid}, evidence=evidence)
        return found

    def pooled(self, values: Double, present: Boolean, activity: Double | None = None) -> Double:
        """What the modalities say ``(T, M, 7)`` where ``present (T, M)``, in the order of the weights, as one: what
        ``decide`` fuses, ``(T, 7)``. ``activity (T, M)`` is as of ``EmotionProbabilities``, None for not known.
        """
        weighing = self.weighing
        if weighing is None:
            return pool(values, present, self.weights)[0]
        return weigh(values, present, self.weights, weighing, activity).fused

    def own(self, values: Double, present: Boolean, place: int, activity: Double | None = None) -> Double:
        """What one of the modalities, the one at that place, says by itself ``(T, 7)``, as it counts."""
        weighing = self.weighing
        if weighing is None:
            return values[:, place]
        return weigh(values, present, self.weights, weighing, activity).own[:, place]

    @property
    def _open(self) -> OpenRule:
        return self.numbers or read_open()

    @property
    def weighing(self) -> Weighing | None:
        """Of face and voice; None for the released rules, and for numbers of before."""
        return self._open.weighing if self.rule == OPEN else None

    def _weighed(self, said: Mapping[str, EmotionProbabilities]) -> Weighed | None:
        weighing = self.weighing
        if weighing is None:
            return None
        return weigh(*stacked(said, self.weights), self.weights, weighing, active(said, self.weights))

    def _evidence(
        self, weighed: Weighed, said: Mapping[str, EmotionProbabilities], alone: Modality | None = None
    ) -> Evidence:
        """How likely the labels are by all that was said, or by one modality alone."""
        faces, voices, heard = weighed.faces, weighed.voices, weighed.heard
        seen = {
            one.curve: said[one.name].valid
            for one in self.weights.modalities
            if one.speaks_for == "face" and one.name in said and alone in (None, one)
        }
        if alone is not None:
            if alone.speaks_for == "clip":
                heard, faces = said[alone.name].valid, np.zeros_like(faces)
                voices = weighed.own[:, self.weights.modalities.index(alone)]
            else:
                faces, heard = said[alone.name].values, np.zeros_like(heard)
        seen = seen or {"": np.zeros(len(faces), dtype=np.bool_)}
        there = np.stack(list(seen.values())).any(axis=0)
        speaks = np.where(there, weighed.speaks, heard)
        return weighed_evidence(faces, seen, voices, heard, speaks, self._open)

    def named(
        self, values: Double, present: Boolean, times_s: Double | None = None, activity: Double | None = None
    ) -> dict[str, EmotionProbabilities]:
        """``values (T, M, 7)`` where ``present (T, M)``, in the order of the weights, by the modalities' names; what is
        known of their ``activity (T, M)``.
        """
        clock = np.zeros(len(values)) if times_s is None else times_s
        known = np.full(present.shape, np.nan) if activity is None else activity
        return {
            name: EmotionProbabilities(clock, values[:, row], present[:, row], name, known[:, row])
            for row, name in enumerate(self.weights.names)
        }
