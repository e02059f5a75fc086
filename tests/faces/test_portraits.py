"""Portraits of faces: evenly spread over a face's time, and in bounded number, however many faces there are."""

from __future__ import annotations

import numpy as np
import pytest

from avcer.faces.portraits import SIDE, Portraits, portrait
from avcer.types import Frame

BOX = np.array([10, 10, 40, 40], np.float32)
IMAGE = np.zeros((60, 80, 3), np.uint8)


def shown(faces: int, each: int, most_in_all: int) -> dict[int, list[int]]:
    """So many faces one after the other, each on so many frames, one a second."""
    kept = Portraits(most=8, most_in_all=most_in_all)
    for index in range(faces * each):
        kept.add(index // each, Frame(index, float(index), IMAGE), BOX)
    return {face: sorted(album) for face, album in kept.by_face().items()}


def test_of_one_face_so_many_are_kept_spread_over_its_time() -> None:
    (album,) = shown(1, 100, 1000).values()
    assert 8 <= len(album) < 16
    assert album[0] == 0
    assert album[-1] >= 100 - 16


def test_all_faces_together_have_no_more_than_a_fixed_number() -> None:
    albums = shown(200, 5, 40)
    assert sum(map(len, albums.values())) <= 40
    assert max(albums) == 199
    assert all(frame // 5 == face for face, album in albums.items() for frame in album)


def test_as_many_are_kept_as_there_is_room_for() -> None:
    assert sum(map(len, shown(10, 4, 40).values())) == 40
    assert sum(map(len, shown(10, 4, 39).values())) == 38  # one face has given up half of its four


def test_while_there_is_room_every_face_keeps_one() -> None:
    assert set(shown(30, 5, 40)) == set(range(30))


def edges(box: list[float], side: int = 200) -> list[int]:
    """Left, right, top and bottom of a portrait, in pixels of a square picture."""
    rows, columns = np.mgrid[:side, :side]
    picture = portrait(np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8), np.array(box, np.float32))
    assert picture is not None
    assert picture.shape == (SIDE, SIDE, 3)
    return [int(part) for part in (*picture[80, [0, -1], 0], *picture[[0, -1], 80, 1])]


@pytest.mark.parametrize(
    ("box", "left", "top"),
    [
        ([80, 90, 120, 110], 73, 73),  # by the longer side, 40, and a margin of 0.18 of it at either end: 54 in all
        ([0, 80, 40, 120], 0, 73),
        ([170, 190, 210, 230], 146, 146),
        ([-10, 0, 30, 20], 0, 0),
    ],
)
def test_a_portrait_has_some_space_about_the_face_and_is_moved_into_the_picture(
    box: list[float], left: int, top: int
) -> None:
    assert edges(box) == pytest.approx([left, left + 53, top, top + 53], abs=1)


def test_a_portrait_as_large_as_the_picture_is_moved_into_it() -> None:
    assert edges([0, 30, 100, 130], side=136) == pytest.approx([0, 135, 0, 135], abs=1)


def test_a_face_that_is_larger_than_the_picture_stays_in_the_middle() -> None:
    """What the picture lacks at its left is repeated there, and not taken from the right."""
    assert edges([-40, 0, 160, 200])[:2] == pytest.approx([0, 196], abs=2)


@pytest.mark.parametrize(("left", "top"), [(80, 10), (10, 60), (-30, 10), (10, -30)])
def test_a_face_along_the_border_outside_is_not_moved_into_the_picture(left: int, top: int) -> None:
    """One that is a pixel nearer is."""
    for at, there in (((left, top), False), ((np.clip(left, -29, 79), np.clip(top, -29, 59)), True)):
        box = np.array([*at, at[0] + 30, at[1] + 30], np.float32)
        assert (portrait(IMAGE, box) is not None) is there


def test_in_a_wide_picture_a_portrait_is_moved_up_from_the_lower_border() -> None:
    rows = np.tile(np.arange(100, dtype=np.uint8)[:, np.newaxis, np.newaxis], (1, 250, 3))
    picture = portrait(rows, np.array([100, 60, 140, 100], np.float32))
    assert picture is not None
    assert picture[[0, -1], 80, 0].tolist() == pytest.approx([46, 99], abs=1)


def test_no_portrait_of_a_face_outside_and_none_before_it_is_due() -> None:
    kept = Portraits(interval_s=0.5)
    kept.add(1, Frame(0, 0.0, IMAGE), np.array([500, 500, 540, 540], np.float32))
    assert kept.by_face() == {}
    for index, time_s in enumerate((0.1, 0.5, 0.6, 1.0, 1.1)):
        kept.add(1, Frame(index, time_s, IMAGE), BOX)
    assert list(kept.by_face()[1]) == [0, 2, 4]


def test_portraits_that_were_thinned_out_are_evenly_spread() -> None:
    kept = Portraits(interval_s=1.0, most=4)
    for index in range(50):
        kept.add(1, Frame(index, float(index), IMAGE), BOX)
    assert list(kept.by_face()[1]) == list(range(0, 50, 8))


def test_the_face_with_the_most_gives_up_half_of_its_own() -> None:
    kept = Portraits(interval_s=1.0, most=100, most_in_all=10)
    for index in range(8):
        kept.add(1, Frame(index, float(index), IMAGE), BOX)
    for index in range(3):
        kept.add(2, Frame(index, float(index), IMAGE), BOX)
    assert {face: list(album) for face, album in kept.by_face().items()} == {1: [0, 2, 4, 6], 2: [0, 1, 2]}
