"""New last layers of the face models: what they are fitted on, and that nobody is judged by a layer that knows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avcer.errors import InputError, ModelError, UsageError
from avcer.evaluation.tables.speaking import Speaking
from avcer.models.card import ModelCard
from avcer.models.store import InstalledModel, find, verify
from avcer.training import dynamic, last_layers, recipe, speaking, static
from avcer.training.readout import Layer, Lesson, Settings, fit, lesson_of_clips, lesson_of_pictures
from avcer.training.speaking import Material, Watched, folds, judge
from made_up import clips_of_people as clips

SETTINGS = Settings(penalty=1e-4, before=0.0)


def watched(one: Speaking, random: np.random.Generator) -> Watched:
    """The feature with the number of its label is high."""
    features = np.eye(7)[one.labels[one.owners]] + random.normal(0, 0.1, (len(one.owners), 7))
    return Watched(one, features.astype(np.float32))


def made_up() -> Material:
    random = np.random.default_rng(0)
    labels = np.arange(70) % 7
    before = Layer(np.roll(np.eye(7), 1, axis=0), np.zeros(7))
    pictures = lesson_of_pictures(np.eye(7, dtype=np.float32)[labels], np.eye(7)[labels], before, SETTINGS, 1.0)
    calm = clips("calm", labels=(0,))
    return Material(before, [pictures], [watched(clips(), random), watched(calm, random)])


def test_a_window_ends_at_each_crop_and_never_reaches_into_another_clip() -> None:
    one = clips()
    windows = one.windows(one.owners[:, None].astype(np.float32))
    assert windows.shape == (len(one.owners), 10, 1)
    assert np.all(windows[..., 0] == one.owners[:, None])


def test_chosen_clips_keep_their_crops() -> None:
    one = clips()
    kept = one.rows(one.speakers == "b")
    assert kept.clips.tolist() == ["acted-3", "acted-4", "acted-5"]
    assert np.array_equal(kept.inputs, one.inputs[np.isin(one.owners, [3, 4, 5])])
    assert np.allclose(kept.means(kept.owners[:, None].astype(float)).ravel(), [0, 1, 2])


def test_emotions_count_alike_then_clips_whatever_their_length() -> None:
    one = clips()
    lesson = lesson_of_clips(one, np.zeros((len(one.owners), 3), np.float32), Settings(clips=2.0))
    assert lesson.weights.sum() == pytest.approx(2.0)
    by_clip = np.bincount(one.owners, lesson.weights)
    assert np.allclose(by_clip, 2.0 / 9)
    assert np.allclose(lesson.targets.sum(axis=1), 1)


def test_a_set_counts_by_what_it_is() -> None:
    settings = Settings(clips=1.0, alone=0.3, calm=0.6)
    alone = replace(clips(), speakers=np.array(["a"] * 9))
    assert [settings.weight_of(one) for one in (clips(), alone, clips(labels=(0,)))] == [1.0, 0.3, 0.6]


@pytest.mark.parametrize("emotions", [False, True])
def test_a_layer_is_held_near_the_one_before(emotions: bool) -> None:
    material = made_up()
    held = fit(material.pictures, material.before, replace(SETTINGS, penalty=1e4, emotions=emotions))
    assert np.allclose(held.weight, material.before.weight, atol=1e-3)
    free = fit(material.pictures, material.before, replace(SETTINGS, emotions=emotions))
    said = free(material.pictures[0].features).argmax(axis=1)
    assert np.array_equal(said, material.pictures[0].targets.argmax(axis=1))


def test_pictures_are_also_taught_what_was_said_before() -> None:
    before = Layer(np.eye(7) * 100, np.zeros(7))
    lesson = lesson_of_pictures(np.eye(7, dtype=np.float32), np.full((7, 7), 1 / 7), before, Settings(before=1.0), 1.0)
    assert np.allclose(lesson.targets, np.eye(7))


def test_everybody_is_left_out_once() -> None:
    groups = list(folds([*"aabbccddee"]))
    assert len(groups) == 4
    assert np.array_equal(np.sum(groups, axis=0), np.ones(10))
    assert not any(set(np.array([*"aabbccddee"])[group]) & set(np.array([*"aabbccddee"])[~group]) for group in groups)


def test_nobody_is_judged_by_a_layer_that_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    material = made_up()
    taught: list[list[Lesson]] = []

    def noted(lessons: list[Lesson], before: Layer, settings: Settings) -> Layer:
        taught.append(list(lessons))
        return fit(lessons, before, settings)

    monkeypatch.setattr(speaking, "fit", noted)
    speaking.without_people(material, 0, SETTINGS)
    sizes = [len(lessons[1].features) for lessons in taught]
    assert sizes == [24, 23, 23]  # of 35 crops, eleven or twelve are of the person left out
    taught.clear()
    speaking.without_corpus(material, 0, SETTINGS)
    assert [len(lessons) for lessons in taught] == [2]  # the pictures and the calm set


def test_rows_tell_before_and_after() -> None:
    rows = judge(made_up(), SETTINGS)
    acted, calm = rows
    assert (acted.corpus, acted.clips, acted.people) == ("acted", 9, 3)
    assert acted.uar_before == 0.0
    assert acted.uar_people == 1.0
    assert calm.uar_people is None
    assert (calm.other_before, calm.other) == (1.0, 0.0)
    assert "acted" in speaking.table_text(rows)


def small(recipe_file: Path, folder: Path) -> Path:
    text = recipe_file.read_text(encoding="utf-8")
    for long, short in (
        ("sequences = 400", "sequences = 10"), ("faces = 4000", "faces = 40"), ("faces = 1000", "faces = 20"),
        ("readout_sequences = 4000", "readout_sequences = 50"),
    ):  # fmt: skip
        text = text.replace(long, short)
    path = folder / recipe_file.name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("role", ["static", "dynamic"])
def test_a_model_with_a_new_last_layer_runs(
    role: str, voted_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_layers, "watch", lambda paths, model, report: [clips() for _ in paths])
    module = {"static": static, "dynamic": dynamic}[role]
    monkeypatch.setattr(module, "RECIPE", small(module.RECIPE, tmp_path))
    start = find("mini", role).folder  # type: ignore[arg-type]
    train = recipe(role, start=start)  # type: ignore[arg-type]
    card = train([voted_faces, tmp_path / "labels.csv"], tmp_path / "out", None, lambda line: None)
    model = InstalledModel(ModelCard.read(tmp_path / "out" / "model"), tmp_path / "out" / "model")
    verify(model)
    assert model.card == card
    assert "acted (9 clips, 3 people)" in card.training_data
    assert card.scores["speaking"]["acted"]["clips"] == 9
    assert json.loads((tmp_path / "out" / "left-out.json").read_text())["clips"][0]["people"] == 3
    last = {"static": "fc2", "dynamic": "classify"}[role]
    old, new = (last_layers.begin(folder, network, card.architecture) and network.state_dict()
                for folder, network in ((start, fresh(role)), (model.folder, fresh(role))))  # fmt: skip
    changed = {name.partition(".")[0] for name in old if not torch.equal(old[name], new[name])}
    assert changed == {last}


def fresh(role: str) -> torch.nn.Module:
    return {"static": last_layers.MiniStatic, "dynamic": last_layers.MiniDynamic}[role]()


def test_wrong_uses_are_refused(voted_faces: Path, tmp_path: Path) -> None:
    start = find("mini", "static").folder
    train = recipe("static", start=start)
    both = [voted_faces, tmp_path / "labels.csv"]
    with pytest.raises(InputError, match="clips"):
        train([voted_faces], tmp_path, None, print)
    with pytest.raises(InputError, match="epochs"):
        train(both, tmp_path, 3, print)
    with pytest.raises(ModelError, match="not mini-dynamic"):
        recipe("dynamic", start=start)(both, tmp_path, None, print)
    with pytest.raises(UsageError, match="left out anyway"):
        recipe("static", start=start, leave_out="voted")
    with pytest.raises(UsageError, match="random weights"):
        recipe("detector", start=start)
