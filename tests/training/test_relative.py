"""The audio model's output for speaker normalisation."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avcer import cli
from avcer.evaluation.tables.speech import read_speech
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.models.store import find
from avcer.training import heads
from avcer.training.calibration import even_temperature
from avcer.training.heads import FRAMES, Settings, extract, extract_table
from avcer.training.relative import Choice, Traits, body, compare, held, judge, put, said
from avcer.training.strangers import loaded, strangers
from made_up import angry_and_calm as table
from made_up import utterance

CHOICE = Choice(Settings(speechless=0.0, penalty=1e-3, before=0.0))


@pytest.fixture(scope="module")
def traits(tmp_path_factory: pytest.TempPathFactory) -> list[Traits]:
    """Three corpora, each of an angry and a calm voice that two speakers have."""
    torch.manual_seed(0)
    network, folder = MiniAudio().eval(), tmp_path_factory.mktemp("corpora")
    found = []
    for name in ("one", "two", "three"):
        path = table(folder, name)
        speech = read_speech(path)
        speech.validation[:] = [False] * 6 + [True] * 2
        speech.speakers[:] = ["a", "a", "b", "b"] * 2
        found.append(Traits.of(extract_table(network, path, speech, np.asarray, 0)))
    return found


def moved(one: Traits) -> Traits:
    """The same corpus, had each speaker another voice and microphone."""
    random = np.random.default_rng(1)
    offsets = {name: random.normal(size=one.rows.shape[1]) for name in "ab"}
    return replace(one, rows=one.rows + np.stack([offsets[str(name)] for name in one.source.table.speakers]))


def windows_of(network: MiniAudio) -> torch.Tensor:
    return torch.from_numpy(np.stack([FRAMES(utterance("angry", 0)), FRAMES(utterance("calm", 1))]))


def test_whose_voice_it_is_changes_nothing(traits: list[Traits]) -> None:
    """Not what is fitted, and no answer that is held against the speaker's others."""
    elsewhere = [moved(one) for one in traits]
    for one, other in zip(traits, elsewhere, strict=True):
        np.testing.assert_allclose(other.examples().features, one.examples().features, atol=1e-5)
    layer = CHOICE.fit(traits)
    alone, apart = said(layer, traits[0]), said(layer, elsewhere[0])
    assert np.abs(alone - apart).max() > 0.1
    np.testing.assert_allclose(held(alone / 9, traits[0]), held(apart / 9, traits[0]), atol=1e-6)


def test_it_tells_what_the_tables_tell(traits: list[Traits]) -> None:
    layer = CHOICE.fit(traits)
    for one in traits:
        assert (held(said(layer, one), one).argmax(axis=1) == one.source.table.labels).all()
    np.testing.assert_allclose(np.mean([said(layer, one).mean(axis=0) for one in traits], axis=0), 0, atol=1e-6)


def test_each_recording_counts_once_however_many_windows_it_has(traits: list[Traits]) -> None:
    examples = traits[0].examples()
    assert len(examples.features) == len(examples.owners) == len(traits[0].source.table)


def test_parts_of_the_traits_can_be_left_out(traits: list[Traits]) -> None:
    whole, features, measures = (traits[0].examples(kind).features for kind in ("both", "features", "measures"))
    np.testing.assert_array_equal(features + measures, whole)
    assert np.abs(features).max() > 0 < np.abs(measures).max()


def test_the_network_says_what_was_fitted(traits: list[Traits]) -> None:
    torch.manual_seed(0)
    network = MiniAudio().eval()
    layer, one = CHOICE.fit(traits), traits[0]
    with torch.no_grad():
        before = network(windows_of(network))[0]
        put(network, layer, 2.0)
        assert torch.equal(network(windows_of(network))[0], before)
        sounds = [recording[:64_000] for recording in one.source.table.recordings]
        relative = network(torch.from_numpy(np.stack([FRAMES(sound) for sound in sounds])))[1].numpy()
    np.testing.assert_allclose(relative, said(layer, one) / 2, atol=2e-3)


def test_models_from_before_have_one_answer() -> None:
    """Until they are trained on: then the second one begins as the first."""
    network = MiniAudio().eval()
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("relative")}
    network.load_state_dict(state)
    with torch.no_grad():
        logits, relative = network(windows_of(network))
        assert torch.isnan(relative).all()
        network.same_relative()
        again, relative = network(windows_of(network))
    torch.testing.assert_close(relative, again)
    assert torch.equal(logits, again)


def test_new_last_layers_are_the_relative_ones_until_these_are_fitted(traits: list[Traits]) -> None:
    network, sources = MiniAudio().eval(), [one.source for one in traits]
    layer = heads.fit(sources, extract(network, [utterance("calm", 2)])[0], Settings())
    heads.put(network, layer, 2.0)
    with torch.no_grad():
        logits, relative = network(windows_of(network))
    torch.testing.assert_close(relative, logits)


def test_a_corpus_left_out_is_not_fitted_on(traits: list[Traits]) -> None:
    rows, temperature = judge(traits, ["two"], CHOICE)
    assert [row.corpus for row in rows if row.left_out is not None] == ["two"]
    assert (rows[1].left_out, rows[1].from_three) == (1, 1)
    assert temperature > 0
    turned = [traits[0], replace(traits[1], rows=-traits[1].rows), traits[2]]
    assert judge(turned, ["two"], CHOICE)[0][1].left_out == 0


def test_choices_are_compared(traits: list[Traits]) -> None:
    found = compare(traits, ["one"], CHOICE)
    assert found[0]["approach"] == "recipe"
    assert len({row["approach"] for row in found}) == len(found) >= 8
    by_name = {str(row["approach"]): row for row in found}
    assert by_name["the measures alone"]["ece"] != by_name["recipe"]["ece"]


def test_corpora_of_the_last_layers_alone_can_be_left_out() -> None:
    data = "one: 6 recordings. The last layers: one: 6; two: 6. The output for speaker normalisation: one: 6; three: 6"
    known = body(replace(find("mini", "audio").card, training_data=data))
    assert strangers(["one", "two", "three"], known) == ["two", "three"]
    assert strangers(["two"], known) == []
    assert body(find("mini", "audio").card).startswith("ravdess")
    assert "crema_d" not in body(find("mini", "audio").card)


def test_one_corpus_alone_is_calibrated_on_its_speakers_left_out(traits: list[Traits]) -> None:
    one, table = traits[0], traits[0].source.table
    rows, temperature = judge([one], [], CHOICE)
    assert rows[0].left_out is None
    others = np.where(table.validation, table.labels, table.labels[::-1])
    mixed = replace(one, source=replace(one.source, table=replace(table, labels=others)))
    logits = held(said(CHOICE.fit([mixed]), mixed), mixed)[table.validation]
    assert judge([mixed], [], CHOICE)[1] == even_temperature({"one": logits}, {"one": others[table.validation]})
    assert temperature > 0


def test_the_command_keeps_the_answers_to_single_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start, out = tmp_path / "start", tmp_path / "out"
    shutil.copytree(find("mini", "audio").folder, start)
    words = ["train", "audio", *(str(table(tmp_path, name)) for name in ("one", "two")), "--out", str(out)]
    words.append("--relative-only")
    assert cli.main([*words, "--start", str(start)]) == 0
    assert "left out" in capsys.readouterr().out
    (former, card), (made, new) = loaded(start), loaded(out / "model")
    apart = [name for name, value in former.state_dict().items() if not torch.equal(value, made.state_dict()[name])]
    assert apart == ["relative.weight", "relative.bias"]
    assert set(new.scores["relative"]) == {"one", "two"}
    assert new.scores["left_out"] == card.scores["left_out"]
    assert new.source.count("--relative-only") == 1
    assert new.training_data.startswith(body(card))
    assert new.training_data.count("The output for speaker normalisation: one: ") == 1
    assert len(json.loads((out / "relative.json").read_text())["approaches"]) >= 8
    assert cli.main(words) == 2
    assert cli.main([*words, "--start", str(start), "--leave-out", "one"]) == 2
    with pytest.raises(SystemExit):
        cli.main([*words, "--start", str(start), "--doubt-only"])
    assert "not allowed with" in capsys.readouterr().err
    assert cli.main([*words, "--start", str(start), "--epochs", "2"]) == 1
    assert ModelCard.read(start) == card
