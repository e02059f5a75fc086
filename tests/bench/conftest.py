"""A short demonstration clip, and made-up times of the stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avcer.analysis import Analysis
from avcer.pipeline import Analyzer

STAGES = {
    "decode": {"seconds": 0.5, "items": 50},
    "detect": {"seconds": 1.0, "items": 50},
    "follow": {"seconds": 0.1, "items": 50},
    "static": {"seconds": 0.25, "items": 45},
    "dynamic": {"seconds": 0.01, "items": 10},
    "sound": {"seconds": 0.02, "items": 4},
    "audio": {"seconds": 0.1, "items": 4},
    "decision": {"seconds": 0.02, "items": 1},
}


@pytest.fixture(scope="session")
def clip(short_clip: Path) -> Path:
    return short_clip


@pytest.fixture
def made_up_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyses say that their stages took what ``STAGES`` says."""
    analyze = Analyzer.analyze

    def with_stages(self: Analyzer, *given: Any) -> Analysis:
        analysis = analyze(self, *given)
        timings = {**analysis.provenance["timings"], "stages": STAGES}
        return replace(analysis, provenance={**analysis.provenance, "timings": timings})

    monkeypatch.setattr(Analyzer, "analyze", with_stages)
