from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.evaluation.figures import _wilson, draw_how_sure


def test_how_sure_is_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    probability = random.random(200)
    right = random.random(200) < probability
    draw_how_sure({"all": (probability, right), "few": (probability[:3], right[:3])}, tmp_path / "sure.png")
    assert (tmp_path / "sure.png").read_bytes().startswith(b"\x89PNG")


def test_an_interval_of_a_share() -> None:
    """Values of the worked example in Newcombe, Statistics in Medicine 17, 1998: 81 of 263."""
    low, high = _wilson(np.array([81 / 263]), np.array([263]))
    assert low == pytest.approx(0.2553, abs=1e-4)
    assert high == pytest.approx(0.3662, abs=1e-4)
