"""Training the mini dynamic model on sequences put together from labelled faces, seen by the mini static model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avcer.emotion.dynamic import INTERVAL_S, STEPS, FeatureSteps
from avcer.emotion.probabilities import softmax
from avcer.emotion.static import StaticModel
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.scores import doubts
from avcer.evaluation.tables.faces import FaceTable
from avcer.labels import BASIC
from avcer.models.card import NOT_FOR, UNWRITTEN, ModelCard
from avcer.models.choice import choose
from avcer.models.networks.mini_dynamic import MiniDynamic
from avcer.models.networks.mini_static import FEATURES
from avcer.models.preparation import card_entry
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel
from avcer.training import static
from avcer.training.calibration import best_temperature, cool
from avcer.training.faces import Canvases
from avcer.training.finish import finish
from avcer.training.loop import Loss, Plan, Report, device, fit
from avcer.training.sequences import Guises, Sequences, compose, guises
from avcer.types import Double

RECIPE: Final = Path(__file__).parent / "recipes" / "dynamic.toml"
VALIDATION_STEPS: Final = 50
SETTLED: Final = 5
"""Steps that a state must last for its change to count: one that is over at once cannot be followed."""
LIMITS: Final = (
    "Learned from sequences put together from photographs of different people, not from videos: it knows holds, "
    "changes and disturbed looks, but not how a face really moves from one expression to the next."
)
Batch = tuple[Tensor, Tensor]
"""Features ``(N, 10, D)`` and the targets of each step ``(N, 10, 7)``."""


def train(
    tables: Sequence[Path],
    out: Path,
    epochs: int | None = None,
    report: Report = print,
    own_models: Sequence[Path] = (),
) -> ModelCard:
    """Trains on ``tables`` of labelled faces and writes the model to ``out/model``; the run is kept in ``out/run``.

    It reads the features of the static model among ``own_models``, else of the shipped one. The same call goes on
    where an earlier one stopped.

    Raises:
        InputError: a table is not one of labelled faces.
        ModelError: no static model, or the written model does not compute what was trained.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    installed = choose("mini", "static", own_models)
    faces = static.read_tables(tables)
    seen, aside = training_and_validation(faces, installed, plan, report)
    torch.manual_seed(plan.seed)
    network = MiniDynamic()
    run(network, seen, aside, plan, out / "run", report)
    before = logits_of(network, aside)
    labels = aside.targets.argmax(axis=2).ravel()
    temperature = best_temperature(before.reshape(-1, len(BASIC)), labels, np.ones(len(labels)))
    cool(network.classify, temperature)
    said, whose = softmax_steps(before).reshape(-1, len(BASIC)), np.arange(len(labels)) // VALIDATION_STEPS
    scores = scores_of(aside, softmax_steps(before / temperature)) | doubts(labels, said, whose)
    scores |= {"ece_before": metrics.ece(labels, said), "temperature": temperature}
    card = _card(faces, installed.card, scores)
    return finish(out / "model", network, card, torch.rand(2, STEPS, FEATURES), ["logits"])


def training_and_validation(
    tables: Sequence[FaceTable], installed: InstalledModel, plan: Plan, report: Report
) -> tuple[Guises, Sequences]:
    """What the static model says of a draw of the training faces, and the sequences kept for validation."""
    model = StaticModel(installed.card, load_engine(installed, "cpu", "float32"))
    seen, kept = (face_features(tables, aside, model, plan, report) for aside in (False, True))
    steps = plan.options["steps"] | {"ramp": 0, "start": 0.0}
    random = np.random.default_rng(plan.seed)
    return seen, compose(kept, plan.options["sequences"], VALIDATION_STEPS, steps, random)


def face_features(tables: Sequence[FaceTable], aside: bool, model: StaticModel, plan: Plan, report: Report) -> Guises:
    """What the static model says of a draw of the clear faces, those kept for validation if ``aside``."""
    chosen = [table.rows((table.validation == aside) & table.clear) for table in tables]
    count = plan.options["validation_faces" if aside else "faces"]
    faces = _drawn(static.training_faces(chosen, Plan.read(static.RECIPE)), count, plan.seed + aside)
    part = "validation" if aside else "training"
    report(f"{len(faces.pictures)} faces for {part}, {2 * plan.options['guises']} guises each")
    return guises(faces, model, plan.options, plan.seed + 10 * aside)


def _drawn(faces: Canvases, count: int, seed: int) -> Canvases:
    """At most ``count`` of the faces, by their chances; those drawn have equal chances."""
    shares = faces.chances / faces.chances.sum(dtype=np.float64)
    count = min(count, len(shares))
    rows = np.random.default_rng(seed).choice(len(shares), count, replace=False, p=shares)
    return Canvases(faces.pictures[rows], faces.visible[rows], faces.targets[rows], np.ones(count, np.float32))


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    """Every step is learned from: at the first steps the model has to speak from few samples, as on a new face."""
    features, targets = batch
    logits = network.each_step(features)  # type: ignore[operator]
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(0, 1))


def run(
    network: nn.Module,
    seen: Guises,
    aside: Sequences,
    plan: Plan,
    folder: Path,
    report: Report,
    loss: Loss = _loss,
) -> None:
    """Trains ``network``, which is left before calibration."""

    def batches(epoch: int) -> Iterable[Batch]:
        random = np.random.default_rng((plan.seed, epoch))
        for _ in range(plan.steps_per_epoch):
            made = compose(seen, plan.batch_size, STEPS, plan.options["steps"], random)
            yield torch.from_numpy(made.features).to(device()), torch.from_numpy(made.targets).to(device())

    def evaluate(average: nn.Module) -> dict[str, float]:
        scores = scores_of(aside, softmax_steps(logits_of(average, aside)))
        return {name: scores[name] for name in ("accuracy", "uar", "accuracy_disturbed", "followed")}

    fit(network, batches, loss, evaluate, plan, folder, report)


@torch.no_grad()
def logits_of(network: nn.Module, sequences: Sequences) -> Double:
    """``(N, L, 7)``: at each step from the window of ten that ends there, whose start is filled as in use."""
    first = np.repeat(sequences.features[:, :1], STEPS - 1, axis=1)
    filled = np.concatenate([first, sequences.features], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(filled, STEPS, axis=1).transpose(0, 1, 3, 2)
    parts = [network(torch.from_numpy(np.ascontiguousarray(row)).to(device())) for row in windows]
    logits: Double = torch.stack(parts).double().cpu().numpy()
    return logits


def softmax_steps(logits: Double) -> Double:
    """``(N, L, 7)`` logits to probabilities."""
    return softmax(logits.reshape(-1, len(BASIC))).reshape(logits.shape)


def scores_of(sequences: Sequences, probabilities: Double) -> dict[str, Any]:
    """Scores of ``probabilities (N, L, 7)``, with those of the static model alone beside them."""
    labels, disturbed = sequences.targets.argmax(axis=2), sequences.disturbed
    scores: dict[str, Any] = {"n": labels.size, "n_disturbed": int(disturbed.sum())}
    for suffix, values in (("", probabilities), ("_static", sequences.static)):
        predicted = values.argmax(axis=2)
        scores |= {
            f"accuracy{suffix}": metrics.accuracy(labels.ravel(), predicted.ravel()),
            f"uar{suffix}": metrics.uar(labels.ravel(), predicted.ravel()),
            f"macro_f1{suffix}": metrics.macro_f1(labels.ravel(), predicted.ravel()),
            f"accuracy_disturbed{suffix}": metrics.accuracy(labels[disturbed], predicted[disturbed]),
        }
    recalls = metrics.recalls(labels.ravel(), probabilities.argmax(axis=2).ravel())
    scores["per_class"] = {BASIC[index]: recall for index, recall in recalls.items()}
    scores["ece"] = metrics.ece(labels.ravel(), probabilities.reshape(-1, len(BASIC)))
    return scores | following(labels, probabilities.argmax(axis=2), sequences.changed)


def following(labels: NDArray[np.int64], predicted: NDArray[np.int64], changed: NDArray[np.bool_]) -> dict[str, Any]:
    """How soon changes are followed: ``labels``, ``predicted``, ``changed`` are ``(N, L)``.

    Counted are the changes to another label that lasts five steps at least and is recognised at all while it lasts;
    ``followed`` is the share recognised within half a second, ``delay_s`` the median.
    """
    delays = []
    for row, step in zip(*np.nonzero(changed), strict=True):
        label = labels[row, step]
        ends = np.flatnonzero(labels[row, step:] != label)
        lasts = int(ends[0]) if len(ends) else labels.shape[1] - step
        recognised = np.flatnonzero(predicted[row, step : step + lasts] == label)
        if labels[row, step - 1] != label and lasts >= SETTLED and len(recognised):
            delays.append(recognised[0] * INTERVAL_S)
    return {
        "changes": len(delays),
        "followed": float(np.mean(np.array(delays) <= 0.5)) if delays else float("nan"),
        "delay_s": float(np.median(delays)) if delays else float("nan"),
    }


def _card(tables: Sequence[FaceTable], reads: ModelCard, scores: dict[str, Any]) -> ModelCard:
    return ModelCard(
        name="mini-dynamic",
        family="mini",
        role="dynamic",
        architecture="mini-dynamic",
        graph=UNWRITTEN,
        weights=UNWRITTEN,
        inputs=("N", STEPS, FEATURES),
        labels=BASIC,
        preprocessing=card_entry(FeatureSteps(static_sha256=reads.graph.sha256)),
        licence="weights: research use, as the training pictures",
        source="trained by avcer train dynamic",
        training_data=f"Sequences put together from faces of {', '.join(table.name for table in tables)}, "
        f"as {reads.name} sees them. {reads.training_data}",
        limits=LIMITS,
        not_for=NOT_FOR,
        scores=scores,
    )
