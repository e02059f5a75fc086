from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from avcer.analysis import Analysis
from avcer.batch.facts import facts
from avcer.console import print_summary
from avcer.types import Segment

Summary = Callable[..., str]


@pytest.fixture
def summary(scene: Callable[..., Analysis], capsys: pytest.CaptureFixture[str]) -> Summary:
    """Gives the line of shares that the command line prints for segments ``(label, kind, seconds)``."""

    def shares(*spans: tuple[str, str, float]) -> str:
        analysis = scene(provenance={"timings": {"seconds": 1.0, "real_time_factor": 0.1}})
        segments = tuple(Segment(0, 0.0, seconds, label, kind, None, 0.9) for label, kind, seconds in spans)
        shown = replace(analysis, faces=(replace(analysis.faces[0], segments=segments),), warnings=())
        print_summary("clip.mp4", facts(shown), Path("out"), 0)
        return capsys.readouterr().out.splitlines()[1].strip()

    return shares


def test_neutral_comes_after_the_emotions(summary: Summary) -> None:
    spans = (("Neutral", "neutral", 29.0), ("Happily Surprised", "compound", 9.0), ("Happiness", "basic", 62.0))
    assert summary(*spans) == "Happiness 62 %, Happily Surprised 9 %, Neutral 29 %"


def test_neutral_and_none_are_never_left_out(summary: Summary) -> None:
    named = [(name, "basic", 10.0 + place) for place, name in enumerate(("Anger", "Fear", "Sadness", "Disgust"))]
    spans = (*named, ("Surprise", "basic", 0.4), ("Neutral", "neutral", 40.0), ("none", "none", 0.6))
    emotions = "Disgust 15 %, Sadness 14 %, Fear 13 %, Anger 11 %"
    assert summary(*spans) == f"{emotions}, Neutral 46 %, none < 1 % and 1 more"
