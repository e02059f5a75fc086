"""Tracking: released ids, missed faces, cuts, and the primary face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.faces.leadership import NOBODY, leading_tracks, primary_track
from avcer.faces.track import Tracker, overlaps, pairs
from avcer.types import Face
from reference import released_tracks


def face(x: float, y: float = 0, side: float = 100) -> Face:
    box = np.array([x, y, x + side, y + side], dtype=np.float32)
    return Face(box, np.zeros((5, 2), dtype=np.float32), 0.9)


@pytest.mark.parametrize("clip", ["hamilton", "WolfgangLanger_Pexels"])
def test_released_ids(shared: Path, clip: str) -> None:
    """With no patience for a missed frame, the ids are those of the released tracker."""
    tracker = Tracker(max_gap_s=0.0)
    for frame, (faces, ids) in enumerate(released_tracks(clip)):
        assert tracker.update(frame, frame / 25, faces) == ids, frame


def test_overlap_by_hand() -> None:
    first = np.array([[0, 0, 10, 10]], dtype=np.float32)
    second = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]], dtype=np.float32)
    np.testing.assert_allclose(overlaps(first, second), [[1 / 3, 0, 0]])


def test_boxes_that_overlap_just_enough_are_a_pair() -> None:
    whole, half = np.array([[0, 0, 10, 10]], np.float32), np.array([[0, 0, 10, 5]], np.float32)
    assert pairs(whole, half, 0.5) == [(0, 0)]
    assert pairs(whole, half, 0.51) == []


def test_a_missed_second_is_survived_and_more_is_not() -> None:
    tracker = Tracker()
    assert tracker.update(0, 0.0, [face(0)]) == [1]
    for frame in range(1, 25):
        tracker.update(frame, frame / 25, [])
    assert tracker.update(25, 1.0, [face(5)]) == [1]
    for frame in range(26, 60):
        tracker.update(frame, frame / 25, [])
    assert tracker.update(60, 2.4, [face(5)]) == [2]
    first, second = tracker.tracks()
    assert first.frames.tolist() == [0, 25]
    assert first.span == range(0, 26)
    assert second.first == 60


def test_a_slow_frame_rate_is_not_a_gap() -> None:
    tracker = Tracker(max_gap_s=0.5)
    assert [tracker.update(frame, frame * 2.0, [face(0)]) for frame in range(3)] == [[1], [1], [1]]


def test_a_cut_ends_every_track() -> None:
    tracker = Tracker()
    assert tracker.update(0, 0.0, [face(0), face(300)]) == [1, 2]
    assert tracker.update(1, 0.04, [face(0), face(300)], cut=True) == [3, 4]


def test_two_faces_that_cross_keep_the_larger_overlap() -> None:
    tracker = Tracker()
    tracker.update(0, 0.0, [face(0), face(120)])
    assert tracker.update(1, 0.04, [face(110), face(10)]) == [2, 1]


def test_primary_is_area_times_time() -> None:
    tracker = Tracker()
    for frame in range(10):
        faces = [face(0, side=100)] if frame > 2 else [face(0, side=100), face(300, side=150)]
        tracker.update(frame, frame / 25, faces)
    assert primary_track(tracker.tracks(), np.full(10, 0.04)) == 1
    assert primary_track([], np.zeros(0)) is None


def test_the_primary_leads_where_it_is_alive_and_after_a_cut_whoever_is_there() -> None:
    tracker = Tracker()
    for frame in range(10):
        faces = {range(0, 5): [face(0, side=100), face(300, side=60)], range(5, 8): [face(0, side=50)]}
        shown = next((found for frames, found in faces.items() if frame in frames), [])
        tracker.update(frame, frame / 25, shown, cut=frame == 5)
    assert leading_tracks(tracker.tracks(), np.full(10, 0.04)).tolist() == [1] * 5 + [3] * 3 + [NOBODY] * 2


def test_a_doubtful_face_goes_on_but_does_not_begin() -> None:
    tracker = Tracker(begin_score=0.95)
    doubtful, sure = face(0), replace(face(0), score=0.99)
    assert tracker.update(0, 0.0, [doubtful]) == [None]
    assert tracker.update(1, 0.04, [sure]) == [1]
    assert tracker.update(2, 0.08, [doubtful, face(300)]) == [1, None]
    assert [track.frames.tolist() for track in tracker.tracks()] == [[1, 2]]


def test_a_face_that_scores_just_enough_begins_a_track() -> None:
    assert Tracker(begin_score=0.9).update(0, 0.0, [face(0)]) == [1]


def test_a_face_may_be_corrected_later_also_of_a_track_that_has_ended() -> None:
    tracker = Tracker()
    for frame in (3, 4, 6):
        tracker.update(frame, frame / 25, [face(frame), face(300)])
    tracker.update(7, 7 / 25, [face(7)], cut=True)
    better = replace(face(9), score=0.5)
    tracker.correct(1, 4, better)
    tracker.correct(3, 7, better)
    first, second, third = tracker.tracks()
    assert first.boxes[:, 0].tolist() == [3, 9, 6]
    assert first.scores.tolist() == pytest.approx([0.9, 0.5, 0.9])
    assert second.boxes[:, 0].tolist() == [300] * 3
    assert third.boxes[:, 0].tolist() == [9]


def test_a_track_goes_on_from_its_corrected_last_face() -> None:
    tracker = Tracker()
    tracker.update(0, 0.0, [face(0)])
    tracker.correct(1, 0, face(40))
    assert tracker.update(1, 0.04, [face(80)]) == [1]


def test_a_track_goes_on_where_pictures_become_larger() -> None:
    tracker = Tracker()
    tracker.update(0, 0.0, [face(100)])
    tracker.rescale(3.0)
    assert tracker.update(1, 0.04, [face(100), face(300, side=300)]) == [2, 1]


def test_a_track_spans_the_frames_from_its_first_to_its_last() -> None:
    tracker = Tracker()
    for frame in (4, 5, 9):
        tracker.update(frame, frame / 25, [face(0)])
    assert tracker.span(1) == (4, 9)
    assert [tracker.seen_before(1, frame) for frame in (4, 5, 9, 10)] == [0, 1, 2, 3]
    for start, stop, frames in ((1, 3, [5, 9]), (0, 2, [4, 5]), (1, 2, [5])):
        rows = tracker.rows(1, start, stop)
        assert rows.frames.tolist() == frames
        assert len(rows.boxes) == len(rows.landmarks) == len(rows.scores) == len(frames)
