from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from avcer.errors import ModelError
from avcer.models.card import ModelCard
from avcer.models.convert import write_model
from avcer.models.networks.temporal import TemporalLSTM
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel, sha256
from avcer.models.torch_engine import TorchEngine


class Detector(nn.Module):
    """Convolutions, batch norm, and a merge of two scales: any picture size."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.coarse = nn.Conv2d(16, 16, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.norm(self.fine(images))
        merged = fine + functional.interpolate(self.coarse(fine), size=fine.shape[2:], mode="nearest")
        cells = merged.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4))
        return cells, cells.softmax(2)


class Recurrent(nn.Module):
    """Every kind of layer that a sound model may have."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(8, 32, 5, stride=2)
        self.gru = nn.GRU(32, 16, batch_first=True, bidirectional=True)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.head = nn.Linear(32, 7)

    def forward(self, bands: Tensor) -> Tensor:
        steps, _ = self.gru(self.convolution(bands).transpose(1, 2))
        steps = steps + self.attention(steps, steps, steps, need_weights=False)[0]
        logits: Tensor = self.head(steps.mean(1))
        return logits


@pytest.fixture
def picture(card: ModelCard) -> ModelCard:
    return replace(card, inputs=("N", 3, "H", "W"), labels=())


def _trained(network: nn.Module) -> nn.Module:
    """Running statistics that are not the initial ones."""
    torch.manual_seed(0)
    network.train()(torch.randn(4, 3, 32, 32) * 50)
    return network


def test_named_axes_take_any_length(tmp_path: Path, picture: ModelCard) -> None:
    network = _trained(Detector())
    card = write_model(tmp_path / "model", network, picture, torch.rand(1, 3, 48, 64) * 255, ["offsets", "scores"])
    engine = OpenVINOEngine(InstalledModel(card, tmp_path / "model"), "float32")
    for shape in ((1, 3, 48, 64), (2, 3, 71, 55)):
        images = torch.rand(shape)
        with torch.no_grad():
            expected = network(images)
        for actual, wanted in zip(engine(images.numpy()), expected, strict=True):
            np.testing.assert_allclose(actual, wanted.numpy(), atol=1e-4)


def test_recurrent_layers_and_attention(tmp_path: Path, card: ModelCard) -> None:
    sound = replace(card, inputs=("N", 8, 101))
    write_model(tmp_path / "model", Recurrent(), sound, torch.randn(1, 8, 101), ["logits"])


def test_a_length_frozen_by_the_tracer_is_refused(tmp_path: Path, card: ModelCard) -> None:
    sound = replace(card, inputs=("N", 8, "T"))  # nn.MultiheadAttention makes a constant of the number of steps
    with pytest.raises(ModelError, match=r"fails on an input of \(3, 8, 76\)"):
        write_model(tmp_path / "model", Recurrent(), sound, torch.randn(1, 8, 101), ["logits"])


def test_the_card_tells_sizes_and_hashes(written: InstalledModel) -> None:
    card = ModelCard.read(written.folder)
    assert card == written.card
    assert card.graph.bytes == written.graph.stat().st_size
    assert card.weights.sha256 == sha256(written.weights)


def test_half_precision_halves_both_files(tmp_path: Path, card: ModelCard, written: InstalledModel) -> None:
    torch.manual_seed(0)

    card = write_model(tmp_path / "half", TemporalLSTM(), card, torch.rand(1, 10, 512), ["logits"], half=True)

    assert card.graph.bytes < 0.52 * written.card.graph.bytes
    assert card.weights.bytes < 0.52 * written.card.weights.bytes
    windows = np.random.default_rng(0).random((3, 10, 512), np.float32)
    half = InstalledModel(card, tmp_path / "half")
    (on_openvino,), (on_torch,) = OpenVINOEngine(half, "float32")(windows), TorchEngine(half, "float32", "cpu")(windows)
    np.testing.assert_allclose(on_openvino, on_torch, atol=1e-5)


def test_half_precision_reaches_convolutions_before_a_norm(tmp_path: Path, picture: ModelCard) -> None:
    card = write_model(tmp_path / "full", _trained(Detector()), picture, torch.rand(1, 3, 32, 32), ["a", "b"])
    half = write_model(
        tmp_path / "half", _trained(Detector()), picture, torch.rand(1, 3, 32, 32), ["a", "b"], half=True
    )
    assert card.graph.bytes - half.graph.bytes > 2 * 16 * (3 + 16) * 9 * 0.9


class Deceptive(nn.Module):
    """Branches on the values of its input, which a traced graph cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 7)

    def forward(self, values: Tensor) -> Tensor:
        logits: Tensor = self.linear(values)
        return logits if values.shape[0] == 1 else -logits


def test_a_conversion_that_differs_is_refused_and_the_earlier_folder_stays(tmp_path: Path, card: ModelCard) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "earlier").touch()
    with pytest.raises(ModelError, match="differs from the original"):
        write_model(tmp_path / "model", Deceptive(), replace(card, inputs=("N", 4)), torch.rand(1, 4), ["logits"])
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "earlier"]
