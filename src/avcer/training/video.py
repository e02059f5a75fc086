"""``avcer train static --start --video``: the whole mini static network, taught anew for faces as they are in video.

A last layer can only weigh what the layers below it see, and those were taught on photographs. Here they all learn: on
photographs with mouths that speak, few pixels, movement and bad light, whose targets are half the votes and half what
the network said before, and on clips of faces that speak, if there are any, whose labels say little of a single crop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from avcer.emotion.probabilities import softmax
from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.evaluation.tables.faces import FaceTable, doubt_faces, score_faces
from avcer.evaluation.tables.speaking import Speaking
from avcer.models.card import ModelCard
from avcer.models.networks.mini_static import SIZE, MiniStatic
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel
from avcer.training import static
from avcer.training.calibration import cool
from avcer.training.faces import CANVAS, Canvases, canvases
from avcer.training.filmed import Filmed, talk
from avcer.training.finish import finish
from avcer.training.last_layers import CLIPS, begin, watch
from avcer.training.loop import Plan, Report, device, fit
from avcer.training.readout import Settings, lesson_of_clips
from avcer.types import Boolean, Float

RECIPE: Final = Path(__file__).parent / "recipes" / "video.toml"
LIMITS: Final = "Taught anew for faces as they are in video; see scores for what that costs on photographs."


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, *, start: Path
) -> ModelCard:
    """Teaches the mini static model in the folder ``start`` anew on ``tables`` of pictures (Parquet) and, if there are
    any, of clips (CSV: path, label, speaker), and writes it to ``out/model``; the run is kept in ``out/run``.

    The same call goes on where an earlier one stopped.

    Raises:
        InputError: a table is not what it should be, or there are no pictures.
        ModelError: ``start`` is no mini static model, or the written model does not compute what was taught.
    """
    plan = read_plan()
    pictures, clips = sort_tables(tables)
    installed = InstalledModel(ModelCard.read(start), start)
    seen = watch(clips, installed, report) if clips else []
    task = VideoTask(pictures, seen, start, replace(plan, epochs=epochs or plan.epochs), report)
    network = task.taught([None] * len(task.clips), out / "run", report)
    before = [static.table_logits(network, table, plan) for table in task.kept]
    temperature = static.shared_temperature(before, task.kept)
    cool(network.fc2, temperature)
    scores: dict[str, Any] = {"temperature": temperature}
    for logits, table in zip(before, task.kept, strict=True):
        said = softmax(logits / temperature)
        scores[table.name] = score_faces(said, table) | doubt_faces(said, table)
    return finish(out / "model", network, task.card(scores), torch.rand(2, 1, SIZE, SIZE), static.OUTPUTS)


def read_plan() -> Plan:
    """The recipe's; the augmentation of ``static.toml`` with its changes."""
    plan = Plan.read(RECIPE)
    of_pictures = Plan.read(static.RECIPE).options
    augmentation = of_pictures["augmentation"] | plan.options["augmentation"]
    return replace(plan, options=of_pictures | plan.options | {"augmentation": augmentation})


class VideoTask:
    """What a network is taught on: pictures with what the model ``start`` says of them, and clips."""

    def __init__(
        self, tables: Sequence[Path], clips: Sequence[Speaking], start: Path, plan: Plan, report: Report
    ) -> None:
        self.clips, self.start, self.plan = clips, start, plan
        self.before = begin(start, MiniStatic(), "mini-static")
        faces = static.read_tables(tables)
        self.learned = [table.rows(~table.validation) for table in faces]
        self.kept = [table.rows(table.validation) for table in faces]
        self.installed, self.report = InstalledModel(self.before, start), report
        clear = [table.rows(table.clear) for table in self.kept]
        self.aside = [drawn(table, plan.options["validation_rows"], plan.seed) for table in clear]

    @cached_property
    def pictures(self) -> Canvases:
        """A draw of the pictures to learn from, their targets mixed with what the model before says."""
        options, seed = self.plan.options, self.plan.seed
        chosen = [drawn(table, options["rows"], seed) for table in self.learned]
        model = StaticModel(self.before, load_engine(self.installed, "cpu", "float32", torch.get_num_threads()))
        pictures = _with_answers(static.training_faces(chosen, self.plan), model, options["kept"])
        self.report(f"{len(pictures.pictures)} pictures, {sum(len(one.inputs) for one in self.clips)} crops of clips")
        return pictures

    def by(self, plan: Plan) -> VideoTask:
        """The same material, taught by another plan; the pictures are made once."""
        self.pictures  # noqa: B018
        changed = copy(self)
        changed.plan = plan
        return changed

    def taught(self, chosen: Sequence[Boolean | None], run: Path, report: Report) -> MiniStatic:
        """The network, taught on the pictures and on the ``chosen`` clips of each set: None for all."""
        settings = _settings(self.plan)
        parts = [self.pictures]
        for one, rows in zip(self.clips, chosen, strict=True):
            if settings.weight_of(one) and (rows is None or rows.any()):
                parts.append(_canvases_of_clips(one, rows, settings, float(self.pictures.chances.sum())))
        faces = static.joined(parts)
        network = MiniStatic()
        begin(self.start, network, "mini-static")
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        fit(network, lambda epoch: batches(faces, self.plan, epoch), static.loss, self.scores, self.plan, run, report)
        return network

    def scores(self, network: nn.Module) -> dict[str, float]:
        """Accuracy on a draw of the validation pictures, as they are and as in video; ``score`` is the mean."""
        row: dict[str, float] = {}
        for table in self.aside:
            versions = {table.name: static.model_inputs(table), f"{table.name}_filmed": _filmed(table, self.plan)}
            for name, inputs in versions.items():
                said = softmax(static.logits_of(network, inputs, self.plan))
                row[f"accuracy_{name}"] = score_faces(said, table)["accuracy"]
        return row | {"score": float(np.mean(list(row.values())))}

    def card(self, scores: dict[str, Any]) -> ModelCard:
        """The card of before, with the scores of now."""
        sets = ", ".join(f"{one.name} ({len(one)} clips, {len(np.unique(one.speakers))} people)" for one in self.clips)
        return replace(
            self.before,
            scores=scores,
            source="trained by avcer: avcer train static, then avcer train static --start --video",
            training_data=f"{self.before.training_data} Taught anew on draws of them{sets and f', and on {sets}'}.",
            limits=f"{self.before.limits} {LIMITS}",
        )


def batches(faces: Canvases, plan: Plan, epoch: int) -> Iterator[static.Batch]:
    """The batches of an epoch, each row drawn by its chance."""
    random = np.random.default_rng((plan.seed, epoch))
    augment = Filmed(SIZE, plan.options["augmentation"], plan.seed * 1000 + epoch)
    chances = faces.chances.astype(np.float64) / faces.chances.sum(dtype=np.float64)
    for _ in range(plan.steps_per_epoch):
        rows = random.choice(len(chances), plan.batch_size, p=chances)
        pictures, targets = talk(faces.pictures[rows], faces.targets[rows], plan.options["talk"], random)
        images = augment(pictures, faces.visible[rows])
        yield images.to(device()), torch.from_numpy(targets).to(device())


def sort_tables(tables: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures, then clips.

    Raises:
        InputError: there are no pictures.
    """
    clips = [path for path in tables if path.suffix.lower() == CLIPS]
    pictures = [path for path in tables if path not in clips]
    if not pictures:
        raise InputError(f"{tables[0]}: a network is taught on pictures, too; add tables of them (.parquet)")
    return pictures, clips


def drawn(table: FaceTable, count: int, seed: int) -> FaceTable:
    """So many rows at most, by the seed."""
    return table.rows(np.random.default_rng(seed).permutation(len(table)) < count)


def _settings(plan: Plan) -> Settings:
    names = {"clips": "clips", "alone": "alone", "calm": "calm", "smoothing": "clip_smoothing"}
    return Settings(**{name: plan.options[option] for name, option in names.items()})


def _with_answers(pictures: Canvases, model: StaticModel, kept: float) -> Canvases:
    """Targets mixed with what the model says of each picture as it is."""
    small = np.stack([cv2.resize(one, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for one in pictures.pictures])
    said = model.predict(small[:, None].astype(np.float32) / np.float32(255)).probabilities
    targets = (1 - kept) * pictures.targets + kept * said
    return replace(pictures, targets=targets.astype(np.float32))


def _canvases_of_clips(one: Speaking, rows: Boolean | None, settings: Settings, pictures: float) -> Canvases:
    """The crops of the chosen clips, drawn ``weight_of`` times as often as all ``pictures`` together."""
    lesson = lesson_of_clips(one, one.inputs.reshape(len(one.inputs), -1), settings, rows)
    crops = (lesson.features.reshape(-1, SIZE, SIZE) * 255).round().astype(np.uint8)
    large: NDArray[np.uint8] = np.zeros((len(crops), CANVAS, CANVAS), np.uint8)
    for row, crop in enumerate(crops):
        large[row] = cv2.resize(crop, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    chances = (lesson.weights * pictures).astype(np.float32)
    return Canvases(large, np.full_like(large, 255), lesson.targets.astype(np.float32), chances)


def _filmed(table: FaceTable, plan: Plan) -> Float:
    """The pictures of a table in guises of a film, always the same ones: ``(N, 1, 48, 48)``."""
    faces = canvases(table, 0.0, np.ones(len(table), np.float32))
    pictures, _ = talk(faces.pictures, faces.targets, plan.options["talk"], np.random.default_rng(plan.seed))
    filmed: Float = Filmed(SIZE, plan.options["augmentation"], plan.seed)(pictures, faces.visible).numpy()
    return filmed
