"""What an audio model doubts: sounds far from those that it was fitted on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from avcer import cli
from avcer.evaluation.tables.speech import read_speech
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import Measures, MiniAudio
from avcer.models.store import find
from avcer.training.doubt import measure
from avcer.training.heads import FRAMES
from avcer.training.strangers import begin
from avcer.training.unfamiliar import Density, fit_density, put_density
from made_up import angry_and_calm as table
from made_up import utterance


@pytest.fixture(scope="module")
def network() -> MiniAudio:
    torch.manual_seed(0)
    return MiniAudio().eval()


@pytest.fixture
def density(network: MiniAudio, tmp_path: Path) -> Density:
    speech = read_speech(table(tmp_path, "one"))
    speech.validation[:] = [False] * 6 + [True] * 2
    return fit_density([measure(network, speech)])


def test_far_sounds_are_doubted_near_ones_are_not(density: Density) -> None:
    near, far = density.mean[None], density.mean[None] + 5
    assert density.factors(near) == 1
    assert density.factors(far) < 0.5
    assert (density.factors(np.concatenate([near, far, far * 9])) <= 1).all()


def test_the_network_does_what_was_fitted(density: Density) -> None:
    torch.manual_seed(1)
    network = MiniAudio().eval()
    inputs = torch.from_numpy(np.stack([FRAMES(utterance("angry", 0)), FRAMES(np.zeros(64_000, np.float32))]))
    with torch.no_grad():
        before = network(inputs)[0].numpy()
        put_density(network.unfamiliar, density)
        after, measures = network(inputs)[0].numpy(), network.judge.measured(inputs).numpy()
        factors = density.factors(measures.astype(np.float64))
        np.testing.assert_allclose(after, before * factors[:, None], rtol=1e-3)
        assert factors.min() < 1
        network.unfamiliar.forget()
        np.testing.assert_allclose(network(inputs)[0].numpy(), before, rtol=1e-6)


def test_models_from_before_doubt_nothing() -> None:
    network = MiniAudio().eval()
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("unfamiliar")}
    network.unfamiliar.limit.fill_(3)
    network.load_state_dict(state)
    assert network.unfamiliar(torch.full((1, Measures.COUNT), 5.0)).item() <= 1


def test_the_command_keeps_the_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = tmp_path / "start"
    shutil.copytree(find("mini", "audio").folder, start)
    words = ["train", "audio", str(table(tmp_path, "one")), "--out", str(tmp_path / "out"), "--doubt-only"]
    assert cli.main([*words, "--start", str(start)]) == 0
    assert "doubted from" in capsys.readouterr().out
    made, _ = begin(tmp_path / "out" / "model")
    former, _ = begin(start)
    doubts = {f"unfamiliar.{name}" for name, _ in former.unfamiliar.named_buffers()}
    for name, value in former.state_dict().items():
        assert name in doubts or torch.equal(value, made.state_dict()[name]), name
    card = ModelCard.read(tmp_path / "out" / "model")
    assert card.scores["doubt"]["limit"] > 0
    assert "left_out" in card.scores
    assert cli.main(words) == 2
    assert cli.main([*words, "--start", str(start), "--epochs", "2"]) == 1
