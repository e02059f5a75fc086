"""Fitting the rule ``open``: how many emotions people see, and how sure to be, for each set of modalities.

Pictures come with the votes of ten people. What the dynamic model would see is put together from their guises
(``sequences``), and a voice that shows the same emotion stands beside each face (one of the two, for a blend). The
numbers are fitted on the training faces, and the label sets on the validation faces; voices are those kept from the
audio model, half of the speakers for each of the two.

A photograph beside a voice does not speak, and a film of it tells so (``stills``). Faces that do are put together, too:
they look like another face as often as the rule's ``weighing`` says that faces do that speak.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.decision.express import BLEND, FILE_FORMAT, OPEN, OpenRule, read_open
from avcer.decision.fuse import FusionWeights, pool, read_fusion
from avcer.decision.likely import PAIRS, Likelihood
from avcer.decision.policy import Policy
from avcer.decision.weigh import NEUTRAL, SURPRISE, WITH_SURPRISE
from avcer.emotion.dynamic import STEPS, DynamicModel
from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.evaluation.expressions import kinds_of, score_labels, voted_labels
from avcer.evaluation.tables.faces import FaceTable, read_faces
from avcer.files import atomic_text, make_folder
from avcer.labels import BASIC, PAIRS_15
from avcer.modalities import AUDIO, MODALITIES
from avcer.models.choice import choose_all, expect_roles
from avcer.models.runtime import load_engine
from avcer.training import dynamic, fusion, stills
from avcer.training.faces import canvases
from avcer.training.finish import rounded
from avcer.training.fusion import FOLDS, Voices
from avcer.training.likelihood import cuts_of, fit_likelihood, with_cuts
from avcer.training.loop import Plan, Report
from avcer.training.sequences import Guises, compose, guises
from avcer.training.static import model_inputs
from avcer.types import Boolean, Double, ExpressionTimeline, Integer

RECIPE: Final = Path(__file__).parent / "recipes" / "decision.toml"
DECISION_FILE: Final = "decision.json"
_FACES: Final = [place for place, one in enumerate(MODALITIES) if one.speaks_for == "face"]
LEAST_VOTES: Final = 2
"""A table where no picture has more is not one of votes."""


@dataclass(frozen=True)
class Rows:
    """N labelled rows: ``values (N, M, 7)``, what the modalities say; ``labels (N,)`` as of ``voted_labels``;
    ``activity (N, M)`` as of ``EmotionProbabilities``.
    """

    values: Double
    labels: Integer
    activity: Double


def train(tables: Sequence[Path], out: Path, report: Report = print, own_models: Sequence[Path] = ()) -> OpenRule:
    """Fits the rule on ``tables``: faces with votes, and labelled speech, both needed. Writes ``out/decision.json``,
    with what it scores on the validation part.

    Raises:
        UsageError: one of ``own_models`` is a detector, which has no say here.
        InputError: a table is of neither kind, or one of the two kinds is missing.
        ModelError: a model of the family is not installed.
    """
    expect_roles(own_models, ("static", "dynamic", "audio"), "train decision")
    plan = Plan.read(RECIPE)
    faces, speech = fusion.sort_tables(tables)
    voted = read_votes(faces)
    heard = fusion.voice_probabilities(speech, own_models)
    report(f"{len(heard.labels)} recordings for validation")
    weights = read_fusion("mini")
    fitting, aside = (rows_of(voted, heard, kept, plan, own_models, report) for kept in (False, True))
    sets = {name: _fit(fitting, aside, weights, chosen, plan) for name, chosen in sets_of_modalities()}
    rule = OpenRule(sets, tuple(plan.options["preference"]), plan.options["floor"], read_open().weighing)
    spoken = speaking_rows(aside, rule, plan.seed)
    rule = replace(rule, sets={name: _recut(rule, name, spoken, weights, plan) for name in sets})
    about = {
        "found_by": "avcer train decision",
        "on": f"{', '.join(path.name for path in tables)}: {len(fitting.labels)} training faces; label sets on "
        f"{len(aside.labels)} validation faces",
        "validation": rounded(judge(rule, aside, weights, plan)),
        "speaking": rounded(judge(rule, spoken, weights, plan, with_voice=True)),
    }
    make_folder(out)
    with atomic_text(out / DECISION_FILE) as part:
        json.dump({"format": FILE_FORMAT, **rounded(rule.as_dict()), "about": about}, part, indent=1)
        part.write("\n")
    for name, scores in about["validation"].items():
        report(
            f"{name:9} kind UAR {scores['kind_uar']:.3f}  accuracy {scores['accuracy']:.3f}  ECE {scores['ece']:.3f}"
        )
    return rule


def speaking_rows(rows: Rows, rule: OpenRule, seed: int) -> Rows:
    """The rows as faces that speak: each looks as it would, neutral, with its mouth opened as in surprise (an emotion
    then like itself with Surprise, half of the time), or like any other, as often as the rule's ``weighing`` says.
    """
    if rule.weighing is None:
        return rows
    random, speaking = np.random.default_rng((seed, 2)), rule.weighing.speaking
    known = np.flatnonzero(np.all(np.any(rows.values > 0, axis=2), axis=1))
    shares = (speaking.as_is, speaking.neutral, speaking.opened, speaking.any)
    values = rows.values[known].copy()
    for place, how in enumerate(random.choice(4, len(known), p=np.array(shares) / sum(shares))):
        label = int(rows.labels[known[place]])
        shown = (label, NEUTRAL, _opened(label, random), None)[how]
        alike = known if shown is None else known[rows.labels[known] == shown]
        if how and len(alike):
            values[place, _FACES] = rows.values[random.choice(alike), _FACES]
    return Rows(values, rows.labels[known], np.full((len(known), len(MODALITIES)), np.nan))


def _opened(label: int, random: np.random.Generator) -> int:
    pair = WITH_SURPRISE.get(label)
    return SURPRISE if pair is None or random.random() < 0.5 else pair


def read_votes(paths: Sequence[Path]) -> FaceTable:
    """The one table of faces with votes.

    Raises:
        InputError: there is none, or there are several.
    """
    tables = [table for path in paths if (table := read_faces(path)).all_votes.max() >= LEAST_VOTES]
    if len(tables) != 1:
        raise InputError(f"{paths[0]}: the decision is fitted on one table of faces with votes; {len(tables)} given")
    return tables[0]


def sets_of_modalities() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every set of modalities: its headings joined by '+', and its places in ``MODALITIES``."""
    for count in range(1, len(MODALITIES) + 1):
        for chosen in combinations(range(len(MODALITIES)), count):
            yield "+".join(MODALITIES[place].curve for place in chosen), chosen


def rows_of(
    table: FaceTable, heard: Voices, aside: bool, plan: Plan, own_models: Sequence[Path], report: Report
) -> Rows:
    """What the static model says of the clear faces of one part; and for a draw of them, what the dynamic one says of
    ten samples of each (some of them disturbed), and the audio model of a voice beside it.
    """
    models = choose_all("mini", own_models)
    static = StaticModel(models["static"].card, load_engine(models["static"], "cpu", "float32"))
    moving = DynamicModel(models["dynamic"].card, load_engine(models["dynamic"], "cpu", "float32"))
    faces, known = _clear(table, aside)
    seen_once = static.predict(model_inputs(faces)).probabilities
    drawn = np.sort(np.random.default_rng(plan.seed).permutation(len(known))[: plan.options["faces"]])
    labels = known[drawn]
    report(f"{len(known)} faces {'for validation' if aside else 'to fit on'}, {len(drawn)} of them seen ten times")
    options = plan.options | {kind: Plan.read(dynamic.RECIPE).options[kind] for kind in ("clean", "disturbed")}
    seen = guises(
        canvases(faces.rows(_marked(drawn, len(known))), 0.0, np.ones(len(labels), np.float32)),
        static,
        options,
        plan.seed + aside,
    )
    random = np.random.default_rng((plan.seed, aside))
    sequences = [compose(_alone(seen, row), 1, STEPS, plan.options["steps"], random) for row in range(len(labels))]
    dynamic_says = moving.predict(np.concatenate([one.features for one in sequences]))
    voices = voices_for(labels, fusion.one_fold(heard, int(aside)), random)
    values = np.zeros((len(known), len(MODALITIES), len(BASIC)))
    values[:, 0] = seen_once
    values[drawn, 1], values[drawn, 2] = dynamic_says, voices
    activity = np.full(values.shape[:2], np.nan)
    if aside:
        activity[drawn[:, np.newaxis], np.array(_FACES)] = stills.movements(faces.pictures[drawn], plan.seed)[
            :, np.newaxis
        ]
    return Rows(values, known, activity)


def _clear(table: FaceTable, aside: bool) -> tuple[FaceTable, Integer]:
    """The faces of one part that people agree about, and their labels."""
    labels = voted_labels(table.votes.astype(np.float64))
    rows = (table.validation == aside) & (labels >= 0)
    if not rows.any():
        raise InputError(f"{table.name}: needs clearly voted faces both to fit on and for validation; add rows")
    return table.rows(rows), labels[rows]


def _marked(rows: Integer, count: int) -> Boolean:
    marked = np.zeros(count, dtype=np.bool_)
    marked[rows] = True
    return marked


def _alone(seen: Guises, row: int) -> Guises:
    part = slice(row, row + 1)
    return Guises(seen.clean[part], seen.disturbed[part], seen.targets[part], np.ones(1))


def voices_for(labels: Integer, heard: Voices, random: np.random.Generator) -> Double:
    """``(N, 7)``: for each label, what the audio model says of a voice with its emotion, or with one of its two; zeros
    where no voice shows it.
    """
    values = np.zeros((len(labels), len(BASIC)))
    for row, label in enumerate(labels):
        emotion = label if label < len(BASIC) else random.choice(PAIRS[label - len(BASIC)])
        rows = np.flatnonzero(heard.labels == emotion)
        if len(rows):
            chances = heard.chances[rows] / heard.chances[rows].sum()
            values[row] = heard.values[random.choice(rows, p=chances)]
    return values


def _values(rows: Rows, weights: FusionWeights, chosen: tuple[int, ...]) -> tuple[Double, Integer]:
    """What a set of modalities says ``(K, 7)`` on the rows where they all speak, and their labels."""
    speaking = np.any(rows.values > 0, axis=2)
    kept = speaking[:, chosen].all(axis=1)
    present: Boolean = np.zeros(speaking.shape, dtype=np.bool_)
    present[:, chosen] = True
    if len(chosen) == 1:
        return rows.values[kept, chosen[0]], rows.labels[kept]
    return pool(rows.values[kept], present[kept], weights)[0], rows.labels[kept]


def _fit(fitting: Rows, aside: Rows, weights: FusionWeights, chosen: tuple[int, ...], plan: Plan) -> Likelihood:
    fitted = fit_likelihood(*_values(fitting, weights, chosen))
    return with_cuts(fitted, *_values(aside, weights, chosen), plan.options["coverage"])


def judge(
    rule: OpenRule, aside: Rows, weights: FusionWeights, plan: Plan, with_voice: bool = False
) -> dict[str, dict[str, Any]]:
    """Set of modalities -> scores on the validation rows; ``with_voice`` only those of faces and a voice. Coverage is
    counted on one half, cuts from the other.
    """
    return {
        name: score_labels(labels, said.classes, said.probability)
        | coverage_of(said.scores, labels, plan.options["coverage"])
        for name, chosen in sets_of_modalities()
        if not with_voice or {place in _FACES for place in chosen} == {True, False}
        for said, labels in [_said(rule, aside, weights, chosen)]
    }


def _said(
    rule: OpenRule, rows: Rows, weights: FusionWeights, chosen: tuple[int, ...]
) -> tuple[ExpressionTimeline, Integer]:
    """What is decided from a set of modalities on the rows where they all speak, and their labels."""
    kept = np.any(rows.values > 0, axis=2)[:, chosen].all(axis=1)
    present = np.zeros(rows.values[kept].shape[:2], dtype=np.bool_)
    present[:, chosen] = True
    policy = Policy(weights, PAIRS_15, OPEN, numbers=rule)
    said = policy.named(rows.values[kept], present, activity=rows.activity[kept])
    if len(chosen) == 1:
        return policy.curves(said)[MODALITIES[chosen[0]].curve], rows.labels[kept]
    return policy.decide(said).expression, rows.labels[kept]


def _recut(rule: OpenRule, name: str, spoken: Rows, weights: FusionWeights, plan: Plan) -> Likelihood:
    """The numbers of a set; where faces and a voice are weighed, with cuts for faces that speak."""
    chosen = dict(sets_of_modalities())[name]
    if AUDIO not in [MODALITIES[place] for place in chosen]:
        return rule.sets[name]
    said, labels = _said(rule, spoken, weights, chosen)
    return replace(rule.sets[name], cuts=cuts_of(said.scores, labels, plan.options["coverage"]))


def coverage(fitted: Likelihood, values: Double, labels: Integer, wanted: float) -> dict[str, Any]:
    """As ``coverage_of`` what is likely by ``fitted`` of ``values (N, 7)``."""
    return coverage_of(fitted(values), labels, wanted)


def coverage_of(likely: Double, labels: Integer, wanted: float) -> dict[str, Any]:
    """The share of rows whose set holds the true label, in all and by kind, and the mean size of the sets; ``likely
    (N, 22)``. Cuts are from one half of the rows, for the other.
    """
    halves = np.arange(len(labels)) % FOLDS
    of_label = kinds_of(np.arange(likely.shape[1]))
    held, sizes = np.zeros(len(labels), dtype=np.bool_), np.zeros(len(labels))
    for half in range(FOLDS):
        rows, others = halves == half, halves != half
        sets = likely[rows] >= np.array(cuts_of(likely[others], labels[others], wanted))[of_label]
        held[rows] = sets[np.arange(len(sets)), labels[rows]]
        sizes[rows] = sets.sum(axis=1)
    kinds = kinds_of(labels)
    by_kind = [float(np.mean(held[kinds == kind])) for kind in range(BLEND + 1) if np.any(kinds == kind)]
    return {"coverage": float(held.mean()), "coverage_by_kind": by_kind, "set_size": float(sizes.mean())}
