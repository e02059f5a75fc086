"""A small model to write, store and run; its network is a real one, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import fakes
from avcer.labels import VISUAL
from avcer.models.card import ModelCard
from avcer.models.convert import write_model
from avcer.models.networks.temporal import TemporalLSTM
from avcer.models.store import InstalledModel
from reference import stand_in_weights


@pytest.fixture(scope="session")
def card() -> ModelCard:
    """The card of the small model before it is written."""
    return replace(
        fakes.card("dynamic", VISUAL), name="published-dynamic", family="published", architecture="avcer-lstm",
        inputs=("N", 10, 512), source="made by the tests",
    )  # fmt: skip


@pytest.fixture(scope="session")
def written(card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> InstalledModel:
    """A model as ``write_model`` leaves it. Do not change its files: copy them."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("written") / "dynamic"
    return InstalledModel(write_model(folder, TemporalLSTM(), card, torch.rand(1, 10, 512), ["logits"]), folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty per-user folder."""
    monkeypatch.setenv("AVCER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def standin_weights(shared: Path) -> Callable[[str], dict[str, Tensor]]:
    """Name in the manifests -> the tensors with which the golden outputs were computed."""
    return lambda name: {key: torch.from_numpy(array) for key, array in stand_in_weights(name).items()}
