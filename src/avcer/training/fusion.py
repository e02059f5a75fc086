"""Fitting fusion weights where there is no audio-visual corpus: on pairs of a face and a voice of the same emotion.

Late fusion treats the models as independent given the emotion, so a face and a voice of different people will do. A
face is ten samples, as the dynamic model gets them; the static model sees the last one. The weights are the mean
of the best draws of the method's own search (``evaluation.fusion.search``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.decision.fuse import MEAN, PUBLISHED, FusionWeights, write_fusion
from avcer.emotion.dynamic import STEPS, DynamicModel
from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.evaluation.figures import draw_weights
from avcer.evaluation.fusion.search import NEUTRAL, best_draws, dirichlet_draws, fused_classes, search_score
from avcer.evaluation.protocols import Subject, classify_voices
from avcer.evaluation.statistics import metrics
from avcer.evaluation.tables.parquet import column_names
from avcer.files import atomic, make_folder
from avcer.labels import BASIC
from avcer.modalities import NAMES
from avcer.models.choice import choose_all, expect_roles
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel
from avcer.training import dynamic, static
from avcer.training.finish import rounded
from avcer.training.loop import Plan, Report
from avcer.training.sequences import Guises, Sequences, compose
from avcer.types import Double, Integer

RECIPE: Final = Path(__file__).parent / "recipes" / "fusion.toml"
FUSION_FILE: Final = "fusion.json"
FOLDS: Final = 2


@dataclass(frozen=True)
class Pairs:
    """N pairs: ``values (N, 3, 7)``, what the models of ``NAMES`` say; ``labels (N,)``."""

    values: Double
    labels: Integer


@dataclass(frozen=True)
class Voices:
    """R recordings: the audio model's ``values (R, 7)``; ``labels (R,)``; ``chances (R,)``, each table counting alike;
    ``folds (R,)``, which half each speaker belongs to.
    """

    values: Double
    labels: Integer
    chances: Double
    folds: NDArray[np.int64]


def train(tables: Sequence[Path], out: Path, report: Report = print, own_models: Sequence[Path] = ()) -> FusionWeights:
    """Fits weights on the validation parts of ``tables`` of labelled faces and of labelled speech, both needed.

    The models are the mini ones, or ``own_models`` in their places. Writes ``out/fusion.json``, which also says how
    the weights do on pairs that they were not fitted on, and its picture ``out/fusion.png``.

    Raises:
        UsageError: one of ``own_models`` is a detector, which has no say here.
        InputError: a table is of neither kind, one of the two kinds is missing, or they share no emotion but Neutral.
        ModelError: a model of the family is not installed.
    """
    expect_roles(own_models, ("static", "dynamic", "audio"), "train fusion")
    plan = Plan.read(RECIPE)
    models = choose_all("mini", own_models)
    faces, speech = sort_tables(tables)
    seen = face_features(faces, models["static"], plan, report)
    heard = voice_probabilities(speech, own_models)
    report(f"{len(heard.labels)} recordings for validation")
    folds = [pairs(half(seen, fold), one_fold(heard, fold), plan, models["dynamic"], fold) for fold in range(FOLDS)]
    scores = compare(folds, plan)
    weights = FusionWeights("mini", fit_weights(joined(folds), plan))
    about = {
        "found_by": f"avcer train fusion: the mean of the best {plan.options['best']} of {plan.options['draws']} draws",
        "on": f"pairs of validation faces and voices: {', '.join(path.name for path in tables)}",
        "crosswise": rounded(scores),
    }
    make_folder(out)
    with atomic(out / FUSION_FILE) as part:
        write_fusion(weights, part, about)
    draw_weights(weights, out / "fusion.png")
    for name, score in scores.items():
        report(f"{name:10} UAR {score['uar']:.3f}")
    return weights


def sort_tables(tables: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tables of faces, and tables of speech, by their columns.

    Raises:
        InputError: a file is no table, or none is of one of the kinds.
    """
    kinds: dict[str, list[Path]] = {"image": [], "audio": []}
    for path in tables:
        columns = column_names(path)
        kind = next((kind for kind in kinds if kind in columns), None)
        if kind is None:
            raise InputError(f"{path}: has neither the column image nor audio; give tables of faces and of speech")
        kinds[kind].append(path)
    if not all(kinds.values()):
        raise InputError(f"{tables[0]}: fusion is fitted on faces and voices; give tables of both")
    return kinds["image"], kinds["audio"]


def face_features(faces: Sequence[Path], installed: InstalledModel, plan: Plan, report: Report) -> Guises:
    """What the static model says of the validation faces, each in several guises."""
    model = StaticModel(installed.card, load_engine(installed, "cpu", "float32"))
    options = plan.options | {kind: Plan.read(dynamic.RECIPE).options[kind] for kind in ("clean", "disturbed")}
    return dynamic.face_features(static.read_tables(faces), True, model, replace(plan, options=options), report)


def voice_probabilities(speech: Sequence[Path], own_models: Sequence[Path] = ()) -> Voices:
    """What the audio model says of the validation recordings; the speakers of a table go to the halves by turns."""
    parts = []
    for table, said in classify_voices(speech, Subject("mini", "float32", "validation", tuple(own_models))):
        names = np.unique(table.speakers)
        counts = np.bincount(table.labels, minlength=len(BASIC))
        folds = np.searchsorted(names, table.speakers) % FOLDS
        parts.append(Voices(said, table.labels, 1 / counts[table.labels], folds))
    return Voices(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def half(seen: Guises, fold: int) -> Guises:
    """Every other face."""
    rows = np.arange(len(seen.targets)) % FOLDS == fold
    chances = seen.chances[rows] / seen.chances[rows].sum()
    return Guises(seen.clean[rows], seen.disturbed[rows], seen.targets[rows], chances)


def one_fold(heard: Voices, fold: int) -> Voices:
    """The recordings of one half of the speakers."""
    rows = heard.folds == fold
    return Voices(*(getattr(heard, name)[rows] for name in vars(heard)))


def pairs(seen: Guises, heard: Voices, plan: Plan, installed: InstalledModel, fold: int) -> Pairs:
    """As many pairs of each emotion that both faces and voices show.

    Raises:
        InputError: they share none, or Neutral alone, which the search does not count.
    """
    emotions = np.intersect1d(seen.targets.argmax(axis=1), heard.labels)
    if not np.any(emotions != NEUTRAL):
        raise InputError(
            "validation faces and voices share no emotion other than Neutral; give more of both, and voices of at "
            "least two validation speakers"
        )
    values = mixed(seen, heard, plan, installed, [(int(emotion), int(emotion)) for emotion in emotions], fold)
    return Pairs(values, np.repeat(emotions, plan.options["pairs"]))


def mixed(
    seen: Guises,
    heard: Voices,
    plan: Plan,
    installed: InstalledModel,
    emotions: Sequence[tuple[int, int]],
    fold: int = 0,
) -> Double:
    """What the models say ``(N, 3, 7)`` of faces that show the first emotion of each pair, and voices with the second;
    ``plan.options["pairs"]`` rows each.
    """
    random = np.random.default_rng((plan.seed, fold))
    visual = [_faces_of(seen, face, plan, random) for face, _ in emotions]
    voices = [_voices_of(heard, voice, plan, random) for _, voice in emotions]
    model = DynamicModel(installed.card, load_engine(installed, "cpu", "float32"))
    moving = model.predict(np.concatenate([sequences.features for sequences in visual]))
    still = np.concatenate([sequences.static[:, -1] for sequences in visual])
    values: Double = np.stack([still, moving, np.concatenate(voices)], axis=1)
    return values


def _faces_of(seen: Guises, emotion: int, plan: Plan, random: np.random.Generator) -> Sequences:
    """Sequences of ten samples, each of one face that shows the emotion."""
    rows = seen.targets.argmax(axis=1) == emotion
    chances = seen.chances[rows] / seen.chances[rows].sum()
    cast = Guises(seen.clean[rows], seen.disturbed[rows], seen.targets[rows], chances)
    return compose(cast, plan.options["pairs"], STEPS, plan.options["steps"], random)


def _voices_of(heard: Voices, emotion: int, plan: Plan, random: np.random.Generator) -> Double:
    rows = np.flatnonzero(heard.labels == emotion)
    chances = heard.chances[rows] / heard.chances[rows].sum()
    chosen: Double = heard.values[random.choice(rows, plan.options["pairs"], p=chances)]
    return chosen


def joined(folds: Sequence[Pairs]) -> Pairs:
    """All pairs in one."""
    return Pairs(np.concatenate([fold.values for fold in folds]), np.concatenate([fold.labels for fold in folds]))


def fit_weights(given: Pairs, plan: Plan) -> Double:
    """The method's own search; the mean of its best draws, which is steadier than the best one alone ``(3, 7)``."""
    draws = dirichlet_draws(len(NAMES), len(BASIC), plan.options["draws"], plan.seed)
    best = best_draws(given.values, given.labels, draws, plan.options["best"])
    weights: Double = np.mean([found.weights for found in best], axis=0)
    return weights


def compare(folds: Sequence[Pairs], plan: Plan) -> dict[str, dict[str, Any]]:
    """Each model alone and each way to fuse, judged crosswise: weights fitted on one half are scored on the other."""
    alone = {name: np.eye(len(NAMES))[:, [row]] * np.ones(len(BASIC)) for row, name in enumerate(NAMES)}
    fixed = alone | {"mean": MEAN.values, "published": PUBLISHED.values}
    scores = {name: [_score(fold, weights) for fold in folds] for name, weights in fixed.items()}
    winner = replace(plan, options=plan.options | {"best": 1})
    for name, how in (("search, its winner", winner), ("search", plan)):
        scores[name] = [
            _score(judged, fit_weights(joined([fold for fold in folds if fold is not judged]), how)) for judged in folds
        ]
    return {
        name: {key: float(np.mean([one[key] for one in halves])) for key in halves[0]}
        for name, halves in scores.items()
    }


def _score(given: Pairs, weights: Double) -> dict[str, float]:
    said = fused_classes(given.values, weights)
    return {
        "uar": metrics.uar(given.labels, said),
        "uar_without_neutral": search_score(given.values, given.labels, weights),
    }
