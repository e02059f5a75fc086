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


def flat(grey: int) -> np.ndarray:
    return np.full((128, 128, 3), grey, np.uint8)


@pytest.mark.parametrize(("grey", "cut"), [(75, False), (76, True)])
def test_at_a_cut_pixels_change_by_more_than_six_hundredths_of_full_scale(grey: int, cut: bool) -> None:
    """Though all colours have other names: of value, there are four."""
    detector = CutDetector()
    detector.update(flat(60))
    assert detector.update(flat(grey)) is cut


@pytest.mark.parametrize("after", [(0, 200, 0), (150, 150, 200), (0, 0, 100)], ids=["hue", "saturation", "value"])
def test_a_change_of_hue_saturation_or_value_is_one_of_colours(after: tuple[int, int, int]) -> None:
    detector = CutDetector()
    detector.update(np.full((40, 40, 3), (0, 0, 200), np.uint8))
    assert detector.update(np.full((40, 40, 3), after, np.uint8))


@pytest.mark.parametrize(("columns", "cut"), [(6, False), (7, True)])
def test_at_a_cut_more_than_a_fifth_of_the_colours_change(columns: int, cut: bool) -> None:
    """Of 32 columns so many become white."""
    detector, after = CutDetector(), flat(20)
    detector.update(flat(20))
    after[:, : 4 * columns] = 255
    assert detector.update(after) is cut


@pytest.mark.parametrize(
    ("name", "cuts"),
    [("short_hamilton_clip.mp4", [20, 82, 211]), ("WolfgangLanger_Pexels.mp4", []), ("pcavs_00002.mp4", [])],
)
def test_real_clips(clips: Path, name: str, cuts: list[int]) -> None:
    detector = CutDetector()
    assert [frame.index for frame in Pictures(clips / name) if detector.update(frame.image)] == cuts
