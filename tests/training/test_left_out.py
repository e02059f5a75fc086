"""``avcer train --leave-out``: one corpus is not learned from, but scored on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from avcer import cli
from avcer.errors import UsageError
from avcer.models.card import ModelCard
from avcer.models.store import find
from avcer.training import left_out
from made_up import angry_and_calm as table


def test_trained_on_the_others_scored_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[str]] = []

    def recipe(tables: Any, out: Path, epochs: Any, report: Any) -> ModelCard:
        """Stands for hours: the shipped model, as if it had been trained."""
        heard.append([path.stem for path in tables])
        shutil.copytree(find("mini", "audio").folder, out / "model")
        return find("mini", "audio").card

    monkeypatch.setattr("avcer.training.audio.train", recipe)
    paths = [str(table(tmp_path, name)) for name in ("one", "two", "three")]
    out = tmp_path / "out"
    assert cli.main(["train", "audio", *paths, "--leave-out", "two", "--out", str(out)]) == 0
    assert heard == [["one", "three"]]
    found = json.loads((out / "left-out-two.json").read_text())["two"]
    assert found["n"] == 8
    assert set(found) >= {"uar", "interval", "ece", "arousal", "per_class"}
    assert "two, left out: n 8, UAR " in capsys.readouterr().out


def test_what_cannot_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, ravdess = str(table(tmp_path, "one")), str(table(tmp_path, "ravdess"))
    start = str(find("mini", "audio").folder)
    common = ["--out", str(tmp_path / "out")]
    assert cli.main(["train", "audio", one, "--leave-out", "one", *common]) == 2
    assert cli.main(["train", "audio", one, ravdess, "--leave-out", "nobody", *common]) == 2
    assert cli.main(["train", "audio", one, ravdess, "--leave-out", "ravdess", "--start", start, *common]) == 2
    assert cli.main(["train", "detector", one, "--leave-out", "one", *common]) == 2
    assert cli.main(["train", "fusion", one, "--leave-out", "one", *common]) == 2
    shown = capsys.readouterr().err
    assert "has learned from ravdess" in shown
    assert "name one of the tables' corpora (one, ravdess)" in shown


def test_a_table_of_several_files_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--leave-out x"):
        left_out.split([tmp_path / "x-00.parquet", tmp_path / "x-01.parquet", tmp_path / "y.parquet"], "x")
