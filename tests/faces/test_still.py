"""A note on faces that stand still for long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avcer.faces.still import notes_of_still
from avcer.types import FaceTrack


def track(lefts: list[float]) -> FaceTrack:
    count = len(lefts)
    boxes = np.array([[left, 10, left + 100, 110] for left in lefts], np.float32)
    return FaceTrack(3, np.arange(count), boxes, np.zeros((count, 5, 2), np.float32), np.ones(count, np.float32))


def test_a_face_that_hangs_is_named() -> None:
    moving = [float(place) for place in range(50)]
    times_s = np.arange(250) / 25
    (note,) = notes_of_still([track([*moving, *[60.0] * 150, *moving])], times_s)
    assert note.startswith("face 3 stands still from 2.0 s to 8.0 s")


@pytest.mark.parametrize("lefts", [[60.0] * 100, [60.0 + 0.2 * (place % 2) for place in range(250)]])
def test_a_short_stop_and_small_movements_are_life(lefts: list[float]) -> None:
    assert notes_of_still([track(lefts)], np.arange(250) / 25) == []


@pytest.mark.parametrize(("rows", "told"), [(125, False), (126, True)])
def test_five_seconds_are_long_enough(rows: int, told: bool) -> None:
    notes = notes_of_still([track([*[60.0] * rows, 90.0])], np.arange(rows + 1) / 25)
    assert [note.split(",")[0] for note in notes] == ["face 3 stands still from 0.0 s to 5.0 s"] * told


@pytest.mark.parametrize(("by", "told"), [(0.09, True), (0.11, False)])
def test_a_box_has_not_moved_by_less_than_a_thousandth_of_its_longer_side(by: float, told: bool) -> None:
    """Which is 100 pixels here."""
    still = track([60.0] * 200)
    boxes = still.boxes - np.array([0, 0, 0, 50], np.float32)
    boxes[::2, 3] += by
    assert bool(notes_of_still([replace(still, boxes=boxes)], np.arange(200) / 25)) is told


def test_a_single_row_is_no_stop() -> None:
    assert notes_of_still([track([1.0])], np.arange(1.0)) == []
