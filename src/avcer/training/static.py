"""Training the mini static model: tables of labelled faces in, a calibrated model with its card out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.crops import GreySquare
from avcer.emotion.probabilities import softmax
from avcer.errors import InputError
from avcer.evaluation.tables.faces import FaceTable, doubt_faces, read_faces, score_faces
from avcer.labels import BASIC
from avcer.models.card import NOT_FOR, UNWRITTEN, ModelCard
from avcer.models.networks.mini_static import SIZE, MiniStatic
from avcer.models.preparation import card_entry
from avcer.prefetch import prefetch
from avcer.training.calibration import best_temperature, cool
from avcer.training.faces import Augmentation, Canvases, canvases, grey
from avcer.training.finish import finish
from avcer.training.loop import Plan, Report, autocast, device, fit
from avcer.types import Double, Float

RECIPE: Final = Path(__file__).parent / "recipes" / "static.toml"
OUTPUTS: Final = ("logits", "features", "heat")
MARGIN: Final = 0.0
"""A detector's box, made square by its longer side, is as large as a FER+ picture: RetinaFace's longer side measured
0.99 of the picture (median of 249), and 1.04 of that of the faces cut out on black (250)."""
LIMITS: Final = (
    "Learned from web photographs, most of them posed, labelled by what others saw, not by what the person felt. "
    "Disgust and Fear are rare in FER+ and often missed; profiles, faces below 30 pixels and covered mouths are read "
    "poorly."
)
MIXED: Final = Plan(0, 0, 0.0)
"""Mixed precision."""
Batch = tuple[Tensor, Tensor]
"""Faces ``(N, 1, 48, 48)`` and their targets ``(N, 7)``."""


def train(tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print) -> ModelCard:
    """Trains on ``tables`` of labelled faces and writes the model to ``out/model``; the run is kept in ``out/run``.

    The same call goes on where an earlier one stopped.

    Raises:
        InputError: a table is not one of labelled faces.
        ModelError: the written model does not compute what was trained.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    faces = read_tables(tables)
    network = run(faces, plan, out / "run", report)
    validation = [table.rows(table.validation) for table in faces]
    before = [table_logits(network, table) for table in validation]
    temperature = shared_temperature(before, validation)
    cool(network.fc2, temperature)
    scores = {
        table.name: score_faces(softmax(logits / temperature), table)
        | {"ece_before": score_faces(softmax(logits), table)["ece"]}
        | doubt_faces(softmax(logits), table)
        for logits, table in zip(before, validation, strict=True)
    }
    card = _card(faces, scores | {"temperature": temperature})
    example = torch.rand(2, 1, SIZE, SIZE)
    return finish(out / "model", network, card, example, OUTPUTS)


def read_tables(paths: Sequence[Path]) -> list[FaceTable]:
    """The tables, each with faces to train on and faces to validate with.

    Raises:
        InputError: a table is not one of labelled faces, or lacks one of the two.
    """
    tables = [read_faces(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if not np.any(table.validation & table.clear) or not np.any(~table.validation):
            raise InputError(f"{path}: needs clearly labelled faces both to train on and for validation; add rows")
    return tables


def run(tables: Sequence[FaceTable], plan: Plan, folder: Path, report: Report) -> MiniStatic:
    """The trained network, before calibration."""
    faces = training_faces([table.rows(~table.validation) for table in tables], plan)
    plan = replace(plan, steps_per_epoch=max(int(faces.chances.sum()) // plan.batch_size, 1))
    report(f"{len(faces.pictures)} faces to train on, {plan.steps_per_epoch * plan.batch_size} drawn an epoch")
    torch.manual_seed(plan.seed)
    network = MiniStatic()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    validation = [table.rows(table.validation) for table in tables]

    def evaluate(average: nn.Module) -> dict[str, float]:
        row: dict[str, float] = {}
        for table in validation:
            scores = score_faces(softmax(table_logits(average, table)), table)
            row |= {f"accuracy_{table.name}": scores["accuracy"], f"uar_{table.name}": scores["uar"]}
            row |= {f"blends_{table.name}": scores["blends"]["macro_f1"]} if "blends" in scores else {}
        return row | {"score": float(np.mean(list(row.values())))}

    fit(network, lambda epoch: prefetch(_batches(faces, plan, epoch)), loss, evaluate, plan, folder, report)
    return network


def training_faces(tables: Sequence[FaceTable], plan: Plan) -> Canvases:
    """All rows of the tables, as this recipe trains on them; rare emotions are drawn more often than they occur."""
    return joined([_prepared(table, plan.options) for table in tables])


def joined(parts: Sequence[Canvases]) -> Canvases:
    """One after the other."""
    return Canvases(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _prepared(table: FaceTable, options: dict[str, Any]) -> Canvases:
    single = bool(np.all(table.all_votes == 1))
    if not single:
        table = table.rows(table.votes.sum(axis=1) >= options["least_votes"])
    counts = np.maximum(np.bincount(table.labels, minlength=len(BASIC)), 1)
    wanted = (counts.max() / counts) ** options["balance"]
    chances = np.minimum(wanted, options["most_repeats"])[table.labels]
    share = options["single_label_share"] if single else 1.0
    return canvases(table, options["single_label_smoothing"] if single else 0.0, chances * share)


def _batches(faces: Canvases, plan: Plan, epoch: int) -> Iterable[Batch]:
    random = np.random.default_rng((plan.seed, epoch))
    augment = Augmentation(SIZE, plan.options["augmentation"], plan.seed * 1000 + epoch)
    times = np.floor(faces.chances + random.random(len(faces.chances))).astype(int)
    order = random.permutation(np.repeat(np.arange(len(times)), times))
    for step in range(plan.steps_per_epoch):
        rows = order.take(range(step * plan.batch_size, (step + 1) * plan.batch_size), mode="wrap")
        images = augment(faces.pictures[rows], faces.visible[rows])
        yield images.to(device()), torch.from_numpy(faces.targets[rows]).to(device())


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy with the targets of a batch."""
    images, targets = batch
    logits, _ = network.classify(images.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
    return nn.functional.cross_entropy(logits.float(), targets)


def model_inputs(table: FaceTable) -> Float:
    """The pictures of a table as the model takes them: ``(N, 1, 48, 48)``, grey, 0 to 1."""
    greys = [cv2.resize(grey(picture), (SIZE, SIZE), interpolation=cv2.INTER_AREA) for picture in table.pictures]
    inputs: Float = np.stack(greys)[:, None].astype(np.float32) / np.float32(255)
    return inputs


def table_logits(network: nn.Module, table: FaceTable, plan: Plan = MIXED) -> Double:
    """Logits ``(N, 7)`` of the pictures of a table."""
    return logits_of(network, model_inputs(table), plan)


@torch.no_grad()
def logits_of(network: nn.Module, inputs: Float, plan: Plan = MIXED) -> Double:
    """Logits ``(N, 7)`` of ``inputs (N, 1, 48, 48)``, in the precision of ``plan``."""
    with autocast(plan):
        parts = torch.split(torch.from_numpy(inputs), 256)
        logits = [network.classify(part.to(device()))[0].double() for part in parts]  # type: ignore[operator]
    joined: Double = torch.cat(logits).cpu().numpy()
    return joined


def shared_temperature(logits: Sequence[Double], tables: Sequence[FaceTable]) -> float:
    """The best temperature over the clear rows of all tables, each table counting alike."""
    clear = [table.clear for table in tables]
    weights = np.concatenate([np.full(rows.sum(), 1 / max(rows.sum(), 1)) for rows in clear])
    labels = np.concatenate([table.labels[rows] for table, rows in zip(tables, clear, strict=True)])
    chosen = np.concatenate([values[rows] for values, rows in zip(logits, clear, strict=True)])
    return best_temperature(chosen, labels, weights)


def _card(tables: Sequence[FaceTable], scores: dict[str, Any]) -> ModelCard:
    trained = ", ".join(f"{table.name} ({int((~table.validation).sum())} faces)" for table in tables)
    return ModelCard(
        name="mini-static",
        family="mini",
        role="static",
        architecture="mini-static",
        graph=UNWRITTEN,
        weights=UNWRITTEN,
        inputs=("N", 1, SIZE, SIZE),
        labels=BASIC,
        preprocessing=card_entry(GreySquare(SIZE, MARGIN)),
        licence="weights: research use, as the training pictures",
        source="trained by avcer train static",
        training_data=f"{trained}. FER+ votes: MIT (microsoft/FERPlus); its pictures, and affect7 "
        "(quanbk2512/effectnet): no licence stated, research use only.",
        limits=LIMITS,
        not_for=NOT_FOR,
        scores=scores,
    )
