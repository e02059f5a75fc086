"""Faces that speak, and voices beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avcer.decision.express import OpenRule, read_open, weighed_evidence
from avcer.decision.fuse import MEAN, read_fusion
from avcer.decision.policy import Policy, Rule
from avcer.decision.weigh import Cues, Speaking, Weighing, heard, weigh
from avcer.labels import BASIC, PAIRS_15
from avcer.types import Double, EmotionProbabilities, ExpressionTimeline

SPEAKING = Speaking(0.4, 0.25, 0.2, 0.15)
WEIGHING = Weighing((0.38, 0.55, 0.07), SPEAKING)
EVEN = [1 / 7] * 7


def sure(emotion: str, most: float = 0.94) -> list[float]:
    return [most if name == emotion else (1 - most) / 6 for name in BASIC]


def open_rule(weighing: Weighing | None = WEIGHING) -> OpenRule:
    return replace(read_open(), weighing=weighing)


def decided(
    face: list[float] | None, voice: list[float] | None, rule: Rule = "open", numbers: OpenRule | None = None
) -> tuple[ExpressionTimeline, dict[str, ExpressionTimeline], Double]:
    policy = Policy(read_fusion("mini"), rule=rule, numbers=numbers or open_rule())
    given = {"static": face, "dynamic": face, "audio": voice}
    said = {
        name: EmotionProbabilities(np.zeros(1), np.array([row or [0.0] * 7]), np.array([row is not None]), name)
        for name, row in given.items()
    }
    found = policy.decide(said)
    return found.expression, policy.curves(said), found.fused.values


def label(timeline: ExpressionTimeline) -> str:
    return timeline.label(int(timeline.classes[0]))


def probability(timeline: ExpressionTimeline) -> float:
    return float(timeline.probability[0])


def test_a_face_that_always_looks_as_it_would_is_believed() -> None:
    seen = np.random.default_rng(0).dirichlet(np.ones(7), 5)
    np.testing.assert_allclose(Speaking(1, 0, 0, 0).emotions(seen), seen)
    evidence = np.random.default_rng(1).dirichlet(np.ones(22), 5)
    np.testing.assert_allclose(Speaking(1, 0, 0, 0).labels(evidence, WEIGHING.usual), evidence)


def test_what_a_face_says_of_each_emotion_by_hand() -> None:
    """Of a face that looks neutral, a quarter speaks for all alike; of one that looks surprised, a fifth."""
    (neutral, surprised), any_other = SPEAKING.emotions(np.eye(7)[[0, 6]]), 0.15 / 7
    assert neutral == pytest.approx(np.array([0.65 + any_other, *[0.25 + any_other] * 6]) / 2.3)
    assert surprised == pytest.approx(np.array([*[0.2 + any_other] * 6, 0.6 + any_other]) / 1.95)


def test_what_a_face_says_of_each_label_is_shared_out_by_how_faces_look_that_speak() -> None:
    """An opened mouth makes an emotion its pair with Surprise, half of the time."""
    evidence = np.random.default_rng(2).random((4, 22))
    neutral, surprise = evidence[:, [0]], evidence[:, [BASIC.index("Surprise")]]
    anger, anger_and_surprise = BASIC.index("Anger"), 7 + PAIRS_15.names.index("Angrily Surprised")
    np.testing.assert_allclose(Speaking(0, 1, 0, 0).labels(evidence, WEIGHING.usual), np.tile(neutral, 22))
    opened = Speaking(0, 0, 1, 0).labels(evidence, WEIGHING.usual)
    half = (surprise[:, 0] + evidence[:, anger_and_surprise]) / 2
    np.testing.assert_allclose(opened[:, [0, anger, anger_and_surprise]].T, [surprise[:, 0], half, surprise[:, 0]])
    usual = np.tile(evidence @ WEIGHING.usual, (22, 1)).T
    np.testing.assert_allclose(Speaking(0, 0, 0, 1).labels(evidence, WEIGHING.usual), usual)


def test_a_voice_speaks_for_its_emotion_and_half_as_much_for_each_pair_with_it() -> None:
    voice = np.array([[0.1, 0.4, 0.05, 0.05, 0.2, 0.15, 0.05]])
    found = dict(zip((*BASIC, *PAIRS_15.names), heard(voice)[0], strict=True))
    assert [found[name] for name in BASIC] == voice[0].tolist()
    assert found["Happily Angry"] == pytest.approx(0.3)
    assert found["Sadly Angry"] == pytest.approx((0.4 + 0.15) / 2)


def test_where_face_and_voice_rule_each_other_out_all_labels_are_alike() -> None:
    as_it_is = replace(WEIGHING, speaking=Speaking(1, 0, 0, 0))
    face, voice = np.eye(22)[[BASIC.index("Happiness")]], np.eye(7)[[BASIC.index("Anger")]]
    np.testing.assert_allclose(as_it_is.likely(face, voice, np.ones(1)), np.full((1, 22), 1 / 22))


def test_without_a_face_a_voice_changes_what_is_usual_as_far_as_it_speaks() -> None:
    usual, voices = WEIGHING.usual[np.newaxis], np.array([[0.1, 0.4, 0.05, 0.05, 0.2, 0.15, 0.05]])
    told = usual * heard(voices)
    np.testing.assert_allclose(WEIGHING.likely(usual, voices, np.ones(1)), told / told.sum())
    np.testing.assert_allclose(
        WEIGHING.likely(usual, voices, np.full(1, 0.25)), 0.75 * usual + 0.25 * told / told.sum()
    )
    assert usual.sum() == pytest.approx(1)


def test_a_voice_of_which_nothing_is_known_is_one_that_does_not_know() -> None:
    face, yes = np.array([sure("Happiness", 0.6)]), np.ones(1, bool)
    silent, even = (
        weighed_evidence(face, {"VS": yes}, voice, yes, np.ones(1), open_rule())
        for voice in (np.zeros((1, 7)), np.array([EVEN]))
    )
    np.testing.assert_allclose(silent.likely, even.likely)


def test_in_speech_looking_neutral_or_surprised_says_less_than_a_smile() -> None:
    seen = np.array([sure(name) for name in BASIC])
    told = SPEAKING.emotions(seen)
    assert told.sum(axis=1) == pytest.approx(1)
    assert told.argmax(axis=1).tolist() == list(range(7))
    believed = dict(zip(BASIC, told.max(axis=1), strict=True))
    assert max(believed["Neutral"], believed["Surprise"]) < 0.6 * believed["Happiness"]


def test_without_a_voice_the_weighing_changes_nothing() -> None:
    for face in (sure("Happiness"), sure("Surprise", 0.5), EVEN):
        expression, curves, fused = decided(face, None)
        before, other, sums = decided(face, None, numbers=open_rule(None))
        np.testing.assert_array_equal(fused, sums)
        np.testing.assert_array_equal(expression.scores, before.scores)
        np.testing.assert_array_equal(curves["VS"].scores, other["VS"].scores)


def test_a_voice_that_does_not_know_changes_nothing() -> None:
    alone = decided(sure("Happiness"), EVEN)
    assert label(alone[0]) == "Happiness"
    assert alone[2][0].argmax() == BASIC.index("Happiness")
    np.testing.assert_allclose(alone[2], SPEAKING.emotions(np.array([sure("Happiness")])))
    assert label(alone[1]["A"]) == "none"


def test_a_face_that_does_not_know_leaves_the_voice_its_say() -> None:
    expression, curves, fused = decided(EVEN, sure("Anger", 0.7))
    assert label(expression) == label(curves["A"]) == "Anger"
    np.testing.assert_allclose(fused[0], sure("Anger", 0.7), atol=1e-9)


def test_agreement_makes_surer_and_conflict_less_sure() -> None:
    agreed, curves, _ = decided(sure("Happiness", 0.8), sure("Happiness", 0.6))
    assert probability(agreed) > max(probability(curves["VS"]), probability(curves["A"]))
    torn, curves, fused = decided(sure("Happiness", 0.8), sure("Anger", 0.6))
    assert probability(torn) < probability(agreed)
    assert fused.max() < 0.6


def test_where_nobody_knows_none_is_said() -> None:
    assert label(decided(EVEN, EVEN)[0]) == "none"
    assert label(decided(None, EVEN)[0]) == "none"


def test_shares_add_up_to_one() -> None:
    expression, _, _ = decided(sure("Happiness"), sure("Happiness", 0.5))
    assert expression.shares.sum() == pytest.approx(1)
    assert (expression.shares > 0).all()


@pytest.mark.parametrize("rule", ["1", "2", "both", "sum", "gated", "geometric"])
def test_the_released_rules_do_not_weigh(rule: Rule) -> None:
    face, voice = sure("Surprise", 0.6), sure("Fear", 0.6)
    with_it = decided(face, voice, rule)
    without = decided(face, voice, rule, numbers=open_rule(None))
    np.testing.assert_array_equal(with_it[0].scores, without[0].scores)
    np.testing.assert_array_equal(with_it[2], without[2])


def test_the_shipped_numbers_weigh_and_files_of_before_are_read() -> None:
    assert read_open().weighing is not None
    before = {name: value for name, value in read_open().as_dict().items() if name != "weighing"}
    assert OpenRule.of_dict(before).weighing is None
    assert OpenRule.of_dict(read_open().as_dict()).weighing == read_open().weighing


def test_held_rows_hold_what_was_likely() -> None:
    policy = Policy(MEAN, rule="open", numbers=open_rule(), fill_gaps=True)
    rows: Double = np.array([sure("Happiness"), [0.0] * 7])
    valid = np.array([True, False])
    said = {name: EmotionProbabilities(np.arange(2.0), rows, valid, name) for name in ("static", "dynamic", "audio")}
    found = policy.decide(said).expression
    np.testing.assert_array_equal(found.scores[0], found.scores[1])


def test_pooled_and_own_are_what_decide_and_curves_use() -> None:
    values = np.array([[sure("Surprise"), sure("Surprise"), sure("Fear", 0.5)]])
    present = np.ones((1, 3), dtype=np.bool_)
    policy = Policy(read_fusion("mini"), rule="open", numbers=open_rule())
    found = weigh(values, present, policy.weights, WEIGHING)
    np.testing.assert_array_equal(policy.pooled(values, present), found.fused)
    np.testing.assert_array_equal(policy.own(values, present, 0), SPEAKING.emotions(values[:, 0]))
    np.testing.assert_array_equal(replace(policy, rule="sum").own(values, present, 0), values[:, 0])


CUES = Cues(0.05, 4.0, 2.0)
SILENT, MOVES, SPEECH, MUSIC, UNKNOWN = 0.0, 0.5, 0.99, 0.02, np.nan


def heard_beside(
    face: list[float] | None, voice: list[float], mouth: float, sound: float, weighing: Weighing = WEIGHING
) -> tuple[ExpressionTimeline, dict[str, ExpressionTimeline], Double]:
    """As ``decided``, of a mouth that moves so much beside a sound that is speech with that chance."""
    numbers = open_rule(replace(weighing, cues=CUES))
    policy = Policy(read_fusion("mini"), rule="open", numbers=numbers)
    values = np.array([[face or [0.0] * 7, face or [0.0] * 7, voice]])
    present = np.array([[face is not None, face is not None, True]])
    said = policy.named(values, present, activity=np.array([[mouth, mouth, sound]]))
    found = policy.decide(said)
    return found.expression, policy.curves(said), found.fused.values


@pytest.mark.parametrize(("mouth", "sound"), [(SILENT, SPEECH), (MOVES, 0.0), (SILENT, MUSIC)])
def test_a_face_that_does_not_speak_is_as_in_silence(mouth: float, sound: float) -> None:
    for shown in ("Surprise", "Happiness", "Neutral"):
        face = sure(shown, 0.9)
        expression, curves, fused = heard_beside(face, sure("Anger", 0.9), mouth, sound)
        alone, of_face, sums = decided(face, None)
        np.testing.assert_allclose(expression.scores, alone.scores, atol=0.01)
        np.testing.assert_allclose(curves["VS"].scores, of_face["VS"].scores, atol=0.01)
        np.testing.assert_allclose(fused / fused.sum(), sums / sums.sum(), atol=0.01)
        np.testing.assert_array_equal(expression.sets, alone.sets)


def test_a_face_that_speaks_is_weighed_as_before() -> None:
    for mouth, sound in ((10.0, 1.0), (UNKNOWN, UNKNOWN)):
        found = heard_beside(sure("Surprise"), sure("Fear", 0.6), mouth, sound)
        before = decided(sure("Surprise"), sure("Fear", 0.6))
        np.testing.assert_allclose(found[0].scores, before[0].scores, atol=1e-6)
        np.testing.assert_allclose(found[2], before[2], atol=1e-6)


def test_the_more_a_mouth_moves_the_more_the_voice_counts() -> None:
    anger = [
        heard_beside(sure("Neutral", 0.8), sure("Anger", 0.9), mouth, SPEECH)[2][0, 1] for mouth in (0, 0.04, 0.06, 1)
    ]
    assert anger == sorted(anger)
    assert anger[-1] > 0.4 > 0.1 > anger[0]


def test_a_mouth_moves_as_the_first_model_that_knows_says() -> None:
    activity = np.array([[UNKNOWN, SILENT, 1.0], [SILENT, MOVES, 1.0], [MOVES, UNKNOWN, 1.0]])
    values = np.array([[sure("Happiness"), sure("Happiness"), sure("Anger")]] * 3)
    found = weigh(values, np.ones((3, 3), bool), read_fusion("mini"), replace(WEIGHING, cues=CUES), activity)
    assert found.speaks == pytest.approx([0, 0, 1], abs=1e-3)


def test_a_model_that_says_nothing_has_no_share_where_the_others_are_weighed() -> None:
    values = np.array([[sure("Happiness"), [0.0] * 7, sure("Anger")]])
    found = weigh(values, np.array([[True, False, True]]), read_fusion("mini"), WEIGHING)
    assert not found.contributions[0, 1].any()
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.fused)


def test_cues_by_hand() -> None:
    """Even odds in the middle; twice the movement multiplies them by two to the power of the steepness."""
    mouths = [0.05, 0.1, 0.025, 0.0, UNKNOWN]
    assert CUES.speaks(np.array(mouths)) == pytest.approx([1 / 2, 16 / 17, 1 / 17, 0, 1])
    sounds = [0.5, 0.8, 0.2, 0.0, 1.0, 1.5, -0.5, UNKNOWN]
    assert CUES.is_speech(np.array(sounds)) == pytest.approx([1 / 2, 16 / 17, 1 / 17, 0, 1, 1, 0, 1])


def test_music_says_nothing_with_a_face_or_without() -> None:
    expression, curves, _ = heard_beside(None, sure("Anger", 0.9), UNKNOWN, MUSIC)
    assert label(expression) == label(curves["A"]) == "none"
    assert label(heard_beside(sure("Surprise"), sure("Anger", 0.9), MOVES, MUSIC)[1]["A"]) == "none"
    assert label(heard_beside(None, sure("Anger", 0.9), UNKNOWN, SPEECH)[0]) == "Anger"


def test_a_voice_of_somebody_else_has_no_share_in_the_label() -> None:
    expression, _, _ = heard_beside(sure("Happiness"), sure("Happiness", 0.5), SILENT, SPEECH)
    assert expression.shares[0, 2] < 0.01
    assert heard_beside(sure("Happiness"), sure("Happiness", 0.5), MOVES, SPEECH)[0].shares[0, 2] > 0.1


def test_the_shipped_cues_are_read_and_files_of_before_have_none() -> None:
    shipped = read_open().weighing
    assert shipped is not None
    assert shipped.cues is not None
    assert Weighing.of_dict(shipped.as_dict()) == shipped
    assert Weighing.of_dict({"kinds": [0.4, 0.5, 0.1], "speaking": vars(SPEAKING)}).cues is None


@pytest.mark.parametrize("much", [0.01, 1.0, 100.0])
def test_a_voice_is_heard_beside_a_face_that_does_not_know_and_may_speak_whatever_its_values_add_up_to(
    much: float,
) -> None:
    face, voice, half = np.array([EVEN]), much * np.array([sure("Anger")]), np.array([0.5])
    yes = np.ones(1, bool)
    told = weighed_evidence(face, {"VS": yes}, voice, yes, half, open_rule())
    alike = weighed_evidence(face, {"VS": yes}, np.array([sure("Anger")]), yes, half, open_rule())
    assert not told.flat[0]
    np.testing.assert_allclose(told.likely, alike.likely)
    unheard = weighed_evidence(face, {"VS": yes}, voice, ~yes, half, open_rule())
    assert unheard.flat[0]


@pytest.mark.parametrize(("most", "told"), [(0.4, False), (0.45, True)])
def test_beside_a_face_that_may_speak_a_voice_must_stand_out_as_far_as_it_counts(most: float, told: bool) -> None:
    """With half its weight: more than 2/7 of the mean of it and of chance, that is, more than 3/7."""
    yes, half = np.ones(1, bool), np.array([0.5])
    found = weighed_evidence(np.array([EVEN]), {"VS": yes}, np.array([sure("Anger", most)]), yes, half, open_rule())
    assert found.flat[0] != told


@pytest.mark.parametrize(("sound", "anger"), [(0.0, 1 / 7), (0.5, (0.94 + 1 / 7) / 2), (1.0, 0.94)])
def test_a_voice_counts_as_far_as_it_is_speech_and_adds_up_to_one(sound: float, anger: float) -> None:
    values = np.array([[sure("Happiness"), sure("Happiness"), sure("Anger")]])
    activity = np.array([[MOVES, MOVES, sound]])
    weighing = replace(WEIGHING, cues=replace(CUES, sharpness=1.0))
    found = weigh(values, np.ones((1, 3), bool), read_fusion("mini"), weighing, activity)
    for said in (found.own[0, 2], found.voices[0]):
        assert said.sum() == pytest.approx(1)
        assert said[BASIC.index("Anger")] == pytest.approx(anger)
