"""Detections on some frames, and the straight lines between them. A made-up finder says where the faces are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from avcer.faces.sparse import SparseDetector
from avcer.types import Face, Image

Place = Callable[[int], list[float]]
"""Of a frame: the left edge of each face."""


def face(x: float, score: float = 0.9) -> Face:
    box = np.array([x, 10, x + 100, 110], np.float32)
    return Face(box, np.full((5, 2), x, np.float32), score)


def steady(frame: int) -> list[float]:
    return [50.0 + frame]


class Finder:
    """Finds faces where ``place`` says, in pictures that are their own number; remembers where it looked."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.looked_at: list[int] = []

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        frames = [int(image[0, 0, 0]) for image in images]
        self.looked_at += frames
        return [[face(x) for x in self._place(frame)] for frame in frames]


def pictures(frames: Sequence[int]) -> list[Image]:
    return [np.full((4, 4, 3), frame, np.uint8) for frame in frames]


def detect(
    place: Place, every: int, batches: Sequence[int], cuts: Sequence[int] = ()
) -> tuple[list[list[float]], list[int], int]:
    """For frames in batches of the sizes given: the left edges of the faces of each, the frames looked at in order,
    and their count as it was stated.
    """
    finder = Finder(place)
    detector = SparseDetector(finder, every)
    edges: list[list[float]] = []
    stated = 0
    for size in batches:
        frames = range(len(edges), len(edges) + size)
        found = detector.detect(pictures(frames), [frame in cuts for frame in frames])
        edges += [[round(float(one.box[0]), 3) for one in found.faces[at]] for at in range(size)]
        stated += len(found.detected)
    assert len(finder.looked_at) == len(set(finder.looked_at)) == stated
    return edges, sorted(finder.looked_at), stated


@pytest.mark.parametrize("batches", [[1], [10], [4, 4, 2]])
def test_every_frame_is_what_the_finder_says(batches: list[int]) -> None:
    places = [[float(x) for x in np.random.default_rng(frame).integers(0, 200, frame % 3)] for frame in range(10)]
    edges, looked_at, _ = detect(lambda frame: places[frame], 1, batches, cuts=[3])
    assert edges == places[: sum(batches)]
    assert looked_at == list(range(sum(batches)))


def test_the_first_the_last_and_every_so_many_between_are_looked_at() -> None:
    edges, looked_at, stated = detect(steady, 4, [18])
    assert looked_at == [0, 3, 7, 11, 15, 17]
    assert stated == 6
    assert edges == [[50.0 + frame] for frame in range(18)]


def test_between_two_detections_box_landmarks_and_score_lie_on_a_straight_line() -> None:
    class Growing(Finder):
        def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
            frames = [int(image[0, 0, 0]) for image in images]
            return [[face(20 + frame**2, 0.8 + frame / 100)] for frame in frames]

    found = SparseDetector(Growing(steady), 4).detect(pictures(range(4)), [False] * 4)
    first, second = found.faces[1][0], found.faces[2][0]
    np.testing.assert_allclose(first.box, [23, 10, 123, 110])
    np.testing.assert_allclose(second.landmarks, 26)
    assert (first.score, second.score) == pytest.approx((0.81, 0.82))


def test_each_face_keeps_to_its_own_line_whatever_their_order() -> None:
    def place(frame: int) -> list[float]:
        return [10.0 + frame, 300.0 - frame] if frame < 4 else [300.0 - frame, 10.0 + frame]

    edges, looked_at, _ = detect(place, 8, [8])
    assert looked_at == [0, 7]
    assert [sorted(pair) for pair in edges] == [[10.0 + frame, 300.0 - frame] for frame in range(8)]


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("comes", lambda frame: [50.0] if frame >= 6 else []),
        ("goes", lambda frame: [50.0] if frame < 6 else []),
        ("jumps", lambda frame: [50.0] if frame < 6 else [90.0]),
        ("another one comes", lambda frame: [50.0] if frame < 6 else [50.0, 300.0]),
    ],
)
def test_where_a_face_comes_goes_or_jumps_the_frames_between_are_looked_at(what: str, place: Place) -> None:
    edges, looked_at, _ = detect(place, 4, [16])
    assert edges == [place(frame) for frame in range(16)], what
    assert looked_at == [0, 3, 4, 5, 6, 7, 11, 15]


def test_no_face_at_all_costs_the_regular_detections_alone() -> None:
    edges, looked_at, _ = detect(lambda frame: [], 6, [12, 12])
    assert edges == [[]] * 24
    assert looked_at == [0, 5, 11, 17, 23]


def test_both_sides_of_a_cut_are_looked_at_and_nothing_is_carried_across() -> None:
    """The face is nearly where it was, so that only the cut tells that it is another one."""

    def place(frame: int) -> list[float]:
        return [50.0] if frame < 9 else [60.0]

    edges, looked_at, _ = detect(place, 8, [16], cuts=[9])
    assert looked_at == [0, 7, 8, 9, 15]
    assert edges == [place(frame) for frame in range(16)]


@pytest.mark.parametrize("cut", [0, 8, 15])
def test_a_cut_at_the_edge_of_a_batch_or_the_clip(cut: int) -> None:
    edges, looked_at, _ = detect(lambda frame: [50.0] if frame < cut else [60.0], 8, [8, 8], cuts=[cut])
    assert edges == [[50.0]] * cut + [[60.0]] * (16 - cut)
    assert set(looked_at) == {0, 7, 15} | ({cut - 1, cut} & set(range(16)))


def test_a_batch_goes_on_from_the_last_frame_of_the_one_before() -> None:
    edges, looked_at, _ = detect(steady, 6, [6, 6, 3, 1, 2])
    assert looked_at == [0, 5, 11, 14, 15, 17]
    assert edges == [[50.0 + frame] for frame in range(18)]


def test_a_face_that_goes_between_two_batches() -> None:
    def place(frame: int) -> list[float]:
        return [50.0] if frame < 8 else []

    edges, looked_at, _ = detect(place, 6, [6, 6])
    assert edges == [place(frame) for frame in range(12)]
    assert looked_at == [0, 5, 6, 7, 8, 9, 10, 11]


def test_a_clip_of_one_frame() -> None:
    assert detect(steady, 6, [1]) == ([[50.0]], [0], 1)


def trembling(frame: int) -> list[float]:
    return [50.0 + 5 * (frame % 2), 300.0]


def test_a_frame_may_be_looked_at_later_and_none_is_twice() -> None:
    finder = Finder(trembling)
    detector = SparseDetector(finder, 12)
    found = detector.detect(pictures(range(12)), [False] * 12)
    assert found.detected == {0, 11}
    found.detect([4, 0, 5, 11, 4])
    found.detect([5])
    assert sorted(finder.looked_at) == [0, 4, 5, 11]
    assert found.detected == {0, 4, 5, 11}
    assert [found.faces[at][0].box[0] for at in (4, 5)] == [50.0, 55.0]
    assert found.faces[6][0].box[0] == pytest.approx(50 + 5 * 6 / 11)


def test_the_nearest_face_is_the_one_that_overlaps_most_if_it_may_be_the_same_one() -> None:
    found = SparseDetector(Finder(trembling), 1).detect(pictures(range(2)), [False] * 2)
    for guess, edge in [(53.0, 55.0), (95.0, 55.0), (260.0, 300.0)]:
        nearest = found.nearest(1, face(guess).box)
        assert nearest is not None
        assert nearest.box[0] == edge
    assert found.nearest(1, face(170.0).box) is None


def test_a_face_that_overlaps_just_enough_is_near() -> None:
    found = SparseDetector(Finder(steady), 1).detect(pictures([0]), [False])
    two_fifths = np.array([50, 10, 150, 50], np.float32)
    assert found.nearest(0, two_fifths) is found.faces[0][0]
    assert found.nearest(0, two_fifths - np.array([0, 0, 0, 1], np.float32)) is None


def test_where_no_face_is_found_none_is_near() -> None:
    found = SparseDetector(Finder(lambda frame: []), 1).detect(pictures([0]), [False])
    assert found.nearest(0, face(50.0).box) is None
