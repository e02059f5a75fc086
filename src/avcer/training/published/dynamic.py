"""Training AVCER's LSTM on the sequences of the mini dynamic recipe, seen by the published static model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from avcer.labels import BASIC, VISUAL
from avcer.models.card import ModelCard
from avcer.models.choice import choose
from avcer.training import dynamic
from avcer.training.loop import Plan, Report
from avcer.training.published.model import network_of, write
from avcer.training.static import read_tables

RECIPE: Final = Path(__file__).parents[1] / "recipes" / "published-dynamic.toml"
ARCHITECTURE: Final = "avcer-lstm"


def train(
    tables: Sequence[Path],
    out: Path,
    epochs: int | None = None,
    report: Report = print,
    start: Path | None = None,
    own_models: Sequence[Path] = (),
) -> ModelCard:
    """Trains on ``tables`` of labelled faces as the published static model among ``own_models`` sees them, else the
    installed one; from the weights in ``start`` or from random ones. Resumes as the mini recipe does.

    Raises:
        InputError: a table is not one of labelled faces.
        ModelError: no published static model is installed, or ``start`` holds no such model.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs, options=Plan.read(dynamic.RECIPE).options)
    static = choose("published", "static", own_models)
    seen, aside = dynamic.training_and_validation(read_tables(tables), static, plan, report)
    network = InBasicOrder(network_of(ARCHITECTURE, start, plan.seed))
    dynamic.run(network, seen, aside, plan, out / "run", report, _loss)
    scores = dynamic.scores_of(aside, dynamic.softmax_steps(dynamic.logits_of(network, aside)))
    names = ", ".join(path.stem for path in tables)
    data = f"sequences put together from faces of {names}, as {static.card.name} sees them"
    return write(out / "model", network.inner, ARCHITECTURE, data, {"sequences": scores}, static.card.graph.sha256)


class InBasicOrder(nn.Module):
    """The LSTM, whose outputs are in the order of ``VISUAL``, with outputs in that of ``BASIC``."""

    places: Tensor

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("places", torch.tensor([VISUAL.index(emotion) for emotion in BASIC]), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """``(N, 10, 512)`` -> logits ``(N, 7)``."""
        logits: Tensor = self.inner(windows)[:, self.places]
        return logits


def _loss(network: nn.Module, batch: dynamic.Batch) -> Tensor:
    """The published network speaks at the last step only."""
    features, targets = batch
    return nn.functional.cross_entropy(network(features), targets[:, -1])
