"""Medians, totals, the document and the table, on made-up numbers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avcer.bench.measure import Measured, Run, Stage, middle, together
from avcer.bench.once import Alone
from avcer.bench.report import document, lines
from avcer.bench.roof import Machine
from avcer.options import Options


def run(seconds: float, detect_s: float, duration_s: float = 10.0, form: str = "bfloat16") -> Run:
    return Run(duration_s, 250, seconds, {"decode": Stage(1.0, 250), "detect": Stage(detect_s, 250, 50.0, form)})


def bench(**options: Any) -> Any:
    machine = Machine("made up", 2, "bfloat16", {"float32": 100.0, "bfloat16": 200.0})
    return SimpleNamespace(machine=machine, options=Options(**options), repeats=3)


def measured(name: str, baseline: Run | None = None, peak_mb: float | None = 300.0) -> Measured:
    return Measured(Path(name), run(2.0, 1.0), Alone(1.0, 1.5, peak_mb), baseline)


def test_the_factor_and_the_speed() -> None:
    one = run(2.0, 1.5)
    assert (one.rtf, one.fps, one.gflop) == (0.2, 125.0, 50.0)
    assert run(2.0, 1.5, duration_s=0.0).rtf == 0


def test_the_middle_is_the_median_of_each_stage() -> None:
    middle_run = middle([run(2.0, 1.0), run(9.0, 1.2), run(3.0, 8.0)])
    assert middle_run.seconds == 3.0
    assert middle_run.stages["detect"] == Stage(1.2, 250, 50.0, "bfloat16")


def test_clips_together() -> None:
    both = together([run(2.0, 1.0), run(4.0, 2.0)])
    assert (both.duration_s, both.frames, both.seconds) == (20.0, 500, 6.0)
    assert both.stages["detect"] == Stage(3.0, 500, 100.0, "bfloat16")


def test_the_document() -> None:
    whole = document(bench(), [measured("a.mp4"), measured("b.mp4", peak_mb=400.0)])
    assert whole["rtf"] == 0.2
    assert whole["fps"] == 125
    assert whole["peak_memory_mb"] == 400
    assert whole["roof_percent"] == pytest.approx(100 * 100 / 4 / 200)
    detect = {"seconds": 2.0, "items": 500, "ms": 4.0, "share": 0.5, "gflop": 100.0, "format": "bfloat16"}
    assert whole["stages"]["detect"] == detect
    assert "format" not in whole["stages"]["decode"]
    assert [one["video"] for one in whole["videos"]] == ["a.mp4", "b.mp4"]
    assert "baseline" not in whole


def test_the_roof_is_that_of_each_stage_s_format() -> None:
    one = run(2.0, 1.0, form="float32")
    one.stages["audio"] = Stage(0.5, 20, 100.0, "bfloat16")
    whole = document(bench(), [Measured(Path("a.mp4"), one, Alone(1.0, 1.5, None), None)])
    assert whole["roof_percent"] == pytest.approx(100 * (50 / 100 + 100 / 200) / 2)


def test_the_document_with_a_baseline() -> None:
    whole = document(bench(), [measured("a.mp4", run(20.0, 15.0))])
    assert whole["baseline"]["rtf"] == 2
    assert whole["baseline"]["ratio"] == 10
    assert whole["baseline"]["stages"]["detect"]["ms"] == 60
    assert whole["videos"][0]["baseline"]["ratio"] == 10


def test_the_table() -> None:
    shown = "\n".join(
        lines(document(bench(), [measured("a.mp4", run(20.0, 15.0)), measured("b.mp4", run(20.0, 15.0))]))
    )
    assert "made up, 2 threads: 100 GFLOP/s in float32, 200 GFLOP/s in bfloat16" in shown
    assert "detect          500        4.00     2.00   50.0%     100.0" in shown
    assert "decode          500        4.00     2.00   50.0%\n" in shown
    assert "a.mp4  real-time factor 0.200" in shown
    assert "12.5 % of the roof, 10.0 times as fast as released" in shown
    assert "ratio in all: 10.0" in shown


def test_memory_that_is_not_known() -> None:
    whole = document(bench(), [measured("a.mp4", peak_mb=None)])
    assert whole["peak_memory_mb"] is None
    assert "peak memory not known" in "\n".join(lines(whole))
