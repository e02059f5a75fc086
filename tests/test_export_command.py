"""``avcer export``: from an analysis that lies there, without the clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from avcer import cli
from avcer.demo import make_clip


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip is gone afterwards."""
    folder = tmp_path_factory.mktemp("export")
    clip = make_clip(folder / "made.mp4")
    assert (
        cli.main(["analyze", str(clip), "--out", str(folder), "--quiet", "--formats", "json", "--setting", "fast"]) == 0
    )
    clip.unlink()
    return folder / "made"


def test_formats_from_an_earlier_analysis(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", str(result), "--formats", "eaf,textgrid,csv"]) == 0
    assert "segments.eaf" in capsys.readouterr().out
    assert {"segments.eaf", "segments.TextGrid", "compound.csv"} <= {path.name for path in result.iterdir()}


def test_what_lies_there_stays_and_the_next_analysis_clears_it_away(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "made.mp4")
    call = ["analyze", str(clip), "--out", str(tmp_path), "--quiet", "--setting", "fast"]
    assert cli.main([*call, "--formats", "csv,json"]) == 0
    assert cli.main(["export", str(tmp_path / "made"), "--formats", "eaf", "--video", "/moved.mp4", "--quiet"]) == 0
    assert (tmp_path / "made" / "compound.csv").exists()
    assert cli.main([*call, "--formats", "json", "--rule", "sum"]) == 0
    assert not (tmp_path / "made" / "segments.eaf").exists()
    assert not (tmp_path / "made" / "compound.csv").exists()


def test_the_document_itself_will_do(result: Path) -> None:
    assert cli.main(["export", str(result / "analysis.json"), "--formats", "boris", "--quiet"]) == 0
    assert (result / "boris.tsv").exists()


def test_links_lead_where_the_clip_is_now(result: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.mp4"
    assert cli.main(["export", str(result), "--formats", "eaf", "--video", str(moved), "--quiet"]) == 0
    assert moved.as_uri() in (result / "segments.eaf").read_text()


def test_one_result_that_is_none_does_not_stop_the_others(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(tmp_path), str(result), "--formats", "mot"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (result / "boxes.mot.txt").exists()


@pytest.mark.parametrize("call", [["a", "--formats", "docx"], ["a", "b", "--formats", "eaf", "--video", "c.mp4"]])
def test_wrong_usage(call: list[str]) -> None:
    assert cli.main(["export", *call]) == 2
