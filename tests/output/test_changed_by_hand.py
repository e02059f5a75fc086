"""What a person has changed in ELAN or Praat is never written over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from avcer import cli
from avcer.analysis import Analysis
from avcer.output.record import carry_over
from avcer.output.writers import add, save

Make = Callable[..., Analysis]


def annotate(path: Path, words: str = "by hand") -> None:
    path.write_text(path.read_text(encoding="utf-8") + f"<!-- {words} -->", encoding="utf-8")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("segments*")}


def test_a_file_that_nobody_changed_is_written_anew(scene: Make, tmp_path: Path) -> None:
    save(scene(), tmp_path, ["json", "eaf"])
    for word in ("eaf", "textgrid", "eaf", "textgrid"):
        add(scene(), tmp_path, [word])
    assert names(tmp_path) == {"segments.eaf", "segments_tsconf.xml", "segments.TextGrid"}


def test_an_export_keeps_what_was_changed_and_says_so(
    scene: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(scene(), tmp_path, ["json", "eaf"])
    for number, kept in enumerate(("segments-changed.eaf", "segments-changed-2.eaf")):
        annotate(tmp_path / "segments.eaf", f"work {number}")
        assert cli.main(["export", str(tmp_path), "--formats", "textgrid"]) == 0
        assert kept not in names(tmp_path)
        assert cli.main(["export", str(tmp_path), "--formats", "eaf"]) == 0
        assert f"kept as {kept}\n" in capsys.readouterr().out
        assert f"work {number}" in (tmp_path / kept).read_text(encoding="utf-8")
    assert "<!-- work" not in (tmp_path / "segments.eaf").read_text(encoding="utf-8")


def test_another_analysis_removes_no_work(scene: Make, tmp_path: Path) -> None:
    first = scene()
    save(first, tmp_path, ["json", "eaf", "textgrid"])
    annotate(tmp_path / "segments.TextGrid")
    other = replace(first, provenance=replace(first.provenance, version="another"))
    save(other, tmp_path, ["json"])
    assert names(tmp_path) == {"segments-changed.TextGrid"}


def test_a_new_folder_of_results_gets_what_is_a_persons(scene: Make, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    save(scene(), old, ["json", "eaf", "srt"])
    (old / "corrections.json").write_text("{}")
    (old / "notes").mkdir()
    (old / "notes" / "mine.txt").write_text("mine")
    annotate(old / "segments.eaf")
    save(scene(), new, ["json"])
    carry_over(old, new)
    assert names(new) == {"segments-changed.eaf"}
    assert (new / "corrections.json").exists()
    assert (new / "notes" / "mine.txt").read_text() == "mine"
