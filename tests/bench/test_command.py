"""``avcer bench``: one object, a table, one line an error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from avcer import cli
from avcer.bench import measure, roof
from avcer.bench.once import Alone


@pytest.fixture(autouse=True)
def a_small_roof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "measure", lambda: roof.measure(side=128))


@pytest.mark.usefixtures("made_up_stages")
def test_one_object(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.mp4"
    arguments = ["bench", str(missing), str(clip), "--setting", "fast", "--repeats", "1", "--baseline", "--json"]
    assert cli.main(arguments) == 1
    shown = capsys.readouterr()
    [error] = shown.err.splitlines()
    assert error.startswith("avcer: error: ")
    assert "missing.mp4" in error
    whole = json.loads(shown.out)
    assert {"rtf", "fps", "peak_memory_mb", "stages", "roof_percent", "start_s", "first_frame_s"} <= set(whole)
    assert {"rtf", "ratio", "stages"} <= set(whole["baseline"])
    assert len(whole["videos"]) == 1
    assert whole["frames"] == 50
    assert whole["stages"]["detect"]["items"] == 50
    assert whole["stages"]["static"]["gflop"] == pytest.approx(45 * 0.2328, rel=0.01)
    assert whole["baseline"]["stages"]["detect"]["gflop"] >= whole["stages"]["detect"]["gflop"]  # at full size


@pytest.mark.usefixtures("made_up_stages")
def test_a_table(clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(measure, "analyse_alone", lambda *_: Alone(1.0, 1.5, 300.0))
    assert cli.main(["bench", str(clip), "--repeats", "1"]) == 0
    shown = capsys.readouterr().out
    for word in ("decode", "detect", "decision", "real-time factor", "frames a second", "MB", "of the roof"):
        assert word in shown


def test_no_baseline_without_pytorch(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli.main(["bench", str(clip), "--baseline"]) == 1
    [error] = capsys.readouterr().err.splitlines()
    assert 'pip install "avcer[torch]"' in error


def test_wrong_usage(clip: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["bench", str(clip), "--repeats", "0"])
