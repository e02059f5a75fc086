"""The whole static network taught anew for video: on what, from where, and that those left out are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import faces_in_video
from avcer.cli import main
from avcer.emotion.probabilities import softmax
from avcer.errors import InputError, UsageError
from avcer.evaluation.tables.speaking import Speaking
from avcer.models.card import ModelCard
from avcer.models.networks.mini_static import MiniStatic
from avcer.models.store import InstalledModel, find, verify
from avcer.training import recipe, static, video
from avcer.training.last_layers import begin
from avcer.training.loop import Plan
from avcer.training.speaking import halves
from made_up import clips_of_people as clips

START = find("mini", "static").folder
SMALL = {"rows": 40, "validation_rows": 10}


def small_plan() -> Plan:
    plan = video.read_plan()
    return replace(plan, epochs=1, steps_per_epoch=2, batch_size=16, options=plan.options | SMALL)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Speaking:
    """The clips that every table of clips holds."""
    one = clips()
    monkeypatch.setattr(video, "watch", lambda paths, model, report: [one for _ in paths])
    return one


@pytest.fixture(scope="module")
def task(voted_faces: Path) -> video.VideoTask:
    return video.VideoTask([voted_faces], [clips()], START, small_plan(), lambda line: None)


def test_the_recipe_is_that_of_pictures_with_changes() -> None:
    options, of_pictures = video.read_plan().options, Plan.read(static.RECIPE).options
    assert set(of_pictures["augmentation"]) < set(options["augmentation"])
    assert options["augmentation"]["coarse"] > of_pictures["augmentation"]["coarse"]
    assert video.read_plan().steps_per_epoch > 0  # the rate's schedule is as long as the run
    assert options["augmentation"]["gamma"] == of_pictures["augmentation"]["gamma"]


def test_pictures_keep_half_of_what_was_said(task: video.VideoTask, voted_faces: Path) -> None:
    plan = small_plan()
    everything = video.VideoTask([voted_faces], [], START, plan, lambda line: None).pictures.targets
    bare = replace(plan, options=plan.options | {"kept": 0.0})
    votes = video.VideoTask([voted_faces], [], START, bare, lambda line: None).pictures.targets
    heard = replace(plan, options=plan.options | {"kept": 1.0})
    said = video.VideoTask([voted_faces], [], START, heard, lambda line: None).pictures.targets
    assert np.allclose(everything, (votes + said) / 2, atol=1e-6)
    assert set(np.unique(votes)) == {0.0, 1.0}
    assert np.allclose(said.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(task.pictures.targets, everything)


def test_clips_left_out_are_not_taught(task: video.VideoTask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taught = []
    monkeypatch.setattr(video, "fit", lambda network, batches, *rest: taught.extend([*batches(0)]))
    monkeypatch.setattr(video, "batches", lambda faces, plan, epoch: [faces])
    one = task.clips[0]
    for chosen in (None, one.speakers != "a", np.zeros(len(one), np.bool_)):
        task.taught([chosen], tmp_path, print)
    pictures = len(task.pictures.pictures)
    assert [len(faces.pictures) - pictures for faces in taught] == [35, 24, 0]
    shares = [faces.chances[pictures:].sum() / faces.chances[:pictures].sum() for faces in taught]
    assert shares == pytest.approx([task.plan.options["clips"]] * 2 + [0.0])
    best = taught[0].targets[pictures:].argmax(axis=1)
    assert np.array_equal(best, one.labels[one.owners])


def test_batches_can_be_repeated(task: video.VideoTask) -> None:
    first, again, other = ([*video.batches(task.pictures, task.plan, epoch)] for epoch in (0, 0, 1))
    assert len(first) == small_plan().steps_per_epoch
    assert all(torch.equal(*pair) for one, two in zip(first, again, strict=True) for pair in zip(one, two, strict=True))
    assert not torch.equal(first[0][0], other[0][0])


def test_half_of_the_people_is_left_out_of_each_network(task: video.VideoTask) -> None:
    alone = replace(clips("alone"), speakers=np.array(["a"] * 9))
    splits = faces_in_video.splits([task.clips[0], alone], sets=True)
    assert list(splits) == ["half 0", "half 1", "without acted"]
    first, second = (splits[f"half {place}"] for place in (0, 1))
    assert not set(task.clips[0].speakers[first[0]]) & set(task.clips[0].speakers[second[0]])
    assert np.all(first[0] | second[0])
    assert not any(chosen[1].any() for chosen in (first, second))  # type: ignore[union-attr]
    assert splits["without acted"][1] is None


def test_a_way_changes_the_recipe_and_nothing_else(task: video.VideoTask) -> None:
    more = faces_in_video.Way("more", options={"clips": 3.0, "talk": {"opened": 0.0}}, longer=3)
    plan, before = faces_in_video.changed(task, more).plan, task.plan
    assert plan.epochs == 3 * before.epochs
    assert plan.options["clips"] == 3 * before.options["clips"]
    assert plan.options["talk"] == before.options["talk"] | {"opened": 0.0}
    assert {name for name, value in plan.options.items() if value != before.options[name]} == {"clips", "talk"}
    nobody = faces_in_video.splits(task.clips, seen=False)
    assert [chosen[0].any() for chosen in nobody.values()] == [False]  # type: ignore[union-attr]


def test_nobody_is_judged_by_a_network_that_knows_them() -> None:
    """Each network is right about those whom it was taught on, and about nobody else."""
    one = clips()
    right = np.eye(7)[one.labels[one.owners]]
    wrong = np.roll(right, 1, axis=1)
    taught = [chosen[one.owners][:, None] for chosen in halves(one)]
    answers = {
        f"half {place}": faces_in_video.Answers([np.where(rows, right, wrong)], [[0.5]])
        for place, rows in enumerate(taught)
    }
    answers["without acted"] = faces_in_video.Answers([wrong], [[0.5]])
    assert faces_in_video.together([one], answers)[0].startswith("0.000, ECE 1.00 (0.000")
    flipped = {
        f"half {place}": faces_in_video.Answers([np.where(rows, wrong, right)], [[0.5]])
        for place, rows in enumerate(taught)
    }
    assert faces_in_video.together([one], flipped)[0].startswith("1.000")
    first = {"half 0": flipped["half 0"]}
    assert faces_in_video.together([one], first, taught=1)[0].startswith("1.000")
    assert len(faces_in_video.splits([one], taught=1)) == 1


def test_the_option_asks_for_this_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def train(tables: list[Path], out: Path, epochs: int | None, report: object, **more: object) -> ModelCard:
        asked.update(more, tables=tables, out=out, epochs=epochs)
        return ModelCard.read(START)

    monkeypatch.setattr(video, "train", train)
    words = ["train", "static", "faces.parquet", "--start", str(START), "--video", "--epochs", "3"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert asked == {"start": START, "tables": [Path("faces.parquet")], "out": tmp_path, "epochs": 3}


@pytest.mark.slow
def test_a_model_taught_for_video_runs(
    voted_faces: Path, watched: Speaking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan()
    monkeypatch.setattr(video, "read_plan", lambda: plan)
    words = ["train", "static", str(voted_faces), str(tmp_path / "acted.csv"), "--start", str(START), "--video"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "model"
    card = ModelCard.read(folder)
    verify(InstalledModel(card, folder))
    assert "acted (9 clips, 3 people)" in card.training_data
    assert card.scores["voted"]["n"] == 70
    before, after = MiniStatic(), MiniStatic()
    begin(START, before, "mini-static")
    begin(folder, after, "mini-static")
    changed = {name for name, value in after.named_parameters() if not torch.equal(value, before.get_parameter(name))}
    assert {name.partition(".")[0] for name in changed} == {"stem", "blocks", "fc1", "fc2"}
    inputs = watched.inputs[:8]
    said = [softmax(static.logits_of(network, inputs, small_plan())) for network in (before, after)]
    assert 0 < np.abs(said[0] - said[1]).max() < 0.5  # two steps from where it began


def test_crops_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, asked = clips(), []
    monkeypatch.setattr(faces_in_video, "watch", lambda paths, model, report: asked.append(paths) or [one])
    for _ in range(2):
        again = faces_in_video.crops(Path("acted/labels.csv"), find("mini", "static"), tmp_path)
    assert len(asked) == 1
    assert again.name == one.name
    assert all(np.array_equal(value, getattr(one, name)) for name, value in vars(again).items())


def test_a_network_is_asked_once(task: video.VideoTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def taught(self: video.VideoTask, chosen: object, run: Path, report: object) -> None:
        asked.append(run)

    def ask(task: video.VideoTask, network: None) -> faces_in_video.Answers:
        return faces_in_video.Answers([np.eye(7)], [[0.5, 0.25]])

    monkeypatch.setattr(video.VideoTask, "taught", taught)
    monkeypatch.setattr(faces_in_video, "ask", ask)
    first, again = (faces_in_video.learn(task, faces_in_video.WAYS[0], [None], tmp_path / "half 0") for _ in range(2))
    assert asked == [tmp_path / "half 0"]
    assert np.array_equal(first.clips[0], again.clips[0])
    assert first.paid == again.paid == [[0.5, 0.25]]


def test_other_uses_of_video_are_refused() -> None:
    for chosen in (
        {"role": "static"}, {"role": "dynamic", "start": START}, {"role": "static", "start": START, "leave_out": "x"},
        {"role": "static", "start": START, "architecture": "published"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="--video is for train static"):
            recipe(**chosen, video=True)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="taught on pictures"):
        video.sort_tables([Path("labels.csv")])
    assert main(["train", "decision", "x.parquet", "--out", "y", "--video"]) == 2
    assert main(["train", "weighing", "x.csv", "--out", "y", "--video"]) == 2
