"""Segments and the one clock, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.decision.align import held_rows, hold_last, nothing, on_rows
from avcer.decision.compound import decide
from avcer.decision.segments import SegmentFinder, find_segments, frame_ends
from avcer.labels import C_EXPR_DB
from avcer.types import Clip, Double, EmotionProbabilities, ExpressionTimeline

SAD_ANGRY = [0, 0.5, 0, 0, 0, 0.5, 0]
HAPPY_SURPRISED = [0, 0, 0, 0, 0.6, 0, 0.4]
NEUTRAL = [1, 0, 0, 0, 0, 0, 0]


def clip(duration_s: float) -> Clip:
    return Clip(Path("clip.mp4"), duration_s, 0, 25.0, 320, 180, 0, True, True)


def test_runs_gaps_and_none() -> None:
    values = np.array([SAD_ANGRY, SAD_ANGRY, NEUTRAL, SAD_ANGRY, SAD_ANGRY, HAPPY_SURPRISED], dtype=float)
    frames = np.array([0, 1, 2, 3, 5, 6])  # frame 4 is not a row
    times = np.arange(8) * 0.1
    emotions = EmotionProbabilities(times[frames], values, np.ones(6, dtype=bool), "fused")
    found = find_segments(decide(emotions, C_EXPR_DB, "1"), frames, frame_ends(times, clip(0.8)), face=3)
    assert [segment.label for segment in found] == [
        "Sadly Angry", "none", "Sadly Angry", "Sadly Angry", "Happily Surprised"
    ]  # fmt: skip
    assert [(round(s.start_s, 3), round(s.end_s, 3)) for s in found] == [
        (0, 0.2), (0.2, 0.3), (0.3, 0.4), (0.5, 0.6), (0.6, 0.7)
    ]  # fmt: skip
    assert found[0].probability == pytest.approx(1.0)
    assert {segment.face for segment in found} == {3}


def test_a_single_frame_of_a_clip_whose_rate_is_not_known_lasts_as_usual() -> None:
    unknown = replace(clip(0.0), average_rate=0.0)
    assert frame_ends(np.array([2.0]), unknown) == pytest.approx([2.04])


def test_frames_without_a_decision_end_a_segment() -> None:
    values = np.array([SAD_ANGRY] * 5, dtype=float)
    valid = np.array([True, True, False, True, True])
    times = np.arange(5) * 0.04
    timeline = decide(EmotionProbabilities(times, values, valid, "fused"), C_EXPR_DB, "1")
    found = find_segments(timeline, np.arange(5), frame_ends(times, clip(0.2)), face=None)
    assert [round(segment.start_s, 2) for segment in found] == [0, 0.12]
    assert found[0].end_s == pytest.approx(0.08)


@pytest.mark.parametrize(("valid", "ends"), [([1, 1, 0], [2]), ([1, 0, 0], [1]), ([0, 0, 0], []), ([0, 1, 1], [3])])
def test_a_face_that_is_not_decided_at_the_end_or_at_all(valid: list[int], ends: list[int]) -> None:
    times = np.arange(3) * 0.04
    emotions = EmotionProbabilities(times, np.array([SAD_ANGRY] * 3, float), np.array(valid, bool), "fused")
    timeline = decide(emotions, C_EXPR_DB, "1")
    found = find_segments(timeline, np.arange(3), frame_ends(times, clip(0.12)), face=1)
    assert [round(segment.end_s / 0.04) for segment in found] == ends
    assert find_segments(timeline.rows(slice(0, 0)), np.arange(0), times, face=1) == ()


def labelled(classes: list[int], step_s: float = 0.1) -> tuple[ExpressionTimeline, Double]:
    """A timeline of these labels (-1: none), and when its frames end."""
    values = np.array([{0: SAD_ANGRY, 1: HAPPY_SURPRISED, -1: NEUTRAL}[label] for label in classes], float)
    times = np.arange(len(classes)) * step_s
    emotions = EmotionProbabilities(times, values, np.ones(len(classes), bool), "fused")
    return decide(emotions, C_EXPR_DB, "1"), times + step_s


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([0, 0, 0, 1, 0, 0, 0], [("Sadly Angry", 0.0, 0.7)]),
        ([0, 0, 0, 1, -1, 1, 1, 1], [("Sadly Angry", 0.0, 0.5), ("Happily Surprised", 0.5, 0.8)]),
        ([1, -1, 0, 0, 0, 1], [("Sadly Angry", 0.0, 0.6)]),
        ([0, 1, 0, 1, 1], [("Happily Surprised", 0.0, 0.5)]),
        ([0, 0, 0, -1, -1, -1], [("Sadly Angry", 0.0, 0.3), ("none", 0.3, 0.6)]),
        ([1], [("Happily Surprised", 0.0, 0.1)]),
    ],
)
def test_a_label_that_does_not_last_begins_no_segment(classes: list[int], expected: list[object]) -> None:
    timeline, ends = labelled(classes)
    found = find_segments(timeline, np.arange(len(classes)), ends, 1, least_s=0.3)
    assert [(one.label, round(one.start_s, 6), round(one.end_s, 6)) for one in found] == expected
    assert all(one.probability == pytest.approx(1.0 if one.label != "none" else 0.0) for one in found)


def test_segments_of_rows_that_come_in_parts_are_those_of_all_rows() -> None:
    random = np.random.default_rng(0)
    for _ in range(60):
        classes = np.repeat(random.integers(-1, 2, 12), random.integers(1, 6, 12)).tolist()
        timeline, ends = labelled(classes)
        frames = np.arange(len(classes)) + np.cumsum(random.random(len(classes)) < 0.05)
        until = np.append(ends, ends[-1] + np.arange(1, 9) * 0.1)
        finder, found, at = SegmentFinder(1, lambda frame, until=until: float(until[frame]), 0.3), [], 0
        while at < len(classes):
            stop = at + int(random.integers(1, 8))
            found += finder.feed(timeline.rows(slice(at, stop)), frames[at:stop])
            at = stop
        assert (*found, *finder.finish()) == find_segments(timeline, frames, until, 1, 0.3)


def test_one_frame_lasts_until_the_end_of_the_clip() -> None:
    np.testing.assert_allclose(frame_ends(np.array([0.0]), clip(0.04)), [0.04])
    np.testing.assert_allclose(frame_ends(np.array([0.0, 0.04, 0.12]), clip(5.0)), [0.04, 0.12, 0.18])
    assert len(frame_ends(np.zeros(0), clip(1.0))) == 0


def test_every_frame_lasts_for_some_time() -> None:
    """Where the header states no length, or the clock does not begin at 0: else no face would be the primary one."""
    np.testing.assert_allclose(frame_ends(np.array([0.0]), clip(0.0)), [0.04])
    np.testing.assert_allclose(frame_ends(np.array([1.4]), clip(0.04)), [1.44])
    np.testing.assert_allclose(frame_ends(np.array([1.4, 1.5]), clip(9.0)), [1.5, 1.6])
    np.testing.assert_allclose(frame_ends(np.array([1.4, 1.44, 1.48]), clip(0.12)), [1.44, 1.48, 1.52])


def test_values_on_rows_and_holding() -> None:
    times = np.arange(6) / 10
    seen = on_rows(np.array([2, 3, 4, 5]), times, np.array([3, 5]), np.array([SAD_ANGRY, NEUTRAL], float), "static")
    assert seen.valid.tolist() == [False, True, False, True]
    np.testing.assert_allclose(seen.times_s, [0.2, 0.3, 0.4, 0.5])
    assert np.isnan(seen.activity).all()
    moving = on_rows(np.array([2, 3, 4, 5]), times, np.array([3, 5]), np.ones((2, 7)), "static", np.array([0.5, 0.25]))
    np.testing.assert_array_equal(moving.activity, [np.nan, 0.5, np.nan, 0.25])
    np.testing.assert_array_equal(hold_last(moving).activity, [0.5, 0.5, 0.5, 0.25])
    held = hold_last(seen)
    assert held.valid.all()
    np.testing.assert_array_equal(held.values[:3], [SAD_ANGRY] * 3)
    assert held_rows(np.array([False, True, False])).tolist() == [1, 1, 1]
    assert not hold_last(nothing(times, "audio")).valid.any()
