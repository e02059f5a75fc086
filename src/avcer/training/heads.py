"""New last layers for a trained mini audio model, fitted on more corpora.

What lies below the last layers stays as it is. Taught anew on every corpus, a network learns the corpora by heart;
a last layer is too small for that, and is fitted in seconds, so that each choice can be judged on corpora left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avcer.emotion.voice import VoiceFrames
from avcer.evaluation.tables.parquet import read_columns
from avcer.evaluation.tables.speech import WORDS, SpeechTable, windows
from avcer.labels import BASIC
from avcer.models.networks.mini_audio import MiniAudio
from avcer.training.loop import device
from avcer.types import Boolean, Double, Float

FRAMES: Final = VoiceFrames()
STEP: Final = 2
"""Every other window of a recording is read: one a second."""
BOUND: Final = 60
"""Iterations of the fit at most."""


@dataclass(frozen=True)
class Settings:
    """How the last layers are fitted; the recipe's table ``heads``.

    ``guises`` is how many varied versions of each recording are fitted on, beside the recording as it is. ``votes`` is
    the share of listeners' votes in a target, where a table has them; the rest is the label. ``single`` is the weight
    of recordings whose sentence is spoken in fewer than half of the table's emotions. ``before`` is the weight of what
    the model said before, added to the new layers' logits. ``speechless`` is the weight of sounds without speech beside
    that of all tables. ``even`` weighs tables alike, then their classes. ``doubt`` makes answers flatter on sounds far
    from those of the tables (``training.unfamiliar``).
    """

    guises: int = 0
    votes: float = 0.5
    smoothing: float = 0.1
    penalty: float = 1e-3
    before: float = 0.5
    single: float = 0.15
    speechless: float = 0.1
    possible_only: float = 0.5
    even: bool = True
    doubt: bool = False


@dataclass(frozen=True)
class TableFeatures:
    """What the network makes of a table: ``features (W, D)``, the logits of before ``said (W, 7)`` and the standardised
    ``measures (W, M)`` of W windows, ``owners (W,)`` the recording of each; ``single (N,)`` marks the recordings whose
    sentence tells the emotion; ``varied (G, N, D)`` are the features of G varied versions of each recording.
    """

    table: SpeechTable
    features: Float
    said: Float
    measures: Float
    owners: NDArray[np.int64]
    single: Boolean
    varied: Float

    def examples(self, guises: int) -> tuple[Double, NDArray[np.int64]]:
        """Features ``(R, D)`` of all windows and of so many varied versions, and the recording of each ``(R,)``."""
        varied = self.varied[:guises]
        features = np.concatenate([self.features, *varied]).astype(np.float64)
        return features, np.concatenate([self.owners, *[np.arange(len(self.table))] * len(varied)])


@dataclass(frozen=True)
class Layer:
    """Logits ``features @ weight + bias``, plus ``before`` times the logits of before."""

    weight: Double
    bias: Double
    before: float

    def of(self, one: TableFeatures, factors: Double | float = 1.0) -> Double:
        """Logits ``(N, 7)`` of a table's recordings, each the mean over its windows times ``factors (W,)``."""
        logits = one.features @ self.weight + self.bias + self.before * one.said
        logits *= np.broadcast_to(factors, len(logits))[:, None]
        return by_recording(logits, one.owners)


def by_recording(rows: Float | Double, owners: NDArray[np.int64]) -> Double:
    """The mean ``(N, D)`` of the rows ``(W, D)`` of each recording, which ``owners (W,)`` names."""
    sums = np.zeros((owners.max() + 1, rows.shape[1]))
    np.add.at(sums, owners, rows)
    means: Double = sums / np.bincount(owners)[:, None]
    return means


@torch.no_grad()
def extract(network: MiniAudio, sounds: Sequence[Float]) -> tuple[Float, Float, Float]:
    """What the last layers get ``(W, D)``, the model's logits ``(W, 7)``, and the standardised measures ``(W, M)``, for
    W windows of samples.
    """
    network.to(device())
    grabbed: dict[nn.Module, Tensor] = {}
    lasts = (network.ear.classify, network.judge.classify)
    watched = (*lasts, network.unfamiliar)
    hooks = [part.register_forward_pre_hook(lambda own, inputs: grabbed.update({own: inputs[0]})) for part in watched]
    features, said, measures = [], [], []
    for start in range(0, len(sounds), 64):
        batch = torch.from_numpy(np.stack([FRAMES(sound) for sound in sounds[start : start + 64]])).to(device())
        said.append(network(batch)[0].cpu().numpy())
        features.append(torch.cat([grabbed[last] for last in lasts], 1).cpu().numpy())
        measures.append(grabbed[network.unfamiliar].cpu().numpy())
    for hook in hooks:
        hook.remove()
    return np.concatenate(features), np.concatenate(said), np.concatenate(measures)


def extract_table(
    network: MiniAudio, path: Path, table: SpeechTable, vary: Callable[[Float], Float], guises: int
) -> TableFeatures:
    """A table of labelled speech through the network: its recordings, and ``guises`` versions of each that ``vary``
    makes.
    """
    cut = [list(windows(recording))[::STEP] for recording in table.recordings]
    features, said, measures = extract(network, [window for pieces in cut for window in pieces])
    owners = np.repeat(np.arange(len(cut)), [len(pieces) for pieces in cut])
    varied = [extract(network, [vary(recording) for recording in table.recordings])[0] for _ in range(guises)]
    stacked = np.stack(varied) if varied else np.empty((0, len(table), features.shape[1]), features.dtype)
    return TableFeatures(table, features, said, measures, owners, _single(path, table), stacked)


def _single(path: Path, table: SpeechTable) -> Boolean:
    """Which recordings have a sentence that tells the emotion."""
    columns = read_columns(path)
    single = np.zeros(len(table), bool)
    if "sentence" in columns:
        kept = [row for row, word in enumerate(columns["emotion"]) if word.lower() in WORDS]
        sentences = np.array([str(columns["sentence"][row]) for row in kept])
        emotions = len(np.unique(table.labels))
        for sentence in np.unique(sentences):
            rows = sentences == sentence
            single[rows] = len(np.unique(table.labels[rows])) < emotions / 2
    return single


def fit(tables: Sequence[TableFeatures], speechless: Float, settings: Settings) -> Layer:
    """A layer for the training part of the tables and for sounds without speech, whose target is an even guess
    ``speechless (S, D)``.
    """
    rows = [_rows(one, settings) for one in tables]
    inputs, targets, possible, weights = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    if settings.speechless:
        count, share = len(speechless), settings.speechless * weights.sum()
        inputs = np.concatenate([inputs, speechless])
        targets = np.concatenate([targets, np.full((count, len(BASIC)), 1 / len(BASIC))])
        possible = np.concatenate([possible, np.ones((count, len(BASIC)), bool)])
        weights = np.concatenate([weights, np.full(count, share / count)])
    weights = weights / weights.sum()
    mean = weights @ inputs
    scale = np.sqrt(weights @ (inputs - mean) ** 2) + 1e-3
    weight, bias = _logistic((inputs - mean) / scale, targets, possible, weights, settings)
    weight = weight / scale[:, None]
    return Layer(weight, bias - mean @ weight, settings.before)


def _rows(one: TableFeatures, settings: Settings) -> tuple[Double, Double, Boolean, Double]:
    """Features, targets, the classes that the table has, and weights of a table's training examples."""
    table = one.table
    features, owners = one.examples(settings.guises)
    counts = np.bincount(table.labels[~table.validation], minlength=len(BASIC))
    even = (counts > 0) / np.count_nonzero(counts)
    targets = (1 - settings.smoothing) * table.targets(settings.votes) + settings.smoothing * even
    weights = np.where(one.single, settings.single, 1.0)
    if settings.even:
        weights = weights / np.maximum(counts, 1)[table.labels]
    weights = weights * ~table.validation
    if settings.even:
        weights = weights / weights.sum()
    chosen = ~table.validation[owners]
    owners = owners[chosen]
    shares = weights[owners] / np.bincount(owners, minlength=len(table))[owners]
    return features[chosen], targets[owners], np.tile(counts > 0, (len(owners), 1)), shares


def _logistic(
    inputs: Double, targets: Double, possible: Boolean, weights: Double, settings: Settings
) -> tuple[Double, Double]:
    """Multinomial logistic regression with soft targets; ``possible_only`` of the loss is over the classes that a table
    has at all.
    """
    x, t, w = (torch.from_numpy(part).float() for part in (inputs, targets, weights))
    p = torch.from_numpy(possible)
    weight = torch.zeros(x.shape[1], len(BASIC), dtype=x.dtype, requires_grad=True)
    bias = torch.zeros(len(BASIC), dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=BOUND, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = x @ weight + bias
        every = -(t * torch.log_softmax(logits, 1)).sum(1)
        own = -(t * torch.log_softmax(logits.masked_fill(~p, -1e4), 1)).sum(1)
        value = (w * (settings.possible_only * own + (1 - settings.possible_only) * every)).sum()
        value = value + settings.penalty * (weight**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach().double().numpy(), bias.detach().double().numpy()


@torch.no_grad()
def put(network: MiniAudio, layer: Layer, temperature: float) -> None:
    """Works ``layer`` into the last layers of ``network``, whose logits become those of ``layer`` over
    ``temperature``, and so do its relative ones. The network's answer is the mean of its two parts'.
    """
    start = 0
    for part in (network.ear, network.judge):
        last: nn.Linear = part.classify
        stop = start + last.in_features
        new = torch.from_numpy(layer.weight[start:stop].T).to(last.weight)
        bias = torch.from_numpy(layer.bias).to(last.bias)
        last.weight.copy_((2 * new + layer.before * last.weight) / temperature)
        last.bias.copy_((bias + layer.before * last.bias) / temperature)
        start = stop
    network.same_relative()
