"""Cuts: made ones and those of real clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.faces.cuts import CutDetector
from avcer.media import Pictures


def scene(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((20, 20, 1), dtype=np.uint8))


def test_a_new_scene_is_a_cut_and_motion_and_light_are_not() -> None:
    detector = CutDetector()
    first = scene(1)
    moved = np.roll(first, 4, axis=1)
    brighter = np.clip(moved * 1.03, 0, 255).astype(np.uint8)
    assert [detector.update(image) for image in (first, moved, brighter, scene(2))] == [False, False, False, True]


def test_a_tint_that_turns_over_is_no_cut_while_the_picture_stays() -> None:
    """All colours of a grey scene have other names then, and no pixel looks different."""
    warm, cool = (np.full((120, 160, 3), tint, np.uint8) for tint in ((100, 100, 104), (104, 100, 100)))
    detector = CutDetector()
    assert [detector.update(image) for image in (warm, cool, warm)] == [False, False, False]


@pytest.mark.parametrize(
    ("name", "cuts"),
    [("short_hamilton_clip.mp4", [20, 82, 211]), ("WolfgangLanger_Pexels.mp4", []), ("pcavs_00002.mp4", [])],
)
def test_real_clips(clips: Path, name: str, cuts: list[int]) -> None:
    detector = CutDetector()
    assert [frame.index for frame in Pictures(clips / name) if detector.update(frame.image)] == cuts
