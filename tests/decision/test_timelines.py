"""Faces, gaps and sound, decided together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.analysis import FaceAnalysis
from avcer.decision.align import nothing
from avcer.decision.compound import RULES, Rule
from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.decision.policy import Rule as AnyRule
from avcer.decision.segments import frame_ends
from avcer.decision.timelines import decide_all
from avcer.labels import BASIC, C_EXPR_DB
from avcer.types import Boolean, Clip, Double, EmotionProbabilities, FaceTrack

TIMES_S = np.arange(10) / 25
CLIP = Clip(Path("clip.mp4"), 0.4, 10, 25.0, 320, 180, 0, True, True)
SEEN = np.array([0, 1, 2, 4, 5])


def some(rows: int, seed: int) -> Double:
    return np.random.default_rng(seed).dirichlet(np.ones(7), rows)


def heard(valid: Boolean) -> EmotionProbabilities:
    return EmotionProbabilities(TIMES_S, some(10, 3) * valid[:, None], valid, "audio")


def decided(policy: Policy, audio: EmotionProbabilities) -> tuple[FaceAnalysis, ...]:
    """One face, missed on frame 3 and gone after frame 5, and what is decided from sound alone."""
    leads = np.array([1] * 6 + [-1] * 4)
    visual = {1: {"static": some(5, 1), "dynamic": some(5, 2)}}
    track = FaceTrack(1, SEEN, np.ones((5, 4), np.float32), np.ones((5, 5, 2), np.float32), np.ones(5, np.float32))
    return decide_all(policy, [track], visual, {"audio": audio}, leads, TIMES_S, frame_ends(TIMES_S, CLIP))


def test_a_gap_is_a_gap_without_sound() -> None:
    (face,) = decided(Policy(MEAN, C_EXPR_DB, "sum"), nothing(TIMES_S, "audio"))
    assert face.compound.valid.tolist() == [True, True, True, False, True, True]
    np.testing.assert_allclose(face.compound.shares.sum(axis=1), [1, 1, 1, 0, 1, 1])


def test_sound_decides_where_no_face_is_alive() -> None:
    face, alone = decided(Policy(MEAN, C_EXPR_DB, "sum"), heard(np.arange(10) < 8))
    assert (face.id, alone.id) == (1, None)
    assert face.compound.valid.all()  # the gap is decided from sound, too
    assert alone.frames.tolist() == [6, 7]
    np.testing.assert_allclose(alone.compound.shares, [[0, 0, 1]] * 2)


@pytest.mark.parametrize("rule", RULES)
def test_a_held_row_is_held_whole(rule: Rule) -> None:
    """The last row's decision, and how much of it each model gave."""
    policy = Policy(MEAN, C_EXPR_DB, rule, fill_gaps=True)
    (face,) = decided(policy, nothing(TIMES_S, "audio"))
    assert face.compound.valid.all()
    np.testing.assert_array_equal(face.compound.shares[3], face.compound.shares[2])
    assert face.compound.shares[3].sum() == pytest.approx(float(face.compound.classes[3] >= 0))
    np.testing.assert_array_equal(face.fused.values[3], face.fused.values[2])
    assert face.compound.classes[3] == face.compound.classes[2]


def test_sound_counts_for_whoever_leads() -> None:
    """And for everybody, if that is asked for."""
    landmarks = np.ones((5, 5, 2), np.float32)
    tracks = [
        FaceTrack(person, np.arange(5) + first, np.ones((5, 4), np.float32), landmarks, np.ones(5, np.float32))
        for person, first in ((1, 0), (2, 3))
    ]
    visual = {person: {"static": some(5, person), "dynamic": some(5, person + 5)} for person in (1, 2)}
    audio, ends_s = {"audio": heard(np.ones(10, bool))}, frame_ends(TIMES_S, CLIP)
    leads = np.array([1] * 5 + [2] * 3 + [-1] * 2)
    first, second, alone = decide_all(Policy(MEAN, C_EXPR_DB, "1"), tracks, visual, audio, leads, TIMES_S, ends_s)
    assert first.audio.valid.all()
    assert second.audio.valid.tolist() == [False, False, True, True, True]
    assert alone.frames.tolist() == [8, 9]
    everybody = decide_all(Policy(MEAN, C_EXPR_DB, "1"), tracks, visual, audio, None, TIMES_S, ends_s)
    assert all(face.audio.valid.all() for face in everybody)


@pytest.mark.parametrize("rule", ["open", "sum"])
def test_what_can_be_said_and_what_is_pooled_is_the_rules(rule: AnyRule) -> None:
    policy = Policy(MEAN, C_EXPR_DB, rule)
    assert policy.labels == ((*BASIC, *C_EXPR_DB.names) if rule == "open" else C_EXPR_DB.names)
    values = some(6, 1).reshape(2, 3, 7)
    pooled = policy.pooled(values, np.ones((2, 3), bool))
    assert np.allclose(pooled, values.mean(axis=1)) is (rule == "sum")
