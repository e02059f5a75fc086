"""Training AVCER's wav2vec 2.0 network on tables of labelled speech, as the source work did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.probabilities import softmax
from avcer.emotion.waveform import Waveform
from avcer.errors import InputError
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.speech import SpeechTable, full_names, windows
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.training.audio import read_tables
from avcer.training.loop import Loss, Plan, Report, autocast, device, fit
from avcer.training.losses import class_weights, soft_cross_entropy, soft_focal
from avcer.training.published.model import described, network_of, write
from avcer.training.voice_activity import speech_windows
from avcer.types import Double, Float, Integer

RECIPE: Final = Path(__file__).parents[1] / "recipes" / "published-audio.toml"
ARCHITECTURE: Final = "avcer-wav2vec2-7"
HEARD: Final = Waveform()
"""The network hears the samples themselves."""
Batch = tuple[Tensor, Tensor]
"""Windows ``(N, 64000)`` and their targets ``(N, 7)`` in the order of ``BASIC``."""


@dataclass(frozen=True)
class Windows:
    """Windows of speech, each of 2 to 4 seconds of samples, and their ``labels (W,)``."""

    samples: list[Float]
    labels: Integer


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, start: Path | None = None
) -> ModelCard:
    """Trains on ``tables`` of labelled speech, from the weights in ``start`` or from random ones (which is of no use
    but to see that it runs: most of the network stays as it begins); resumes as the mini recipe does.

    Raises:
        InputError: a table is not one of labelled speech, or no speech is found in any.
        ModelError: ``start`` holds no such model, or the written model does not compute what was trained.
        MissingExtraError: the package silero-vad is not installed.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    speech = read_tables(tables)
    learned = cut([table.rows(~table.validation) for table in speech], plan.options)
    if not learned.samples:
        raise InputError(f"{tables[0]}: no speech is found in the recordings to train on; give recordings of speech")
    kept = [table.rows(table.validation) for table in speech]
    report(f"{len(learned.labels)} windows of speech to train on")
    network = network_of(ARCHITECTURE, start, plan.seed)
    run(network, learned, kept, plan, out / "run", report)
    scores = {}
    for table in kept:
        said = predict(network, table, plan)
        scores[table.name] = classification(table.labels, said) | doubts(table.labels, said, full_names(table))
    data = described([table.name for table in speech], [int((~table.validation).sum()) for table in speech])
    return write(out / "model", network, ARCHITECTURE, data, scores)


def cut(tables: Sequence[SpeechTable], options: dict[str, Any]) -> Windows:
    """The windows of all recordings where there is speech; each has the label of its recording."""
    samples, labels = [], []
    for table in tables:
        for recording, label in zip(table.recordings, table.labels, strict=True):
            found = speech_windows(recording, options["shortest_s"], options["longest_s"], options["step_s"])
            samples += found
            labels += [label] * len(found)
    return Windows(samples, np.array(labels, np.int64))


def freeze(network: nn.Module, blocks: int) -> None:
    """Leaves only the last ``blocks`` of wav2vec 2.0, and all that comes after it, to be learned."""
    backbone: Any = network.wav2vec2
    backbone.requires_grad_(False)
    for block in backbone.encoder.layers[len(backbone.encoder.layers) - blocks :]:
        block.requires_grad_(True)


def run(
    network: nn.Module, learned: Windows, kept: Sequence[SpeechTable], plan: Plan, folder: Path, report: Report
) -> None:
    """Trains ``network``."""
    freeze(network, plan.options["trainable_blocks"])

    def evaluate(average: nn.Module) -> dict[str, float]:
        uar = {
            f"uar_{table.name}": classification(table.labels, predict(average, table, plan))["uar"] for table in kept
        }
        return uar | {"uar": float(np.mean(list(uar.values())))}

    fit(network, lambda epoch: batches(learned, plan, epoch), loss_of(learned, plan), evaluate, plan, folder, report)


def loss_of(learned: Windows, plan: Plan) -> Loss:
    """The loss that the plan names, with the weights of the classes."""
    weights = class_weights(learned.labels, len(BASIC)).to(device())
    smoothing = plan.options["smoothing"]

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        logits = network(batch[0]).float()
        if plan.options["loss"] == "focal":
            return soft_focal(logits, batch[1], weights)
        return soft_cross_entropy(logits, batch[1], weights, smoothing)

    return loss


def batches(learned: Windows, plan: Plan, epoch: int) -> Iterable[Batch]:
    """Mixed up (Zhang et al., ICLR 2018), each window with the one at the other end of the batch."""
    random = np.random.default_rng((plan.seed, epoch))
    shape = plan.options["mix_up"]
    for _ in range(plan.steps_per_epoch):
        rows = random.choice(len(learned.labels), plan.batch_size)
        sounds = np.stack([HEARD(varied(learned.samples[row], plan.options, random)) for row in rows])
        targets = np.eye(len(BASIC), dtype=np.float32)[learned.labels[rows]]
        share = random.beta(shape, shape, (len(rows), 1)).astype(np.float32) if shape else np.ones((1, 1), np.float32)
        mixed = share * sounds + (1 - share) * sounds[::-1]
        blended = share * targets + (1 - share) * targets[::-1]
        yield torch.from_numpy(mixed).to(device()), torch.from_numpy(blended).to(device())


def varied(samples: Float, options: dict[str, Any], random: np.random.Generator) -> Float:
    """One of three: turned upside down, with white noise, louder or fainter (which normalising undoes)."""
    kind = random.integers(3)
    if kind == 0:
        return -samples
    if kind == 2:
        return samples * np.float32(10 ** (random.uniform(-1, 1) * options["gain_db"] / 20))
    level = np.sqrt(np.mean(np.square(samples))) * 10 ** (-(options["least_snr_db"] + random.uniform(0, 30)) / 20)
    return samples + np.float32(level) * random.standard_normal(len(samples)).astype(np.float32)


@torch.no_grad()
def predict(network: nn.Module, table: SpeechTable, plan: Plan) -> Double:
    """Probabilities ``(N, 7)`` of the recordings of a table, by the mean logits over the windows of each."""
    said = []
    for recording in table.recordings:
        batch = torch.from_numpy(np.stack([HEARD(window) for window in windows(recording)]))
        with autocast(plan):
            said.append(network(batch.to(device())).float().mean(0).cpu().numpy())
    return softmax(np.stack(said))
