"""What the three recipes share: where the weights begin, and how the trained network becomes a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from avcer.errors import ModelError
from avcer.models.card import NOT_FOR, ModelCard
from avcer.models.checkpoints import CHECKPOINTS, Checkpoint
from avcer.models.convert import write_model
from avcer.models.networks import build
from avcer.models.store import InstalledModel, verify
from avcer.training.finish import rounded

LIMITS = "trained with avcer's recipe, not by the authors of the architecture; knows what its training tables show"


def checkpoint_of(architecture: str) -> Checkpoint:
    """The published checkpoint of that architecture."""
    return next(checkpoint for checkpoint in CHECKPOINTS if checkpoint.card.architecture == architecture)


def network_of(architecture: str, start: Path | None, seed: int) -> nn.Module:
    """The network, with the weights of the model in the folder ``start``, or random ones.

    Raises:
        ModelError: the folder holds no such model.
    """
    torch.manual_seed(seed)
    network = build(architecture)
    if start is not None:
        from safetensors.torch import load_file

        model = InstalledModel(ModelCard.read(start), start)
        if model.card.architecture != architecture:
            raise ModelError(f"{start}: holds a {model.card.architecture} model; training {architecture} needs its own")
        verify(model)
        network.load_state_dict(load_file(model.weights))
    return network


def write(
    folder: Path,
    network: nn.Module,
    architecture: str,
    data: str,
    scores: dict[str, Any],
    static_sha256: str | None = None,
) -> ModelCard:
    """Writes the trained network as a model of the published family, in full precision.

    ``static_sha256`` names the static model whose features a dynamic one reads.

    Raises:
        ModelError: the written model does not compute what was trained.
    """
    checkpoint = checkpoint_of(architecture)
    card = replace(
        checkpoint.card,
        name=f"retrained-{checkpoint.card.role}",
        licence="as the training data",
        source=f"trained by avcer train {checkpoint.card.role} --architecture published",
        training_data=data,
        limits=LIMITS,
        not_for=NOT_FOR,
        scores=rounded(scores),
        preprocessing=checkpoint.card.preprocessing | ({"static_sha256": static_sha256} if static_sha256 else {}),
    )
    example = torch.rand(checkpoint.example) * checkpoint.reach
    return write_model(folder, network, card, example, checkpoint.outputs)


def described(names: Sequence[str], counts: Sequence[int]) -> str:
    """Tables and how many of their rows were trained on, for a card."""
    return ", ".join(f"{name} ({count})" for name, count in zip(names, counts, strict=True))
