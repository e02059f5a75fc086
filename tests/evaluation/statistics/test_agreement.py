"""Agreement of two analyses, on made-up decisions for one face, or for nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.align import nothing
from avcer.errors import InputError
from avcer.evaluation.statistics.agreement import Agreement, agreement, together
from avcer.labels import AVCER_12, C_EXPR_DB, Vocabulary
from avcer.modalities import NAMES
from avcer.types import Clip, EmotionProbabilities, ExpressionTimeline, FaceTrack

UNKNOWN = -2
"""In a list of classes: a frame without a decision."""


def analysis(
    classes: list[int], happiness: float = 0.5, scale: float = 1.0, vocabulary: Vocabulary = C_EXPR_DB, first: int = 0
) -> Analysis:
    """One face from the frame ``first`` on, with a class for each frame; Happiness has its share of the fused sums,
    Sadness the rest.
    """
    rows, frames = len(classes), first + len(classes)
    times_s = np.arange(frames) / 25
    valid = np.array(classes) != UNKNOWN
    values = np.zeros((rows, 7))
    values[:, 4], values[:, 5] = scale * happiness, scale * (1 - happiness)
    compound = ExpressionTimeline(
        times_s=times_s[first:], classes=np.where(valid, classes, -1), kind=np.where(np.array(classes) >= 0, 3, 0),
        salience=np.full(rows, np.nan), probability=np.zeros(rows), labels=vocabulary.names,
        runner_up=np.full(rows, -1), scores=np.zeros((rows, len(vocabulary))), shares=np.zeros((rows, 3)), valid=valid,
        vocabulary=vocabulary,
    )  # fmt: skip
    fused = EmotionProbabilities(times_s[first:], np.where(valid[:, None], values, 0), valid, "fused")
    track = FaceTrack(
        1, np.arange(first, frames), np.ones((rows, 4), np.float32), np.ones((rows, 5, 2), np.float32),
        np.ones(rows, np.float32),
    )  # fmt: skip
    unsaid = {name: nothing(times_s[first:], name) for name in NAMES}
    face = FaceAnalysis(track, track.frames, unsaid, fused, compound, {}, ())
    leads = np.where(np.arange(frames) < first, -1, 1)
    clip = Clip(Path("clip.mp4"), frames / 25, frames, 25.0, 320, 180, 0, True, False)
    return Analysis(clip, times_s, {"audio": nothing(times_s, "audio")}, (face,), 1, leads, vocabulary, {}, ())


def test_an_analysis_agrees_with_itself() -> None:
    assert agreement(analysis([0, 1, -1, UNKNOWN]), analysis([0, 1, -1, UNKNOWN])) == Agreement(4, 4, 0.0)


def test_frames_with_the_same_class_are_counted() -> None:
    found = agreement(analysis([0, 1, 2, -1]), analysis([0, 2, 2, 1]))
    assert (found.frames, found.same, found.share) == (4, 2, 0.5)


def test_none_is_not_the_same_as_no_decision() -> None:
    assert agreement(analysis([-1, UNKNOWN, 0]), analysis([UNKNOWN, UNKNOWN, 0])).same == 2


def test_a_face_that_only_one_of_them_found_differs() -> None:
    found = agreement(analysis([0] * 10), analysis([0] * 6, first=4))
    assert (found.frames, found.same, found.difference) == (10, 6, 0.0)


def test_the_difference_is_of_what_the_emotions_have_of_the_sum() -> None:
    found = agreement(analysis([0, 0], happiness=0.5, scale=0.4), analysis([0, 0], happiness=0.85, scale=2.0))
    assert found.difference == pytest.approx(2 * 0.35 / 7)


def test_the_difference_is_of_frames_that_both_know() -> None:
    found = agreement(analysis([0, UNKNOWN], happiness=0.5), analysis([0, 0], happiness=0.85))
    assert found.difference == pytest.approx(2 * 0.35 / 7)
    assert agreement(analysis([UNKNOWN]), analysis([0])) == Agreement(1, 0, 0.0)


def test_other_clips_and_other_compounds_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="other frames or compounds"):
        agreement(analysis([0, 0]), analysis([0, 0, 0]))
    with pytest.raises(InputError, match="other frames or compounds"):
        agreement(analysis([0]), analysis([0], vocabulary=AVCER_12))


def test_clips_together_count_by_their_frames() -> None:
    found = together([Agreement(30, 30, 0.0), Agreement(10, 5, 0.04)])
    assert found == Agreement(40, 35, pytest.approx(0.01))
    assert found.share == 0.875
    assert together([]) == Agreement(0, 0, 0.0)
    assert together([]).share == 0.0
