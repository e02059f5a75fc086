"""The end of every recipe: the trained network becomes a model, and its card learns how fast it is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor, nn

from avcer.models.card import ModelCard
from avcer.models.convert import write_card, write_model
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel

REPEATS: Final = 30


def finish(folder: Path, network: nn.Module, card: ModelCard, example: Tensor, outputs: Sequence[str]) -> ModelCard:
    """Writes a mini model as ``convert.write_model`` does, weights halved, and completes its card.

    Raises:
        ModelError: the written model does not compute what was trained.
    """
    card = replace(card, scores=rounded(card.scores))
    card = write_model(folder, network, card, example, outputs, half=True)
    card = replace(card, speed=one_core_speed(InstalledModel(card, folder), example[:1]))
    write_card(card, folder)
    return card


def one_core_speed(model: InstalledModel, item: Tensor) -> dict[str, Any]:
    """How long the network alone takes for one item ``(1, ..)`` on one core, at the default precision; the median."""
    engine = OpenVINOEngine(model, threads=1)
    batch = item.numpy().astype(np.float32)
    times_s = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        engine(batch)
        times_s.append(time.perf_counter() - start)
    return {
        "input": list(batch.shape),
        "milliseconds": round(float(np.median(times_s)) * 1e3, 2),
        "threads": 1,
        "precision": "default",
        "processor": engine.processor,
    }


def rounded(scores: Any) -> Any:
    """The same scores with four decimals; None for those that are not defined."""
    if isinstance(scores, dict):
        return {name: rounded(value) for name, value in scores.items()}
    if isinstance(scores, list | tuple):
        return [rounded(value) for value in scores]
    if isinstance(scores, float):
        return round(scores, 4) if math.isfinite(scores) else None
    return scores
