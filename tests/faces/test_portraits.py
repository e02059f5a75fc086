"""Portraits of faces: evenly spread over a face's time, and in bounded number, however many faces there are."""

from __future__ import annotations

import numpy as np

from avcer.faces.portraits import Portraits
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


def test_while_there_is_room_every_face_keeps_one() -> None:
    assert set(shown(30, 5, 40)) == set(range(30))
