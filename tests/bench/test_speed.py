"""The benchmark's own arithmetic: the clips that it makes, and its tables."""

from __future__ import annotations

from pathlib import Path

import pytest

import speed
from avcer.media import is_silent, open_sound, probe


def test_a_clip_is_enlarged_and_cut(clip: Path, tmp_path: Path) -> None:
    speed.scale(clip, tmp_path / "large.mp4", (960, 720), seconds=1.0)
    made = probe(tmp_path / "large.mp4")
    assert (made.width, made.height, made.frame_count) == (960, 720, 25)
    assert made.duration_s == pytest.approx(1, abs=0.1)
    sound = open_sound(made.path)
    assert sound is not None
    blocks = [block.samples for block in sound]
    assert sum(len(samples) for samples in blocks) == pytest.approx(16000, rel=0.1)
    assert not any(is_silent(samples) for samples in blocks[:2])


def test_tables() -> None:
    stage = {"ms": 2.0, "share": 0.25}
    baseline = {
        "rtf": 2.0,
        "roof_percent": 10.0,
        "ratio": 8.0,
        "stages": {"detect": {"ms": 30.0}, "crops": {"ms": 1.0}},
    }
    run = {"rtf": 0.25, "fps": 100.0, "peak_memory_mb": 300.0, "first_frame_s": 1.5, "roof_percent": 40.0}
    results = {"mini, 640x360": {**run, "stages": {"detect": stage}, "baseline": baseline}}
    assert (
        speed.summary(results).splitlines()[-1] == "| mini, 640x360 | 0.250 | 100 | 300 | 1.5 | 40 | 2.00 | 10 | 8.0 |"
    )
    assert speed.stages(results).splitlines()[-1] == "| mini, 640x360 | 2.00, 25% (30.00) | (1.00) |"
