"""Training the mini audio model: tables of labelled speech in, a calibrated model with its card out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.probabilities import softmax
from avcer.emotion.spectrogram import LogMel
from avcer.errors import InputError
from avcer.evaluation import metrics
from avcer.evaluation.scores import classification, doubts
from avcer.evaluation.speech import SpeechTable, full_names, read_speech, windows
from avcer.labels import BASIC
from avcer.models.card import NOT_FOR, UNWRITTEN, ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.training.calibration import best_temperature, cool
from avcer.training.finish import finish
from avcer.training.loop import Plan, Report, device, fit
from avcer.training.speech import Augmentation, Sounds, speechless, stack
from avcer.types import Double, Float, Integer

RECIPE: Final = Path(__file__).parent / "recipes" / "audio.toml"
SETTINGS: Final = LogMel()
LIMITS: Final = (
    "Learned from a few dozen actors who spoke prepared sentences in English, Polish and German; spontaneous speech, "
    "other languages, children, several voices at once and loud music are outside of that. Disgust is known from "
    "English and little German, Surprise from English and Polish only."
)
Batch = tuple[Tensor, Tensor, Tensor]
"""Spectrograms ``(N, bands, frames)``, targets ``(N, 7)``, and which classes count for each ``(N, 7)``."""


def train(tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print) -> ModelCard:
    """Trains on ``tables`` of labelled speech; the model is written to ``out/model``, the run is kept in ``out/run``.

    The same call goes on where an earlier one stopped.

    Raises:
        InputError: a table is not one of labelled speech.
        ModelError: the written model does not compute what was trained.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    speech = read_tables(tables)
    network = run(speech, plan, out / "run", report)
    validation = [table.rows(table.validation) for table in speech]
    logits = [table_logits(network, table) for table in validation]
    temperature = shared_temperature(logits, validation)
    cool(network.classify, temperature)
    scores = _scores(validation, logits, temperature) | {"temperature": temperature}
    example = torch.randn(2, SETTINGS.bands, SETTINGS.frames)
    return finish(out / "model", network, _card(speech, scores), example, ["logits"])


def read_tables(paths: Sequence[Path]) -> list[SpeechTable]:
    """The tables, each with recordings to train on and recordings of other speakers to validate with.

    Raises:
        InputError: a table is not one of labelled speech, or lacks one of the two.
    """
    tables = [read_speech(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if table.validation.all() or not table.validation.any():
            raise InputError(f"{path}: needs speakers both to train on and for validation; add some")
    return tables


def run(tables: Sequence[SpeechTable], plan: Plan, folder: Path, report: Report) -> MiniAudio:
    """The trained network, before calibration."""
    torch.manual_seed(plan.seed)
    sounds = prepare(tables, plan)
    report(f"{len(sounds.lengths)} sounds to train on, {plan.steps_per_epoch * plan.batch_size} drawn an epoch")
    network = MiniAudio()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    validation = [table.rows(table.validation) for table in tables]
    inputs = [_inputs(table) for table in validation]

    def evaluate(average: nn.Module) -> dict[str, float]:
        row: dict[str, float] = {}
        for table, (batch, owners) in zip(validation, inputs, strict=True):
            scores = classification(table.labels, softmax(_logits(average, batch, owners)))
            row |= {f"uar_{table.name}": scores["uar"], f"accuracy_{table.name}": scores["accuracy"]}
        return row | {"uar": float(np.mean([value for name, value in row.items() if name.startswith("uar")]))}

    fit(network, lambda epoch: _batches(sounds, plan, epoch), _loss, evaluate, plan, folder, report)
    return network


def prepare(tables: Sequence[SpeechTable], plan: Plan) -> Sounds:
    """The training part of the tables, and sounds without speech."""
    options = plan.options
    parts = [_prepared(table.rows(~table.validation), options) for table in tables]
    share = sum(part.chances.sum() for part in parts)
    count = max(sum(len(part.lengths) for part in parts) // 10, 1)
    decibels, lengths = stack(speechless(count, SETTINGS, plan.seed), SETTINGS)
    even, every = np.full((count, len(BASIC)), 1 / len(BASIC), np.float32), np.ones((count, len(BASIC)), bool)
    chance = share / (1 - options["speechless"]) * options["speechless"] / count
    parts.append(Sounds(decibels, lengths, even, every, np.full(count, chance)))
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    return Sounds(**joined | {"chances": joined["chances"] / joined["chances"].sum()})


def _prepared(table: SpeechTable, options: dict[str, Any]) -> Sounds:
    decibels, lengths = stack(table.recordings, SETTINGS)
    counts = np.bincount(table.labels, minlength=len(BASIC))
    chances = len(table) ** options["set_balance"] / np.count_nonzero(counts) / counts[table.labels]
    targets = np.eye(len(BASIC), dtype=np.float32)[table.labels]
    return Sounds(decibels, lengths, targets, np.tile(counts > 0, (len(table), 1)), chances)


def _batches(sounds: Sounds, plan: Plan, epoch: int) -> Iterable[Batch]:
    random = np.random.default_rng((plan.seed, epoch))
    augment = Augmentation(SETTINGS, plan.options["augmentation"], plan.seed * 1000 + epoch)
    for _ in range(plan.steps_per_epoch):
        rows = random.choice(len(sounds.chances), plan.batch_size, p=sounds.chances)
        inputs = augment(torch.from_numpy(sounds.decibels[rows]), torch.from_numpy(sounds.lengths[rows]).float())
        possible = sounds.possible[rows] | (random.random((len(rows), 1)) >= plan.options["possible_only"])
        targets = _smooth(sounds.targets[rows], possible, plan.options["smoothing"])
        yield _mix(inputs, torch.from_numpy(targets), torch.from_numpy(possible), random, plan.options["mix_up"])


def _smooth(targets: Float, possible: Any, smoothing: float) -> Float:
    even = possible / possible.sum(axis=1, keepdims=True)
    smoothed: Float = ((1 - smoothing) * targets + smoothing * even).astype(np.float32)
    return smoothed


def _mix(inputs: Tensor, targets: Tensor, possible: Tensor, random: np.random.Generator, shape: float) -> Batch:
    """Mix-up (Zhang et al., ICLR 2018), each sound with the one at the other end of the batch."""
    share = torch.from_numpy(random.beta(shape, shape, len(inputs))).float()
    mixed = inputs * share[:, None, None] + inputs.flip(0) * (1 - share)[:, None, None]
    blended = targets * share[:, None] + targets.flip(0) * (1 - share)[:, None]
    return mixed.to(device()), blended.to(device()), (possible | possible.flip(0)).to(device())


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy over the classes that count: a set without disgust says nothing of how disgust sounds."""
    inputs, targets, possible = batch
    logits = network(inputs).float().masked_fill(~possible, -1e4)
    return nn.functional.cross_entropy(logits, targets)


def _inputs(table: SpeechTable) -> tuple[Tensor, Integer]:
    """Windows of all recordings ``(W, bands, frames)``, and which recording each belongs to ``(W,)``."""
    cut = [list(windows(recording)) for recording in table.recordings]
    batch = np.stack([SETTINGS(window) for pieces in cut for window in pieces])
    return torch.from_numpy(batch), np.repeat(np.arange(len(cut)), [len(pieces) for pieces in cut])


@torch.no_grad()
def _logits(network: nn.Module, batch: Tensor, owners: Integer) -> Double:
    """The mean logits of each recording's windows ``(N, 7)``, in float32."""
    parts = [network(part.to(device())).cpu().numpy() for part in torch.split(batch, 128)]
    sums = np.zeros((owners[-1] + 1, len(BASIC)))
    np.add.at(sums, owners, np.concatenate(parts).astype(np.float64))
    means: Double = sums / np.bincount(owners)[:, None]
    return means


def table_logits(network: nn.Module, table: SpeechTable) -> Double:
    """Logits ``(N, 7)`` of the recordings of a table, each the mean over its windows."""
    return _logits(network, *_inputs(table))


def shared_temperature(logits: Sequence[Double], tables: Sequence[SpeechTable]) -> float:
    """One temperature for the recordings of all tables, in which each table counts the same."""
    labels = [table.labels for table in tables]
    weights = [np.full(len(part), 1 / len(part)) for part in labels]
    return best_temperature(np.concatenate(logits), np.concatenate(labels), np.concatenate(weights))


def _scores(tables: Sequence[SpeechTable], logits: Sequence[Double], temperature: float) -> dict[str, Any]:
    """Scores of all validation recordings together and of each set; ``ece_before`` is that before calibration."""
    rows = [(part, table.labels, full_names(table)) for part, table in zip(logits, tables, strict=True)]
    groups = {"all": tuple(np.concatenate(parts) for parts in zip(*rows, strict=True))}
    groups |= {table.name: row for table, row in zip(tables, rows, strict=True)}
    return {
        name: classification(truth, softmax(part / temperature))
        | {"ece_before": metrics.ece(truth, softmax(part))}
        | doubts(truth, softmax(part), speakers)
        for name, (part, truth, speakers) in groups.items()
    }


def _card(tables: Sequence[SpeechTable], scores: dict[str, Any]) -> ModelCard:
    return ModelCard(
        name="mini-audio",
        family="mini",
        role="audio",
        architecture="mini-audio",
        graph=UNWRITTEN,
        weights=UNWRITTEN,
        inputs=("N", SETTINGS.bands, SETTINGS.frames),
        labels=BASIC,
        preprocessing={"sample_rate": SETTINGS.sample_rate, "window_s": 4.0, "spectrogram": asdict(SETTINGS)},
        licence="research use only; one of its training sets, nEMO, is CC BY-NC-SA 4.0",
        source="trained by avcer: avcer train audio",
        training_data=_training_data(tables),
        limits=LIMITS,
        not_for=NOT_FOR,
        scores=scores,
    )


def _training_data(tables: Sequence[SpeechTable]) -> str:
    parts = [table.rows(~table.validation) for table in tables]
    shown = [f"{part.name}: {len(part)} recordings of {len(set(part.speakers))} speakers" for part in parts]
    return "; ".join(shown) + "; and synthetic noise, tones and beats without emotion"
