"""The training loop on a network of two weights: which epoch is kept, when it stops, what it writes, its rates."""

from __future__ import annotations

import csv
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from avcer.errors import OutputError
from avcer.training.loop import Plan, fit

STEPS = 4
"""Batches an epoch."""


class Line(nn.Module):
    """``slope * x + offset``: two weights."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x + self.offset


class Run:
    """A run whose validation scores are made up, one an epoch; notes the weights that each score was given to."""

    def __init__(self, scores: list[float], folder: Path, **plan: Any) -> None:
        self.scores, self.folder = scores, folder
        self.plan = Plan(**{"epochs": len(scores), "batch_size": 8, "learning_rate": 0.05, "steps_per_epoch": STEPS,
                            "average_decay": 0.5, "bfloat16": False, **plan})  # fmt: skip
        self.judged: list[float] = []
        self.said: list[str] = []
        self.seen = 0
        self.mixed: set[bool] = set()
        self.rates: list[float] = []

    def fit(self) -> Line:
        network = Line()
        fit(network, self._batches, self._loss, self._evaluate, self.plan, self.folder, self.said.append)
        return network

    def _batches(self, epoch: int) -> Iterator[Tensor]:
        for step in range(STEPS):
            yield torch.linspace(-1, 1, 8) + 0.01 * step

    def _loss(self, network: nn.Module, x: Tensor) -> Tensor:
        self.seen += 1
        self.mixed.add(torch.is_autocast_enabled(x.device.type))
        loss: Tensor = ((network(x) - (3 * x + 1)) ** 2).mean()
        return loss

    def _evaluate(self, network: nn.Module) -> dict[str, float]:
        assert not network.training
        self.judged.append(float(next(network.parameters()).detach()))
        return {"uar": self.scores[len(self.judged) - 1], "accuracy": 0.5}

    def log(self) -> list[dict[str, str]]:
        with (self.folder / "log.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))


def test_what_is_returned_and_kept_is_the_best_epoch_not_the_last(tmp_path: Path) -> None:
    run = Run([0.2, 0.9, 0.4, 0.3], tmp_path)
    network = run.fit()
    assert len(set(run.judged)) == 4
    assert float(network.slope.detach()) == run.judged[1]
    assert not network.training
    kept = torch.load(tmp_path / "best.pt", weights_only=True)
    assert float(kept["slope"]) == run.judged[1]


def test_of_two_equal_epochs_the_first_is_kept(tmp_path: Path) -> None:
    run = Run([0.2, 0.9, 0.9], tmp_path)
    assert float(run.fit().slope.detach()) == run.judged[1]


def test_patience_stops_a_run_that_gets_no_better(tmp_path: Path) -> None:
    run = Run([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], tmp_path, patience=3)
    network = run.fit()
    assert len(run.judged) == 5
    assert float(network.slope.detach()) == run.judged[1]
    assert run.said[-1] == "no better uar for 3 epochs: stopped early"


def test_a_run_that_gets_better_in_time_is_not_stopped(tmp_path: Path) -> None:
    run = Run([0.1, 0.5, 0.4, 0.6, 0.5, 0.7], tmp_path, patience=2)
    run.fit()
    assert len(run.judged) == 6


def test_the_log_has_a_row_an_epoch_and_these_columns(tmp_path: Path) -> None:
    run = Run([0.25, 0.5], tmp_path)
    run.fit()
    rows = run.log()
    assert list(rows[0]) == ["epoch", "loss", "uar", "accuracy", "seconds"]
    assert [(row["epoch"], float(row["uar"])) for row in rows] == [("1", 0.25), ("2", 0.5)]
    losses = [float(row["loss"]) for row in rows]
    assert 0 < losses[1] < losses[0]
    assert run.seen == 2 * STEPS


def test_a_run_that_was_stopped_goes_on_where_it_stood(tmp_path: Path) -> None:
    whole = Run([0.1, 0.2, 0.3, 0.4], tmp_path / "whole")
    expected = whole.fit()
    first = Run([0.1, 0.2], tmp_path / "parts", epochs=4)
    with pytest.raises(IndexError):  # it is killed in the third epoch
        first.fit()
    second = Run([0.3, 0.4], tmp_path / "parts", epochs=4)
    network = second.fit()
    assert float(network.slope.detach()) == float(expected.slope.detach())
    assert [row["epoch"] for row in second.log()] == ["1", "2", "3", "4"]


def test_the_log_is_whole_after_a_kill_between_the_checkpoint_and_its_row(tmp_path: Path) -> None:
    first = Run([0.1, 0.2], tmp_path, epochs=4)
    with pytest.raises(IndexError):
        first.fit()
    text = (tmp_path / "log.csv").read_text()
    (tmp_path / "log.csv").write_text(text[: text.index("\n", text.index("\n") + 1) + 4])  # the second row is not whole
    Run([0.3, 0.4], tmp_path, epochs=4).fit()
    assert [(row["epoch"], row["uar"]) for row in first.log()] == [
        ("1", "0.1"),
        ("2", "0.2"),
        ("3", "0.3"),
        ("4", "0.4"),
    ]


def test_a_run_that_was_stopped_early_learns_no_more_after_a_kill(tmp_path: Path) -> None:
    Run([0.5, 0.4, 0.3], tmp_path, epochs=9, patience=2).fit()
    again = Run([], tmp_path, epochs=9, patience=2)
    again.fit()
    assert not again.judged


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 832 vs 726")  # as PyTorch says it

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"best\.pt: cannot be written \(No space left .*free some space"):
        Run([0.5], tmp_path).fit()


def rates(monkeypatch: pytest.MonkeyPatch, folder: Path, **plan: Any) -> list[float]:
    """The learning rate of every step."""
    taken: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
        taken.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    Run([0.1] * 4, folder, **plan).fit()
    return taken


def test_cosine_restarts_fall_along_a_cosine_and_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = rates(monkeypatch, tmp_path, schedule="cosine-restarts", restart_epochs=2)
    period = 2 * STEPS
    cosine = [0.05 * (1 + torch.cos(torch.tensor(torch.pi * step / period)).item()) / 2 for step in range(period)]
    assert taken == pytest.approx(cosine * 2, rel=1e-5)


def test_one_cycle_rises_for_the_warm_up_and_falls_to_next_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = rates(monkeypatch, tmp_path, warm_up=0.25)
    peak = taken.index(max(taken))
    assert max(taken) == pytest.approx(0.05, rel=0.02)
    assert 2 <= peak <= 4
    assert taken[: peak + 1] == sorted(taken[: peak + 1])
    assert taken[peak:] == sorted(taken[peak:], reverse=True)
    assert taken[-1] < 0.05 / 20


@pytest.mark.parametrize(("asked", "there", "mixed"), [(True, True, True), (True, False, False), (False, True, False)])
def test_mixed_precision_needs_a_plan_that_asks_and_hardware_that_has_it(
    asked: bool, there: bool, mixed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("avcer.training.loop._has_bfloat16", lambda device: there)
    run = Run([0.5], tmp_path, bfloat16=asked)
    run.fit()
    assert run.mixed == {mixed}
