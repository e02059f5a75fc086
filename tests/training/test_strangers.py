from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avcer import cli
from avcer.evaluation.statistics.arousal import arousal
from avcer.evaluation.tables.speech import read_speech
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.models.store import find
from avcer.training.audio import RECIPE
from avcer.training.heads import Settings, TableFeatures, extract, extract_table, fit, put
from avcer.training.speech import speechless
from avcer.training.strangers import compare, judge
from made_up import angry_and_calm as table

SETTINGS = Settings(speechless=0.1, penalty=1e-3, before=0.0)


def noisy(recording: np.ndarray) -> np.ndarray:
    """Another version of a recording."""
    noise = np.random.default_rng(0).standard_normal(64_000).astype(np.float32)
    return recording[:64_000] + 0.1 * noise[: len(recording)]


@pytest.fixture(scope="module")
def network() -> MiniAudio:
    torch.manual_seed(0)
    return MiniAudio().eval()


@pytest.fixture(scope="module")
def extracted(network: MiniAudio, tmp_path_factory: pytest.TempPathFactory) -> list[TableFeatures]:
    folder = tmp_path_factory.mktemp("corpora")
    paths = [table(folder, name) for name in ("one", "two", "three")]
    found = [extract_table(network, path, read_speech(path), noisy, 1) for path in paths]
    for one in found:
        one.table.validation[:] = [False] * 6 + [True] * 2
    return found


@pytest.fixture(scope="module")
def nothing(network: MiniAudio) -> np.ndarray:
    return extract(network, speechless(6, 0))[0]


def test_layers_in_the_network_say_what_was_fitted(extracted: list[TableFeatures], nothing: np.ndarray) -> None:
    torch.manual_seed(0)
    network = MiniAudio().eval()
    layer = fit(extracted, nothing, Settings(before=0.5))
    sounds = [recording[:64_000] for recording in extracted[0].table.recordings]
    put(network, layer, 2.0)
    _, said, _ = extract(network, sounds)
    np.testing.assert_allclose(said, layer.of(extracted[0]) / 2, atol=2e-3)


def test_a_layer_tells_what_the_tables_tell(extracted: list[TableFeatures], nothing: np.ndarray) -> None:
    layer = fit(extracted, nothing, SETTINGS)
    for one in extracted:
        assert (layer.of(one).argmax(axis=1) == one.table.labels).all()
    silent = nothing @ layer.weight + layer.bias
    assert np.abs(silent).max() < np.abs(layer.of(extracted[0])).max()


def test_varied_versions_are_fitted_on_and_count_as_one_recording(
    extracted: list[TableFeatures], nothing: np.ndarray
) -> None:
    features, owners = extracted[0].examples(1)
    assert len(features) == len(owners) == len(extracted[0].owners) + len(extracted[0].table)
    np.testing.assert_array_equal(features[-1], extracted[0].varied[0, -1])
    assert owners[-1] == len(extracted[0].table) - 1
    settings = replace(SETTINGS, penalty=0.1)
    plain, varied = (fit(extracted, nothing, replace(settings, guises=guises)) for guises in (0, 1))
    assert np.abs(plain.weight - varied.weight).max() > 0.2
    same = [replace(one, varied=one.features[None]) for one in extracted]
    np.testing.assert_allclose(fit(same, nothing, replace(settings, guises=1)).weight, plain.weight, atol=0.05)


def test_votes_and_telling_sentences_are_read(network: MiniAudio, tmp_path: Path) -> None:
    sentences = ["01", "01"] + ["02", "02"] + ["03", "04"] * 2
    votes = [0, 8] * 4
    path = table(tmp_path, "voted", sentence=sentences, voice_anger=votes, voice_neutral=[8 - vote for vote in votes])
    one = extract_table(network, path, read_speech(path), noisy, 0)
    assert one.table.votes[1].tolist() == np.eye(7)[BASIC.index("Anger")].tolist()
    assert not one.single.any()  # half of the table's two emotions is one


def test_a_corpus_left_out_is_not_fitted_on(extracted: list[TableFeatures], nothing: np.ndarray) -> None:
    rows, temperature = judge(extracted, ["two"], nothing, SETTINGS)
    assert [row.corpus for row in rows if row.left_out is not None] == ["two"]
    assert all(row.seen == 1 for row in rows)
    assert temperature > 0
    turned = [extracted[0], extracted[2], TableFeatures(**{**vars(extracted[1]), "features": -extracted[1].features})]
    other, _ = judge(turned, ["two"], nothing, SETTINGS)
    assert next(row.left_out for row in other if row.corpus == "two") < 1


def test_choices_are_compared(extracted: list[TableFeatures], nothing: np.ndarray) -> None:
    found = compare(extracted, ["one", "two"], nothing, SETTINGS)
    assert len(found) >= 8
    assert found[0]["approach"] == "recipe"
    assert "recordings as they are, none varied" not in {row["approach"] for row in found}  # the recipe's own choice
    assert len({row["approach"] for row in found}) == len(found)


def test_arousal_is_the_share_of_what_is_loud() -> None:
    labels = np.array([BASIC.index(name) for name in ("Anger", "Neutral", "Happiness", "Sadness", "Disgust")])
    assert arousal(labels, np.eye(7)[labels]) == 1
    assert arousal(labels, np.full((5, 7), 1 / 7)) == 0.5
    assert arousal(labels[:1], np.eye(7)[labels[:1]]) is None


def test_the_command_fits_the_shipped_model_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avcer.training.strangers.SOUNDS", 6)
    guises, heard = [], []

    def watched(*arguments: Any) -> TableFeatures:
        *_, vary, count = arguments
        guises.append(count)
        heard.append(vary(np.sin(np.arange(32_000, dtype=np.float32))))
        return extract_table(*arguments)

    monkeypatch.setattr("avcer.training.strangers.extract_table", watched)
    recipe = RECIPE.read_text(encoding="utf-8").replace("guises = 0 ", "guises = 2 ")
    (tmp_path / "audio.toml").write_text(recipe, encoding="utf-8")
    monkeypatch.setattr("avcer.training.audio.RECIPE", tmp_path / "audio.toml")
    start = tmp_path / "start"
    shutil.copytree(find("mini", "audio").folder, start)
    paths = [str(table(tmp_path, name)) for name in ("one", "two")]
    out = tmp_path / "out"
    assert cli.main(["train", "audio", *paths, "--start", str(start), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "left out" in shown
    assert guises == [2, 2]
    assert not np.array_equal(heard[0][:8_000], heard[1][:8_000])  # each table is varied in its own way
    assert len(json.loads((out / "left-out.json").read_text())["approaches"]) >= 8
    card = ModelCard.read(out / "model")
    assert set(card.scores["left_out"]) == {"one", "two"}
    assert "The last layers: one" in card.training_data
    assert cli.main(["train", "audio", *paths, "--start", str(start), "--out", str(out), "--epochs", "3"]) != 0
