from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.options import Options
from avcer.pipeline import _measured
from avcer.types import Clip


def clip(duration_s: float) -> Clip:
    return Clip(Path("clip.webm"), duration_s, 0, 25.0, 320, 180, 0, True, True)


def test_a_length_that_the_header_does_not_state_is_that_of_the_frames() -> None:
    """Recordings of browsers: without it, the summary would say 0 seconds and a real-time factor of 0."""
    times_s = 1.4 + np.arange(50) / 25
    assert _measured(clip(0.0), times_s).duration_s == pytest.approx(2.0)
    assert _measured(clip(2.1), times_s).duration_s == 2.1
    assert _measured(clip(2.1), times_s).frame_count == 50


@pytest.mark.parametrize(("choices", "rule"), [({}, "gated"), ({"models": "published"}, "1"), ({"rule": "2"}, "2")])
def test_each_family_has_its_rule(choices: dict[str, Any], rule: str) -> None:
    options = Options(**choices)
    assert options.decision_rule == options.as_dict()["rule"] == rule
