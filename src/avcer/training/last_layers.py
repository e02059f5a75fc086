"""``avcer train static --start`` and ``avcer train dynamic --start``: a mini face model gets a new last layer, fitted
on pictures and on clips of faces that speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from avcer.emotion.dynamic import STEPS, FeatureSteps
from avcer.emotion.probabilities import softmax
from avcer.emotion.static import StaticModel
from avcer.errors import InputError, ModelError
from avcer.evaluation.statistics.scores import doubts
from avcer.evaluation.tables.faces import FaceTable, doubt_faces, score_faces
from avcer.evaluation.tables.speaking import Speaking, read_speaking
from avcer.faces.detect import Detector
from avcer.labels import BASIC
from avcer.models.card import ModelCard, Role
from avcer.models.choice import choose
from avcer.models.networks.mini_dynamic import MiniDynamic
from avcer.models.networks.mini_static import FEATURES, SIZE, MiniStatic
from avcer.models.preparation import card_entry
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel
from avcer.training import dynamic, static
from avcer.training.finish import finish
from avcer.training.loop import Plan, Report
from avcer.training.readout import Layer, Lesson, Settings, fit, lesson_of_pictures
from avcer.training.sequences import Sequences as Made
from avcer.training.sequences import compose
from avcer.training.speaking import Material, Row, Watched, before_last, judge, lessons, table_text, write
from avcer.types import Float

CLIPS: Final = ".csv"
"""The ending of a table of clips; tables of pictures are Parquet."""
LIMITS: Final = (
    "The last layer also knows clips of a few people who act or talk calmly. It does better on other people of those "
    "sets, not on sets that it has not seen (see scores, speaking), and a little worse on photographs than before."
)


def train(
    tables: Sequence[Path],
    out: Path,
    epochs: int | None = None,
    report: Report = print,
    *,
    start: Path,
    role: Role,
    own_models: Sequence[Path] = (),
) -> ModelCard:
    """Fits the last layer of the mini model in the folder ``start`` anew on ``tables``, pictures (Parquet) and clips
    (CSV: path, label, speaker). Writes ``out/model``, and ``out/left-out.json``: how layers do on people and sets of
    clips that they are not fitted on.

    Raises:
        InputError: tables of one kind are missing or not what they should be, or ``epochs`` is given: there are none.
        ModelError: ``start`` is no mini model of that role, or the written model does not compute what was fitted.
    """
    if epochs is not None:
        raise InputError("the last layer is fitted in one go; leave --epochs out")
    pictures, clips = sort_tables(tables)
    kind: type[StaticTask | DynamicTask] = StaticTask if role == "static" else DynamicTask
    task = kind(pictures, clips, start, own_models, report)
    rows = judge(task.material, task.settings)
    report(table_text(rows))
    write(rows, out)
    layer = fit(lessons(task.material, task.settings, [None] * len(clips)), task.material.before, task.settings)
    layer.put(task.last)
    card = task.card(rows)
    return finish(out / "model", task.network, card, task.example, task.outputs)


def sort_tables(tables: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures, then clips.

    Raises:
        InputError: there are none of one kind.
    """
    clips = [path for path in tables if path.suffix.lower() == CLIPS]
    pictures = [path for path in tables if path not in clips]
    if not clips or not pictures:
        wanted = "tables of clips (.csv)" if not clips else "tables of pictures (.parquet)"
        raise InputError(f"{tables[0]}: a last layer is fitted on pictures and on clips; add {wanted}")
    return pictures, clips


class StaticTask:
    """A static model: its pictures are the training parts of tables of faces, each as it is."""

    outputs = ("logits", "features", "heat")

    def __init__(
        self, pictures: Sequence[Path], clips: Sequence[Path], start: Path, own_models: Sequence[Path], report: Report
    ) -> None:
        plan = Plan.read(static.RECIPE)
        self.settings = settings_of(plan)
        self.network, self.example = MiniStatic(), torch.rand(2, 1, SIZE, SIZE)
        self.before = begin(start, self.network, "mini-static")
        self.last = self.network.fc2
        self.tables = static.read_tables(pictures)
        self.clips = watch(clips, InstalledModel(self.before, start), report)
        seen = [Watched(one, self._features(one.inputs)) for one in self.clips]
        self.material = Material(Layer.of(self.last), [self._lesson(table, plan) for table in self.tables], seen)

    def _features(self, inputs: Float) -> Float:
        return before_last(self.last, self.network.classify, inputs)

    def _lesson(self, table: FaceTable, plan: Plan) -> Lesson:
        """A draw of the rows that the recipe trains on, as often as it draws them, with its targets."""
        chosen = table.rows(~table.validation)
        if not np.all(table.all_votes == 1):
            chosen = chosen.rows(chosen.votes.sum(axis=1) >= plan.options["least_votes"])
        drawn = np.random.default_rng(plan.seed).permutation(len(chosen)) < plan.options["readout_rows"]
        chosen = chosen.rows(drawn)
        targets = chosen.votes.astype(np.float64) / chosen.votes.sum(axis=1, keepdims=True)
        features = self._features(static.model_inputs(chosen))
        return lesson_of_pictures(features, targets, Layer.of(self.last), self.settings, 1 / len(self.tables))

    def card(self, rows: Sequence[Row]) -> ModelCard:
        """The card of before, with the scores of now."""
        validation = [table.rows(table.validation) for table in self.tables]
        scores: dict[str, Any] = {}
        for table in validation:
            said = softmax(static.table_logits(self.network, table))
            scores[table.name] = score_faces(said, table) | doubt_faces(said, table)
        return taught(self.before, scores, self.clips, rows)


class DynamicTask:
    """A dynamic model: its pictures are sequences put together from faces, as its static model sees them."""

    outputs = ("logits",)

    def __init__(
        self, pictures: Sequence[Path], clips: Sequence[Path], start: Path, own_models: Sequence[Path], report: Report
    ) -> None:
        plan = Plan.read(dynamic.RECIPE)
        self.settings = settings_of(plan)
        self.network, self.example = MiniDynamic(), torch.rand(2, STEPS, FEATURES)
        self.before = begin(start, self.network, "mini-dynamic")
        self.last = self.network.classify
        self.reads = choose("mini", "static", own_models)
        tables = static.read_tables(pictures)
        fewer = replace(plan, options=plan.options | {"faces": plan.options["readout_faces"]})
        guises, self.aside = dynamic.training_and_validation(tables, self.reads, fewer, report)
        random = np.random.default_rng(plan.seed)
        made = compose(guises, plan.options["readout_sequences"], STEPS, plan.options["steps"], random)
        self.clips = watch(clips, self.reads, report)
        model = StaticModel(self.reads.card, load_engine(self.reads, "cpu", "float32"))
        seen = [Watched(one, self._at_last(one.windows(model.predict(one.inputs).features))) for one in self.clips]
        self.material = Material(Layer.of(self.last), [self._lesson(made)], seen)

    def _at_last(self, windows: Float) -> Float:
        return before_last(self.last, self.network.each_step, windows)[:, -1]

    def _lesson(self, made: Made) -> Lesson:
        targets = made.targets[:, -1].astype(np.float64)
        return lesson_of_pictures(self._at_last(made.features), targets, Layer.of(self.last), self.settings, 1.0)

    def card(self, rows: Sequence[Row]) -> ModelCard:
        """The card of before, with the scores of now, and the static model whose features it reads."""
        said = dynamic.softmax_steps(dynamic.logits_of(self.network, self.aside))
        labels = self.aside.targets.argmax(axis=2).ravel()
        whose = np.arange(len(labels)) // dynamic.VALIDATION_STEPS
        scores = dynamic.scores_of(self.aside, said) | doubts(labels, said.reshape(-1, len(BASIC)), whose)
        reads = FeatureSteps(static_sha256=self.reads.card.graph.sha256)
        return replace(taught(self.before, scores, self.clips, rows), preprocessing=card_entry(reads))


def settings_of(plan: Plan) -> Settings:
    """The recipe's own: its table ``readout``."""
    return Settings(**plan.options["readout"])


def begin(start: Path, network: nn.Module, architecture: str) -> ModelCard:
    """The card of the model in the folder ``start``, whose weights ``network`` takes.

    Raises:
        ModelError: it is of another architecture.
    """
    card = ModelCard.read(start)
    if card.architecture != architecture:
        raise ModelError(f"{start}: is {card.architecture}, not {architecture}; name the folder of one")
    weights = load_file(start / card.weights.name)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    network.eval()
    return card


def watch(paths: Sequence[Path], static_model: InstalledModel, report: Report) -> list[Speaking]:
    """The clips of each table, found by the shipped detector, as the static model takes them."""
    found = choose("mini", "detector", ())
    detector = Detector(found.card, load_engine(found, "cpu", "float32"))
    model = StaticModel(static_model.card, load_engine(static_model, "cpu", "float32"))
    watched = []
    for path in paths:
        watched.append(read_speaking(path, detector, model))
        report(f"{watched[-1].name}: {len(watched[-1])} clips, {len(watched[-1].inputs)} frames")
    return watched


def taught(before: ModelCard, scores: dict[str, Any], clips: Sequence[Speaking], rows: Sequence[Row]) -> ModelCard:
    """The card of before with new scores, and what its last layer was taught on."""
    sets = ", ".join(f"{one.name} ({len(one)} clips, {len(np.unique(one.speakers))} people)" for one in clips)
    return replace(
        before,
        scores=scores | {"speaking": {row.corpus: asdict(row) for row in rows}},
        source=f"trained by avcer: avcer train {before.role}, then avcer train {before.role} --start",
        training_data=f"{before.training_data} The last layer: also {sets}; research use.",
        limits=f"{before.limits} {LIMITS}",
    )
