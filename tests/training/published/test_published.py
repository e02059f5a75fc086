"""The published architectures learn a handful of examples by heart, in a few steps, on a processor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from avcer import cli
from avcer.errors import ModelError, UsageError
from avcer.evaluation.tables.faces import FaceTable
from avcer.models.card import ModelCard
from avcer.training import recipe
from avcer.training.loop import Plan
from avcer.training.published import audio, dynamic, model, static
from avcer.training.sequences import Guises
from made_up import pattern, utterance


def quietly(line: str) -> None:
    pass


def losses(folder: Path) -> list[float]:
    rows = (folder / "log.csv").read_text().splitlines()
    return [float(row.split(",")[1]) for row in rows[1:]]


def faces(count: int) -> FaceTable:
    """As many for validation as to train on, of three emotions."""
    random = np.random.default_rng(0)
    labels = np.arange(2 * count) % 3
    pictures = np.stack([pattern(int(label), random)[..., None] for label in labels])
    votes = np.eye(7, dtype=np.float32)[labels]
    return FaceTable("made", pictures, votes, votes.sum(axis=1), np.arange(2 * count) >= count)


@pytest.mark.slow
def test_the_resnet_learns_a_handful_by_heart(tmp_path: Path) -> None:
    plan = Plan.read(static.RECIPE)
    still = dict.fromkeys(("smoothing", "turn", "zoom", "contrast", "brightness"), 0.0)
    plan = replace(
        plan, epochs=2, steps_per_epoch=4, batch_size=4, average_decay=0.0, learning_rate=1e-3, options=still
    )
    network = model.network_of(static.ARCHITECTURE, None, 0)
    static.run(network, [faces(6)], plan, tmp_path, quietly)
    assert losses(tmp_path)[-1] < 0.9 * losses(tmp_path)[0]


def test_the_lstm_learns_a_handful_by_heart(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    targets = np.eye(7, dtype=np.float32)
    samples = np.concatenate([random.random((7, 2, 512)), np.full((7, 2, 7), 1 / 7)], axis=2).astype(np.float32)
    seen = Guises(samples, samples, targets, np.full(7, 1 / 7))
    plan = Plan.read(dynamic.RECIPE)
    plan = replace(plan, epochs=4, steps_per_epoch=15, batch_size=32, options=Plan.read(dynamic.dynamic.RECIPE).options)
    plan.options["steps"] |= {"change": 0.0, "disturbance": 0.0, "gap": 0.0}
    network = dynamic.InBasicOrder(model.network_of(dynamic.ARCHITECTURE, None, 0))
    aside = dynamic.dynamic.compose(seen, 10, 12, plan.options["steps"] | {"ramp": 0, "start": 0.0}, random)
    dynamic.dynamic.run(network, seen, aside, plan, tmp_path, quietly, dynamic._loss)
    assert losses(tmp_path)[-1] < 0.2
    scores = dynamic.dynamic.scores_of(aside, dynamic.dynamic.softmax_steps(dynamic.dynamic.logits_of(network, aside)))
    assert scores["accuracy"] > 0.9


@pytest.mark.slow
def test_the_speech_network_learns_a_handful_by_heart() -> None:
    """Two seconds each; most of the network stays as it is, at random, and what is left still learns them."""
    plan = Plan.read(audio.RECIPE)
    sounds = [utterance(word, seed)[:32_000] for seed, word in enumerate(("angry", "calm"))]
    inputs = torch.from_numpy(np.stack([np.resize((sound - sound.mean()) / sound.std(), 32_000) for sound in sounds]))
    measure = audio.loss_of(audio.Windows(sounds, np.array([1, 0])), plan)
    network = model.network_of(audio.ARCHITECTURE, None, 0).eval()
    audio.freeze(network, 4)
    frozen = network.wav2vec2.encoder.layers[0].attention.k_proj.weight.clone()
    learned = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(learned, 0.02)
    values = []
    for _ in range(3):
        value = measure(network, (inputs, torch.eye(7)[[1, 0]]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert values[-1] < values[0]
    assert torch.equal(network.wav2vec2.encoder.layers[0].attention.k_proj.weight, frozen)


def test_only_the_last_blocks_learn() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)

    network = nn.Module()
    network.wav2vec2 = nn.Module()
    network.wav2vec2.encoder = nn.Module()
    network.wav2vec2.encoder.layers = nn.ModuleList(Block() for _ in range(6))
    network.wav2vec2.extractor = nn.Linear(2, 2)
    network.head = nn.Linear(2, 2)
    audio.freeze(network, 4)
    learned = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert {name.split(".")[3] for name in learned if "layers" in name} == {"2", "3", "4", "5"}
    assert "head.weight" in learned
    assert not any("extractor" in name for name in learned)


@pytest.mark.parametrize("seed", range(6))
def test_a_varied_window_is_the_same_sound(seed: int) -> None:
    sound = utterance("calm", 0)
    varied = audio.varied(sound, {"gain_db": 10, "least_snr_db": 10}, np.random.default_rng(seed))
    assert abs(np.corrcoef(sound, varied)[0, 1]) > 0.9
    assert varied.dtype == np.float32


def test_mixed_windows_have_mixed_targets() -> None:
    plan = replace(Plan.read(audio.RECIPE), batch_size=4, steps_per_epoch=3)
    learned = audio.Windows([utterance("calm", seed) for seed in range(2)], np.array([0, 1]))
    for sounds, targets in audio.batches(learned, plan, 0):
        assert sounds.shape == (4, 64_000)
        assert targets.sum(dim=1).tolist() == pytest.approx([1] * 4)


def test_training_starts_from_a_model_of_the_same_kind(tmp_path: Path) -> None:
    network = model.network_of(dynamic.ARCHITECTURE, None, 3)
    card = model.write(tmp_path / "model", network, dynamic.ARCHITECTURE, "made", {"x": 0.12345})
    assert card == ModelCard.read(tmp_path / "model")
    assert (card.family, card.role, card.scores) == ("published", "dynamic", {"x": 0.1235})
    again = model.network_of(dynamic.ARCHITECTURE, tmp_path / "model", 0)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    with pytest.raises(ModelError, match="avcer-lstm"):
        model.network_of(static.ARCHITECTURE, tmp_path / "model", 0)


def test_what_has_no_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipe"):
        recipe("detector", "published")
    with pytest.raises(UsageError, match="random"):
        recipe("detector", "mini", tmp_path)
    assert cli.main(["train", "detector", "x.parquet", "--out", str(tmp_path), "--architecture", "published"]) == 2


def test_recordings_without_speech_are_refused_in_a_line(
    spoken_tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["train", "audio", str(spoken_tones), "--architecture", "published", "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "tones-00.parquet: no speech is found" in line
    assert not out.exists()
