"""A mini audio model that keeps what it has learned, and learns which sounds are unfamiliar to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from avcer.errors import InputError
from avcer.evaluation.tables.speech import SpeechTable, windows
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.training import audio
from avcer.training.heads import FRAMES, STEP
from avcer.training.loop import Report
from avcer.training.strangers import begin
from avcer.training.unfamiliar import Density, Measured, fit_density, put_density
from avcer.types import Float

MOST: Final = 400
"""Recordings of a table that are measured, spread evenly over it: enough for a distribution."""


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, *, start: Path
) -> ModelCard:
    """Fits what is unfamiliar to the mini audio model in the folder ``start`` on ``tables``; its layers stay as they
    are. Writes ``out/model``.

    Raises:
        InputError: a table is not one of labelled speech, or ``epochs`` is given: there are none.
        ModelError: ``start`` is no mini audio model.
    """
    if epochs is not None:
        raise InputError("what is unfamiliar is fitted in one go; leave --epochs out")
    network, before = begin(start)
    speech = audio.read_tables(tables)
    measured = []
    for table in speech:
        measured.append(measure(network, table))
        report(f"{table.name}: {len(measured[-1].owners)} windows measured")
    density = fit_density(measured)
    put_density(network.unfamiliar, density)
    report(f"doubted from {density.limit:.2f} standard deviations on")
    return audio.write(out, network, card_of(before, network, speech, density))


@torch.no_grad()
def measure(network: MiniAudio, table: SpeechTable, most: int = MOST) -> Measured:
    """The standardised measures of at most ``most`` recordings of a table, window by window."""
    chosen = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(int))
    cut = [list(windows(table.recordings[place]))[::STEP] for place in chosen]
    owners = np.repeat(chosen, [len(pieces) for pieces in cut])
    return Measured(table, _measures(network, [window for pieces in cut for window in pieces]), owners)


def _measures(network: MiniAudio, sounds: Sequence[Float]) -> Float:
    parts = []
    for begin_at in range(0, len(sounds), 64):
        batch = np.stack([FRAMES(sound) for sound in sounds[begin_at : begin_at + 64]])
        parts.append(network.judge.measured(torch.from_numpy(batch)).numpy())
    measures: Float = np.concatenate(parts)
    return measures


def card_of(before: ModelCard, network: MiniAudio, tables: Sequence[SpeechTable], density: Density) -> ModelCard:
    """The card of before, with scores as they are now, and what is doubted."""
    validation = [table.rows(table.validation) for table in tables]
    scores = audio.scores(validation, [audio.table_logits(network, table) for table in validation], 1.0)
    doubt: dict[str, Any] = {"limit": density.limit, "directions": density.directions.shape[1]}
    return replace(
        before,
        scores={**before.scores, **scores, "doubt": doubt},
        source=f"{before.source}, then avcer train audio --start --doubt-only",
        limits=audio.LIMITS_OF_STRANGERS,
    )
