"""A note on faces that stand still for long."""

from __future__ import annotations

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


def test_a_single_row_is_no_stop() -> None:
    assert notes_of_still([track([1.0])], np.arange(1.0)) == []
