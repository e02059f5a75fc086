"""Training EMO-AffectNet's ResNet-50 on tables of labelled faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.probabilities import in_basic_order, softmax
from avcer.emotion.static import FACE_KINDS
from avcer.evaluation.tables.faces import FaceTable, doubt_faces, score_faces
from avcer.labels import BASIC, VISUAL
from avcer.models.card import ModelCard
from avcer.models.preparation import prepared_by
from avcer.prefetch import prefetch
from avcer.training.loop import Plan, Report, autocast, device, fit
from avcer.training.losses import class_weights, soft_cross_entropy
from avcer.training.published.model import checkpoint_of, described, network_of, write
from avcer.training.static import read_tables
from avcer.types import Double, Float, Image

RECIPE: Final = Path(__file__).parents[1] / "recipes" / "published-static.toml"
ARCHITECTURE: Final = "emo-affectnet-resnet50"
SEEN: Final = prepared_by(checkpoint_of(ARCHITECTURE).card, FACE_KINDS)
"""The preparation of the published model."""
ORDER: Final = [BASIC.index(emotion) for emotion in VISUAL]
Batch = tuple[Tensor, Tensor]
"""Faces ``(N, 3, 224, 224)`` and their targets ``(N, 7)`` in the order of ``VISUAL``."""


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, start: Path | None = None
) -> ModelCard:
    """Trains on ``tables`` of labelled faces, from the weights in ``start`` or from random ones; resumes as the mini
    recipe does.

    Raises:
        InputError: a table is not one of labelled faces.
        ModelError: ``start`` holds no such model, or the written model does not compute what was trained.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    faces = read_tables(tables)
    network = run(network_of(ARCHITECTURE, start, plan.seed), faces, plan, out / "run", report)
    scores = {}
    for table in (table.rows(table.validation) for table in faces):
        said = predict(network, table, plan)
        scores[table.name] = score_faces(said, table) | doubt_faces(said, table)
    data = described([table.name for table in faces], [int((~table.validation).sum()) for table in faces])
    return write(out / "model", network, ARCHITECTURE, data, scores)


def run(network: nn.Module, tables: Sequence[FaceTable], plan: Plan, folder: Path, report: Report) -> nn.Module:
    """The trained network."""
    parts = [table.rows(~table.validation & (table.votes.sum(axis=1) > 0)) for table in tables]
    rows = sum(len(part) for part in parts)
    plan = replace(plan, steps_per_epoch=plan.steps_per_epoch or max(rows // plan.batch_size, 1))
    weights = class_weights(np.concatenate([part.labels for part in parts]), len(BASIC))[ORDER].to(device())
    report(f"{rows} faces to train on")

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        return soft_cross_entropy(network(batch[0])[0].float(), batch[1], weights, plan.options["smoothing"])

    def evaluate(average: nn.Module) -> dict[str, float]:
        kept = [table.rows(table.validation) for table in tables]
        uar = {f"uar_{table.name}": score_faces(predict(average, table, plan), table)["uar"] for table in kept}
        return uar | {"uar": float(np.mean(list(uar.values())))}

    fit(network, lambda epoch: prefetch(_batches(parts, plan, epoch)), loss, evaluate, plan, folder, report)
    return network


def _batches(parts: Sequence[FaceTable], plan: Plan, epoch: int) -> Iterable[Batch]:
    random = np.random.default_rng((plan.seed, epoch))
    places = [(part, index) for part in parts for index in range(len(part))]
    for _ in range(plan.steps_per_epoch):
        chosen = [places[index] for index in random.choice(len(places), plan.batch_size)]
        faces = np.stack([prepare(_varied(part.pictures[index], plan, random)) for part, index in chosen])
        votes = np.stack([part.votes[index] / part.votes[index].sum() for part, index in chosen])[:, ORDER]
        yield torch.from_numpy(faces).to(device()), torch.from_numpy(votes).float().to(device())


def prepare(face: Image) -> Float:
    """A face ``(h, w, 1 or 3)`` as the network takes it, ``(3, 224, 224)``, as when analysing."""
    colour = face if face.shape[2] == 3 else cv2.cvtColor(face, cv2.COLOR_GRAY2BGR)
    return SEEN.scaling.planes(SEEN.pixels(colour.astype(np.uint8, copy=False)))


def _varied(face: Image, plan: Plan, random: np.random.Generator) -> Image:
    """Mirrored, turned, zoomed, in another light."""
    options = plan.options
    if random.random() < 0.5:
        face = face[:, ::-1]
    height, width = face.shape[:2]
    angle, zoom = random.uniform(-1, 1, 2) * (options["turn"], options["zoom"])
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, float(np.exp(zoom)))
    turned = cv2.warpAffine(np.ascontiguousarray(face), turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    contrast, brightness = random.uniform(-1, 1, 2) * (options["contrast"], options["brightness"])
    lit = (turned.astype(np.float32) - 128) * np.exp(contrast) + 128 + 255 * brightness
    varied: Image = np.clip(lit, 0, 255).astype(np.uint8).reshape(height, width, -1)
    return varied


@torch.no_grad()
def predict(network: nn.Module, table: FaceTable, plan: Plan) -> Double:
    """Probabilities ``(N, 7)`` in the order of ``BASIC`` of the pictures of a table."""
    logits = []
    for start in range(0, len(table), plan.batch_size):
        faces = np.stack([prepare(picture) for picture in table.pictures[start : start + plan.batch_size]])
        with autocast(plan):
            logits.append(network(torch.from_numpy(faces).to(device()))[0].float().cpu().numpy())
    return in_basic_order(softmax(np.concatenate(logits)), VISUAL)
