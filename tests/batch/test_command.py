"""``avcer batch`` as people call it: real workers, real clips."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from avcer import cli
from avcer.batch import run
from avcer.demo import make_clip

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers are those of ``fake_worker.py``."""
    monkeypatch.setattr(run, "COMMAND", FAKE)


def test_real_workers_on_a_real_clip_and_on_junk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_clip(tmp_path / "in" / "made.mp4")
    (tmp_path / "in" / "junk.mp4").write_bytes(b"junk" * 100)
    call = ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--setting", "fast", "--formats", "csv,json"]
    assert cli.main(call) == 1
    shown = capfd.readouterr()
    assert "1 of 2 clips done, 1 failed" in shown.out
    assert "junk.mp4: not a video file" in shown.err
    assert (tmp_path / "out" / "made" / "compound.csv").exists()
    assert not (tmp_path / "out" / "junk").exists()
    assert cli.main(["batch", "--status", str(tmp_path / "out"), "--json"]) == 0
    counts = json.loads(capfd.readouterr().out)
    assert counts == {"queued": 0, "running": 0, "done": 1, "failed": 1, "skipped": 0, "total": 2}


@pytest.mark.usefixtures("fake")
def test_exit_status_dry_run_and_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mp4").write_text("ok")
    call = ["batch", str(tmp_path / "a.mp4"), "--out", str(tmp_path / "out")]
    assert cli.main([*call, "--dry-run"]) == 0
    assert "1 clips to analyse" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert cli.main([*call, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert cli.main([*call, "--rule", "sum"]) == 0
    assert "other options" in capsys.readouterr().err


@pytest.mark.usefixtures("fake")
def test_a_dry_run_of_a_finished_batch_counts_as_its_status_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in {"a": "ok", "b": "ok", "c": "fail"}.items():
        (tmp_path / f"{name}.mp4").write_text(said)
    call = ["batch", *(str(tmp_path / f"{name}.mp4") for name in "abc"), "--out", str(tmp_path / "out")]
    assert cli.main([*call, "--quiet"]) == 1
    capsys.readouterr()
    assert cli.main([*call, "--dry-run"]) == 0
    assert capsys.readouterr().out == "0 clips to analyse, 2 are done, 1 have failed\n"


@pytest.mark.parametrize(
    "call", [[], ["--out", "x"], ["a.mp4"], ["a.mp4", "--out", "x", "--shard", "4/3"]], ids=" ".join
)
def test_wrong_usage(call: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", *call]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("word", ["soon", "0", "nan"])
def test_a_time_limit_that_is_none(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["batch", "a.mp4", "--out", "x", "--timeout", word])
    assert "must be a number of seconds above 0" in capsys.readouterr().err


def test_a_wrong_call_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", f"{tmp_path}/*.mp4", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_parts_of_a_clip_from_a_manifest(tmp_path: Path) -> None:
    make_clip(tmp_path / "made.mp4")
    table = tmp_path / "parts.csv"
    table.write_text("path,start,end,id,group\nmade.mp4,0,1,first,a\nmade.mp4,2,2.5,second,b\n")
    out = tmp_path / "out"
    call = [
        "batch",
        str(table),
        "--out",
        str(out),
        "--setting",
        "fast",
        "--formats",
        "csv,json",
        "--quiet",
        "--dataset",
    ]
    assert cli.main(call) == 0
    frames = {name: len((out / name / "compound.csv").read_text().splitlines()) - 1 for name in ("first", "second")}
    assert frames["first"] == 25
    assert 12 <= frames["second"] <= 13
    import duckdb
    import polars

    assert polars.scan_parquet(out / "frames" / "**/*.parquet").collect().height == sum(frames.values())
    rows = duckdb.sql(f"SELECT id, count(*) FROM read_parquet('{out}/frames/*/*.parquet') GROUP BY id").fetchall()
    assert dict(rows) == frames
