"""``avcer person``, and what ``avcer analyze --person`` makes of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avcer import cli
from avcer.demo import make_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("person") / "made.mp4")


@pytest.fixture(scope="module")
def result(clip: Path) -> Path:
    call = ["analyze", str(clip), "--out", str(clip.parent), "--quiet", "--formats", "json", "--setting", "fast"]
    assert cli.main(call) == 0
    return clip.parent / "made"


def test_from_results_to_an_analysis(
    clip: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    person, document = tmp_path / "person.json", str(result / "analysis.json")
    assert cli.main(["person", str(result), str(result), document, "--out", str(person)]) == 0
    assert capsys.readouterr().out == f"{person}: 3 clips; audio, static, dynamic\n"
    call = ["analyze", str(clip), "--out", str(tmp_path), "--quiet", "--formats", "json", "--setting", "fast"]
    assert cli.main([*call, "--person", str(person)]) == 0
    found = json.loads((tmp_path / "made" / "analysis.json").read_text(encoding="utf-8"))
    assert found["provenance"]["options"]["person"] == str(person)
    assert cli.main(["person", *[str(tmp_path / "made")] * 3, "--out", str(tmp_path / "again.json")]) == 1
    assert "--person or --baseline; analyse it without" in capsys.readouterr().err


def test_nothing_is_overwritten(result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("mine", encoding="utf-8")
    assert cli.main(["person", *[str(result)] * 3, "--out", str(mine)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert mine.read_text(encoding="utf-8") == "mine"


def test_too_few_clips(result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "person.json"
    assert cli.main(["person", str(result), str(result), "--out", str(out), "--quiet"]) == 1
    assert capsys.readouterr().err.startswith("avcer: error: 2 clips are too few")
    assert not out.exists()


def test_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["person", *[str(tmp_path)] * 3, "--out", str(tmp_path / "person.json")]) == 1
    assert str(tmp_path) in capsys.readouterr().err
