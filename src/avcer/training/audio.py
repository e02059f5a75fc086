"""Training the mini audio model: tables of labelled speech in, a calibrated model with its card out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avcer.emotion.probabilities import softmax
from avcer.emotion.voice import VoiceFrames
from avcer.emotion.waveform import WINDOW
from avcer.errors import InputError
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.speech import SpeechTable, full_names, read_speech, windows
from avcer.labels import BASIC
from avcer.models.card import NOT_FOR, UNWRITTEN, ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.models.preparation import card_entry
from avcer.training.calibration import best_temperature, cool
from avcer.training.finish import finish
from avcer.training.loop import Plan, Report, device, fit
from avcer.training.speech import Variation, speechless
from avcer.types import Boolean, Double, Float, Integer

RECIPE: Final = Path(__file__).parent / "recipes" / "audio.toml"
FRAMES: Final = VoiceFrames()
OUTPUTS: Final = ("logits", "relative")
LIMITS: Final = (
    "Learned from a few dozen actors who spoke prepared sentences in English, Polish and German; spontaneous speech, "
    "other languages, children, several voices at once and loud music are outside of that. Disgust is known from "
    "English and little German, Surprise from English and Polish only."
)
LIMITS_OF_STRANGERS: Final = (
    "Learned from about 110 actors who spoke prepared sentences in English, Polish, German and Amharic. On corpora "
    "that it never heard it is right in about two of five recordings; its probabilities are as low as that deserves, "
    "and so lower than need be on the corpora that it knows. Noise, music, held notes and voices far higher than an "
    "adult's get flatter answers still. People who sing, speak to an audience or speak all at once mostly do not: they "
    "sound like the actors, and force is heard as anger. Spontaneous speech is outside of what it learned."
)
Batch = tuple[Tensor, ...]
"""Inputs ``(N, rows, frames)``, targets ``(N, 7)``, which classes count for each ``(N, 7)``; the same, harder."""


@dataclass(frozen=True)
class Sounds:
    """N sounds: ``inputs (N, rows, frames)`` in half precision; ``targets (N, 7)`` add up to 1; ``possible (N, 7)``
    marks the classes that the sound's set has at all; ``chances (N,)`` add up to 1.
    """

    inputs: NDArray[np.float16]
    targets: Float
    possible: Boolean
    chances: Double


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
    for part in (network.judge, network.ear):
        cool(part.classify, temperature)
    found = scores(validation, logits, temperature) | {"temperature": temperature}
    network.same_relative()
    return write(out, network, _card(speech, found))


def write(out: Path, network: MiniAudio, card: ModelCard) -> ModelCard:
    """Writes ``out/model`` as ``finish`` does, checked on sounds without speech."""
    example = torch.from_numpy(np.stack([FRAMES(sound) for sound in speechless(2, 0)]))
    return finish(out / "model", network, card, example, OUTPUTS)


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
    report(f"{len(sounds.targets)} sounds to train on, {plan.steps_per_epoch * plan.batch_size} drawn an epoch")
    network = MiniAudio()
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
    """The training part of the tables in all their guises, and sounds without speech."""
    parts = [_prepared(table.rows(~table.validation), plan, number) for number, table in enumerate(tables)]
    share = sum(part.chances.sum() for part in parts)
    count = max(sum(len(part.targets) for part in parts) // 40, 1)
    inputs = np.stack([FRAMES(sound) for sound in speechless(count, plan.seed)]).astype(np.float16)
    even, every = np.full((count, len(BASIC)), 1 / len(BASIC), np.float32), np.ones((count, len(BASIC)), bool)
    wanted = plan.options["speechless"]
    parts.append(Sounds(inputs, even, every, np.full(count, share / (1 - wanted) * wanted / count)))
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    return Sounds(**joined | {"chances": joined["chances"] / joined["chances"].sum()})


def _prepared(table: SpeechTable, plan: Plan, number: int) -> Sounds:
    vary = Variation(plan.options["variation"], plan.seed + number)
    guises = plan.options["guises"]
    inputs = np.empty((len(table), guises, FRAMES.rows, FRAMES.spectrogram.frames), np.float16)
    for row, recording in zip(inputs, table.recordings, strict=True):
        row[0] = FRAMES(recording[:WINDOW])
        for other in row[1:]:
            other[:] = FRAMES(vary(recording))
    counts = np.bincount(table.labels, minlength=len(BASIC))
    chances = len(table) ** plan.options["set_balance"] / np.count_nonzero(counts) / counts[table.labels]
    targets = table.targets(plan.options["votes"]).astype(np.float32)
    possible = np.tile(counts > 0, (len(table), 1))
    rows = (np.repeat(part, guises, axis=0) for part in (targets, possible, chances))
    return Sounds(inputs.reshape(-1, *inputs.shape[2:]), *rows)


def _batches(sounds: Sounds, plan: Plan, epoch: int) -> Iterable[Batch]:
    random = np.random.default_rng((plan.seed, epoch))
    for _ in range(plan.steps_per_epoch):
        rows = random.choice(len(sounds.chances), plan.batch_size, p=sounds.chances)
        inputs = sounds.inputs[rows].astype(np.float32)
        possible = sounds.possible[rows] | (random.random((len(rows), 1)) >= plan.options["possible_only"])
        targets = _smooth(sounds.targets[rows], possible, plan.options["smoothing"])
        harder = _harder(inputs, targets, possible, plan.options["harder"], random)
        yield tuple(torch.from_numpy(part).to(device()) for part in (inputs, targets, possible, *harder))


def _harder(
    inputs: Float, targets: Float, possible: Boolean, options: dict[str, Any], random: np.random.Generator
) -> tuple[Float, Float, Boolean]:
    """The same sounds with stretches and bands hidden (Park et al., Interspeech 2019), two at a time laid over each
    other (mix-up; Zhang et al., ICLR 2018).
    """
    inputs = inputs.copy()
    _hide_frames(inputs, options["hidden_frames"], random)
    _hide_bands(inputs[:, : FRAMES.spectrogram.bands], options["hidden_bands"], random)
    share = random.beta(options["mix"], options["mix"], (len(inputs), 1)).astype(np.float32)
    mixed: Float = share[..., None] * inputs + (1 - share[..., None]) * inputs[::-1]
    return mixed, share * targets + (1 - share) * targets[::-1], possible | possible[::-1]


def _hide_frames(inputs: Float, widest: int, random: np.random.Generator) -> None:
    """Makes two stretches of each input ``(N, rows, frames)`` silent, as it is after a sound."""
    nothing = FRAMES.nothing(inputs)
    frames = inputs.shape[2]
    for row, silence in zip(inputs, nothing, strict=True):
        for width in random.integers(0, widest + 1, 2):
            start = random.integers(0, frames - width + 1)
            row[:, start : start + width] = silence[:, None]


def _hide_bands(bands: Float, widest: int, random: np.random.Generator) -> None:
    """Gives two groups of bands ``(N, bands, frames)`` the sound's mean."""
    for row in bands:
        for width in random.integers(0, widest + 1, 2):
            start = random.integers(0, len(row) - width + 1)
            row[start : start + width] = row.mean()


def _smooth(targets: Float, possible: Any, smoothing: float) -> Float:
    even = possible / possible.sum(axis=1, keepdims=True)
    smoothed: Float = ((1 - smoothing) * targets + smoothing * even).astype(np.float32)
    return smoothed


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    """Both parts learn on their own, so that neither rests on the other: the ear from the harder examples."""
    inputs, targets, possible, *harder = batch
    assert isinstance(network, MiniAudio)
    return (_entropy(network.judge(inputs), targets, possible) + _entropy(network.ear(harder[0]), *harder[1:])) / 2


def _entropy(logits: Tensor, targets: Tensor, possible: Tensor) -> Tensor:
    """Cross-entropy over the classes that count: a set without disgust says nothing of how disgust sounds."""
    return nn.functional.cross_entropy(logits.float().masked_fill(~possible, -1e4), targets)


def _inputs(table: SpeechTable) -> tuple[Tensor, Integer]:
    """Windows of all recordings ``(W, bands, frames)``, and which recording each belongs to ``(W,)``."""
    cut = [list(windows(recording)) for recording in table.recordings]
    batch = np.stack([FRAMES(window) for pieces in cut for window in pieces])
    return torch.from_numpy(batch), np.repeat(np.arange(len(cut)), [len(pieces) for pieces in cut])


@torch.no_grad()
def _logits(network: nn.Module, batch: Tensor, owners: Integer) -> Double:
    """The mean logits of each recording's windows ``(N, 7)``, in float32."""
    said = [network(part.to(device())) for part in torch.split(batch, 128)]
    parts = [(one[0] if isinstance(one, tuple) else one).cpu().numpy() for one in said]
    sums = np.zeros((owners[-1] + 1, len(BASIC)))
    np.add.at(sums, owners, np.concatenate(parts).astype(np.float64))
    means: Double = sums / np.bincount(owners)[:, None]
    return means


def table_logits(network: nn.Module, table: SpeechTable) -> Double:
    """Logits ``(N, 7)`` of the recordings of a table, each the mean over its windows; of the network, or of one of its
    two parts.
    """
    return _logits(network, *_inputs(table))


def shared_temperature(logits: Sequence[Double], tables: Sequence[SpeechTable]) -> float:
    """One temperature for the recordings of all tables, in which each table counts the same."""
    labels = [table.labels for table in tables]
    weights = [np.full(len(part), 1 / len(part)) for part in labels]
    return best_temperature(np.concatenate(logits), np.concatenate(labels), np.concatenate(weights))


def scores(tables: Sequence[SpeechTable], logits: Sequence[Double], temperature: float) -> dict[str, Any]:
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


def _card(tables: Sequence[SpeechTable], found: dict[str, Any]) -> ModelCard:
    return ModelCard(
        name="mini-audio",
        family="mini",
        role="audio",
        architecture="mini-audio",
        graph=UNWRITTEN,
        weights=UNWRITTEN,
        inputs=("N", FRAMES.rows, FRAMES.spectrogram.frames),
        labels=BASIC,
        preprocessing=card_entry(FRAMES),
        licence="research use only; one of its training sets, nEMO, is CC BY-NC-SA 4.0",
        source="trained by avcer: avcer train audio",
        training_data=training_data(tables),
        limits=LIMITS,
        not_for=NOT_FOR,
        scores=found,
    )


def training_data(tables: Sequence[SpeechTable]) -> str:
    """What a card states of the recordings that were learned from."""
    parts = [table.rows(~table.validation) for table in tables]
    shown = [f"{part.name}: {len(part)} recordings of {len(set(part.speakers))} speakers" for part in parts]
    return "; ".join(shown) + "; and synthetic noise, tones and beats without emotion"
