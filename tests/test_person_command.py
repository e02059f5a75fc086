"""``avcer person``, and what ``avcer analyze --person`` makes of its file."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from avcer import cli
from avcer.demo import make_clip

USUAL = ["--quiet", "--formats", "csv,json", "--setting", "fast"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("person") / "made.mp4")


@pytest.fixture(scope="module")
def results(clip: Path) -> list[Path]:
    """The results of one clip, three times."""
    assert cli.main(["analyze", str(clip), "--out", str(clip.parent), *USUAL]) == 0
    folders = [clip.parent / name for name in ("made", "again", "once more")]
    for folder in folders[1:]:
        shutil.copytree(folders[0], folder)
    return folders


def person(results: list[Path], out: Path) -> int:
    return cli.main(["person", *map(str, results), "--out", str(out)])


def values(folder: Path, table: str) -> list[list[str]]:
    with (folder / table).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_from_results_to_an_analysis(
    clip: Path, results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "person.json"
    assert person([*results[:2], results[2] / "analysis.json"], path) == 0
    assert capsys.readouterr().out == f"{path}: 3 clips; audio, static, dynamic\n"
    assert cli.main(["analyze", str(clip), "--out", str(tmp_path), *USUAL, "--person", str(path)]) == 0
    made = tmp_path / "made"
    for table in ("static.csv", "dynamic.csv", "audio.csv"):
        assert len(values(made, table)) == len(values(results[0], table))
        assert values(made, table) != values(results[0], table)
    assert json.loads((made / "analysis.json").read_text(encoding="utf-8"))["provenance"]["options"]["person"] == str(
        path
    )
    assert person([made, *results], tmp_path / "again.json") == 1
    assert "--person or --baseline; analyse it without" in capsys.readouterr().err


def test_one_neutral_clip(clip: Path, results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calm.json"
    assert cli.main(["person", str(results[0]), "--neutral", "--out", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 1 clip, neutral; static, dynamic\n"
    assert json.loads(path.read_text(encoding="utf-8"))["shows"] == "neutral"
    assert cli.main(["analyze", str(clip), "--out", str(tmp_path), *USUAL, "--person", str(path)]) == 0
    made = tmp_path / "made"
    assert values(made, "audio.csv") == values(results[0], "audio.csv")
    assert values(made, "static.csv") != values(results[0], "static.csv")


def test_nothing_is_overwritten(results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("mine", encoding="utf-8")
    assert person(results, mine) == 1
    assert "is there already" in capsys.readouterr().err
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_result_counts_once(results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert person([*results, results[0] / "analysis.json"], tmp_path / "person.json") == 1
    assert "is given twice" in capsys.readouterr().err


def test_too_few_clips(results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "person.json"
    assert person(results[:2], out) == 1
    assert capsys.readouterr().err.startswith("avcer: error: too few clips")
    assert not out.exists()


def test_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert person([tmp_path], tmp_path / "person.json") == 1
    assert str(tmp_path) in capsys.readouterr().err
