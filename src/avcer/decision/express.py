"""The rule ``open``: what is shown is neutral, one emotion, or a blend of two, with a calibrated probability.

Its numbers are fitted on people's votes by ``avcer train decision``; see ``likely`` for what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.decision.compound import shares
from avcer.decision.likely import Likelihood, pairs_of, within
from avcer.decision.weigh import Weighing
from avcer.errors import UsageError
from avcer.labels import BASIC, Vocabulary
from avcer.modalities import MODALITIES
from avcer.models.store import MINI
from avcer.parsing import json_of
from avcer.types import KINDS, Boolean, Double, EmotionProbabilities, ExpressionTimeline, Integer

OPEN: Final = "open"
FILE_FORMAT: Final = "avcer-decision"
SHIPPED: Final = MINI / "decision.json"
"""Fitted to the mini models."""
NEUTRAL, SINGLE, BLEND = range(3)
STANDS_OUT: Final = 2 / len(BASIC)
"""Where none of the seven has more than this, twice its chance, the models do not know: all labels are alike, and
'none' is said. So it is of music.
"""
OF_FACES: Final = frozenset(one.curve for one in MODALITIES if one.speaks_for == "face")
"""The headings of what speaks for a face."""
UNLIKELY: Final = 1e-3
"""What is left of the support of a label below the floor: a rare kind is preferred, but not against all odds."""
_NONE, _NEUTRAL, _BASIC, _COMPOUND = (KINDS.index(kind) for kind in ("none", "neutral", "basic", "compound"))


@dataclass(frozen=True)
class OpenRule:
    """Everything that the rule needs to know.

    ``sets``: for each set of modalities, by their headings joined by '+' (``VS``, ``VS+VD+A``), how likely each label
    is. ``preference``: what neutral, one emotion and a blend count for when the kind is chosen; more than 1 for kinds
    that are rare and would else be missed. ``floor``: no label less likely than this is said; 'none' if all are.
    ``weighing``: of faces and voices; None in files of before, whose sets with a voice say what both mean together.
    """

    sets: Mapping[str, Likelihood]
    preference: tuple[float, float, float]
    floor: float
    weighing: Weighing | None = None

    @classmethod
    def of_dict(cls, document: dict[str, Any]) -> OpenRule:
        """The rule that ``as_dict`` gave."""
        neutral, single, blend = document["preference"]
        sets = {name: Likelihood.of_dict(one) for name, one in document["sets"].items()}
        if not sets:
            raise ValueError("it has no set of modalities")
        weighing = Weighing.of_dict(document["weighing"]) if document.get("weighing") else None
        return cls(sets, (neutral, single, blend), document["floor"], weighing)

    def as_dict(self) -> dict[str, Any]:
        """The rule for its file and for the provenance."""
        sets = {name: one.as_dict() for name, one in self.sets.items()}
        document: dict[str, Any] = {"preference": list(self.preference), "floor": self.floor, "sets": sets}
        return document if self.weighing is None else {**document, "weighing": self.weighing.as_dict()}

    def fitted_for(self, present: Sequence[str]) -> Likelihood:
        """The numbers for the headings that are present; those of the set that has most in common with them, if none
        was fitted for just these.
        """
        wanted = set(present)

        def distance(name: str) -> tuple[int, int]:
            known = set(name.split("+"))
            return -len(wanted & known), len(known - wanted)

        return self.sets[min(self.sets, key=distance)]


def read_open(path: Path = SHIPPED) -> OpenRule:
    """The rule in a file that ``avcer train decision`` wrote.

    Raises:
        UsageError: no such file, or another kind of file.
    """
    try:
        status = path.stat()
        return _read_open(path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such decision file; give one that avcer train decision wrote") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: cannot be read as the numbers of the rule open ({error})") from error


@cache
def _read_open(path: Path, size: int, modified_ns: int) -> OpenRule:
    """Read once, and again when the file has changed."""
    document = json_of(path.read_text(encoding="utf-8"))
    if document["format"] != FILE_FORMAT:
        raise ValueError(f"its format is {document['format']!r}, not {FILE_FORMAT!r}")
    return OpenRule.of_dict(document)


def labels_of(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What can be said: Neutral, the six emotions, the compounds."""
    return (*BASIC, *vocabulary.names)


def flat(values: Double) -> Boolean:
    """``(T,)``: where nothing stands out of ``values (T, 7)``, of any sum."""
    found: Boolean = values.max(axis=1) <= STANDS_OUT * np.maximum(values.sum(axis=1), 1e-12)
    return found


@dataclass(frozen=True)
class Evidence:
    """How ``likely (T, 22)`` the labels are, where the models do not know, ``flat (T,)``, and the chance that a face
    speaks, ``speaks (T,)``.
    """

    likely: Double
    flat: Boolean
    speaks: Double

    def rows(self, chosen: Integer) -> Evidence:
        """The chosen rows."""
        return Evidence(self.likely[chosen], self.flat[chosen], self.speaks[chosen])


def weighed_evidence(
    faces: Double, seen: Mapping[str, Boolean], voices: Double, heard: Boolean, speaks: Double, rule: OpenRule
) -> Evidence:
    """What faces and voices say together, as the rule's ``weighing`` has it.

    Args:
        faces: ``(T, 7)``, of any sum; 0 where no face is seen.
        seen: heading -> ``(T,)``, where that modality of faces had its say.
        voices: ``(T, 7)``, of any sum.
        heard: ``(T,)``, where the voice counts.
        speaks: ``(T,)``, the chance that the face speaks; 1 where a voice alone counts.
        rule: the numbers; it has a weighing.
    """
    weighing = rule.weighing
    if weighing is None:
        raise ValueError("the rule has no weighing")
    likely = np.repeat(weighing.usual[np.newaxis], len(faces), axis=0)
    there = np.stack(list(seen.values()), axis=1)
    for combination in np.unique(there, axis=0):
        rows = np.flatnonzero((there == combination).all(axis=1))
        if combination.any():
            names = [name for name, is_there in zip(seen, combination, strict=True) if is_there]
            likely[rows] = rule.fitted_for(names)(faces[rows])
    even = np.full((len(faces), len(BASIC)), 1 / len(BASIC))
    total = voices.sum(axis=1, keepdims=True)
    said = np.where(heard[:, np.newaxis] & (total > 0), voices / np.where(total > 0, total, 1.0), even)
    rows = np.flatnonzero(speaks > 0)
    likely[rows] = weighing.likely(likely[rows], said[rows], speaks[rows])
    as_counted = (1 - speaks)[:, np.newaxis] * even + speaks[:, np.newaxis] * said
    return Evidence(likely, (flat(faces) | ~there.any(axis=1)) & (flat(as_counted) | ~heard), speaks)


@dataclass(frozen=True)
class Opinion:
    """For T rows and L labels: ``likely (T, L)``, how likely each label is; ``support (T, L)``, what the decision goes
    by: the label with the most is said, ``none`` in the last column of ``(T, L + 1)``. ``cuts (T, 3)`` as in
    ``Likelihood``; ``sets (T, L)``: the labels that reach the cut of their kind, also where the models do not know.
    """

    likely: Double
    support: Double
    cuts: Double
    sets: Boolean


def express(
    emotions: EmotionProbabilities,
    present: Mapping[str, Boolean],
    vocabulary: Vocabulary,
    rule: OpenRule,
    contributions: Double | None = None,
    evidence: Evidence | None = None,
) -> ExpressionTimeline:
    """What is shown on every frame.

    Args:
        emotions: fused weighted sums, or one modality's own probabilities.
        present: heading -> ``(T,)``, the rows on which that modality had its say.
        vocabulary: the compounds that may be named.
        rule: the numbers.
        contributions: ``(T, M, 7)`` as ``fuse`` gives them; without them there are no shares, ``(T, 0)``.
        evidence: how likely the labels are, where face and voice were weighed; None to tell from ``emotions``.
    """
    opinion = opine(emotions.values, present, vocabulary, rule, evidence)
    classes = choose(opinion.support)
    said = timeline(emotions, opinion.likely, classes, vocabulary, contributions)
    return replace(said, sets=opinion.sets & said.valid[:, np.newaxis])


def opine(
    values: Double,
    present: Mapping[str, Boolean],
    vocabulary: Vocabulary,
    rule: OpenRule,
    evidence: Evidence | None = None,
) -> Opinion:
    """How likely each label is on each row, and how much speaks for saying it."""
    likely = np.zeros((len(values), len(BASIC) + len(vocabulary)))
    cuts = np.zeros((len(values), 3))
    there = np.stack(list(present.values()), axis=1) if present else np.zeros((len(values), 0), bool)
    for combination in np.unique(there, axis=0):
        rows = np.flatnonzero((there == combination).all(axis=1))
        names = [name for name, is_there in zip(present, combination, strict=True) if is_there]
        fitted = rule.fitted_for(names)
        told = fitted(values[rows]) if evidence is None else evidence.likely[rows]
        likely[rows] = within(told, values[rows], vocabulary)
        cuts[rows] = fitted.cuts if evidence is None else _cuts(rule, names, evidence.speaks[rows])
    sets = _sets(likely, cuts)
    likely[flat(values) if evidence is None else evidence.flat] = 1 / likely.shape[1]
    return Opinion(likely, support_of(likely, rule), cuts, sets)


def _cuts(rule: OpenRule, names: Sequence[str], speaks: Double) -> Double:
    """``(T, 3)``: as far as a face does not speak, a voice beside it counts for nothing."""
    faces = [name for name in names if name in OF_FACES]
    spoken = np.array(rule.fitted_for(names).cuts)
    silent = np.array(rule.fitted_for(faces or names).cuts)
    cuts: Double = (1 - speaks)[:, np.newaxis] * silent + speaks[:, np.newaxis] * spoken
    return cuts


def _sets(likely: Double, cuts: Double) -> Boolean:
    """``(T, L)``: the labels that are so likely that a set of all of them holds the true one nine times in ten."""
    kinds = np.repeat([NEUTRAL, SINGLE, BLEND], [1, len(BASIC) - 1, likely.shape[1] - len(BASIC)])
    result: Boolean = likely >= cuts[:, kinds]
    return result


def choose(support: Double) -> Integer:
    """``(T, L + 1)`` -> ``(T,)``: the label with the most support; -1 for 'none'."""
    best = support.argmax(axis=1)
    return np.where(best == support.shape[1] - 1, -1, best)


def support_of(likely: Double, rule: OpenRule) -> Double:
    """A kind's best label has all that speaks for its kind, times the kind's preference; its other labels have less, in
    proportion. A label below the floor has next to nothing. 'none' has more than all labels where the likeliest is
    below the floor, and less where it is above.
    """
    support = np.zeros((len(likely), likely.shape[1] + 1))
    for kind, columns in enumerate((slice(0, 1), slice(1, len(BASIC)), slice(len(BASIC), likely.shape[1]))):
        part = likely[:, columns]
        if part.shape[1]:
            most = np.maximum(part.max(axis=1, keepdims=True), 1e-12)
            support[:, :-1][:, columns] = part / most * part.sum(axis=1, keepdims=True) * rule.preference[kind]
    support[:, :-1][likely < rule.floor] *= UNLIKELY
    said = support[:, :-1].argmax(axis=1)
    rows = np.arange(len(likely))
    doubt = (rule.floor / np.maximum(likely.max(axis=1), 1e-12)) ** 2
    support[:, -1] = support[rows, said] * doubt
    return support


def timeline(
    emotions: EmotionProbabilities,
    likely: Double,
    classes: Integer,
    vocabulary: Vocabulary,
    contributions: Double | None = None,
) -> ExpressionTimeline:
    """The record of the decision ``classes (T,)``, -1 for 'none', where the labels are ``likely (T, L)``."""
    valid = emotions.valid
    classes = np.where(valid, classes, -1)
    scores = np.where(valid[:, np.newaxis], likely, 0.0)
    rows = np.arange(len(classes))
    ranking = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    # Of 'none', the probability is that of the label that would have been said.
    said = np.where(classes >= 0, classes, ranking[:, 0])
    runner_up = np.where(ranking[:, 0] == said, ranking[:, 1], ranking[:, 0])
    return ExpressionTimeline(
        times_s=emotions.times_s,
        classes=classes,
        kind=kinds_of(classes),
        salience=_salience(emotions.values, classes, vocabulary),
        probability=scores[rows, said],
        runner_up=np.where(valid, runner_up, -1),
        scores=scores,
        shares=_shares(contributions, classes, vocabulary),
        valid=valid,
        labels=labels_of(vocabulary),
        vocabulary=vocabulary,
    )


def kinds_of(classes: Integer) -> Integer:
    """The code of ``KINDS`` of each of ``classes (T,)``."""
    codes = np.select([classes < 0, classes == 0, classes < len(BASIC)], [_NONE, _NEUTRAL, _BASIC], _COMPOUND)
    return codes.astype(np.int64)


def _salience(values: Double, classes: Integer, vocabulary: Vocabulary) -> Double:
    """Percent: the first emotion's share of a pair, 100 for one emotion, else NaN."""
    pairs = np.array([compound.indices for compound in vocabulary.compounds])
    percent = np.where((classes > 0) & (classes < len(BASIC)), 100.0, np.nan)
    blends = np.flatnonzero(classes >= len(BASIC))
    first, second = pairs[classes[blends] - len(BASIC)].T
    one, two = values[blends, first], values[blends, second]
    percent[blends] = 100 * np.where(one + two > 0, one, 0.5) / np.where(one + two > 0, one + two, 1.0)
    return percent


def _shares(contributions: Double | None, classes: Integer, vocabulary: Vocabulary) -> Double:
    """``(T, M)``: how much of the winning label's emotions each modality gave; zero for 'none'."""
    if contributions is None:
        return np.zeros((len(classes), 0))
    members = np.eye(len(BASIC) + len(vocabulary), len(BASIC))
    for place, pair in enumerate(pairs_of(vocabulary)):
        members[len(BASIC) + place, list(pair)] = 1.0
    return shares(contributions, members[classes], classes)
