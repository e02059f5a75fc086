from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.decision.express import FILE_FORMAT, Evidence, OpenRule, choose, express, flat, opine, read_open, support_of
from avcer.decision.express import timeline as recorded
from avcer.decision.fuse import MEAN
from avcer.decision.likely import Likelihood
from avcer.decision.policy import Policy
from avcer.errors import UsageError
from avcer.labels import AVCER_12, BASIC, C_EXPR_DB, NONE, Vocabulary
from avcer.types import KINDS, Double, EmotionProbabilities, ExpressionTimeline

SURE = Likelihood(np.array([[0.0, -2.0, 2.0, 0.0, 0.0], [2.0, -2.0, 1.0, 1.5, 0.0]]), (1.5, 1.5), (0.1, 0.1, 0.1))
UNSURE = Likelihood(np.zeros((2, 5)), (0.1, 0.1), (0.1, 0.1, 0.1))


def row(**emotions: float) -> list[float]:
    return [emotions.get(name, 0.0) for name in BASIC]


def said(
    *rows: list[float], vocabulary: Vocabulary = C_EXPR_DB, rule: OpenRule | None = None, heading: str = "VS"
) -> ExpressionTimeline:
    values: Double = np.array(rows)
    valid = values.sum(axis=1) > 0
    emotions = EmotionProbabilities(np.arange(len(values)) / 25, values, valid, "static")
    rule = rule or OpenRule({"VS": SURE, "A": UNSURE}, (1.0, 1.0, 1.0), 0.3)
    return express(emotions, {heading: valid}, vocabulary, rule)


def names(timeline: ExpressionTimeline) -> list[str]:
    return [timeline.label(int(index)) for index in timeline.classes]


def test_every_frame_is_neutral_one_emotion_or_a_blend() -> None:
    timeline = said(row(Neutral=0.9, Fear=0.1), row(Happiness=0.95, Surprise=0.05), row(Fear=0.4, Surprise=0.6), row())
    assert names(timeline) == ["Neutral", "Happiness", "Fearfully Surprised", NONE]
    assert [KINDS[kind] for kind in timeline.kind] == ["neutral", "basic", "compound", "none"]
    assert timeline.labels == (*BASIC, *C_EXPR_DB.names)
    assert timeline.salience == pytest.approx([np.nan, 100, 40, np.nan], nan_ok=True)
    assert timeline.valid.tolist() == [True, True, True, False]
    assert timeline.compounds.tolist() == [-1, -1, 0, -1]
    assert (timeline.probability[3], timeline.runner_up[3]) == (0, -1)


def test_probability_is_the_labels_share_and_the_runner_up_comes_next() -> None:
    timeline = said(row(Fear=0.4, Surprise=0.6), row(Neutral=0.5, Sadness=0.5))
    assert timeline.scores.sum(axis=1) == pytest.approx(1)
    for frame, (label, second) in enumerate(zip(timeline.classes, timeline.runner_up, strict=True)):
        assert timeline.probability[frame] == timeline.scores[frame, label]
        assert second != label
        assert timeline.scores[frame, second] == np.delete(timeline.scores[frame], label).max()


def test_a_strong_pair_without_a_name_gives_its_stronger_emotion() -> None:
    angry = row(Anger=0.45, Disgust=0.55)
    assert names(said(angry)) == ["Disgust"]
    assert names(said(angry, vocabulary=AVCER_12)) == ["Angrily Disgusted"]


def test_none_is_said_below_the_floor_and_only_there() -> None:
    even = row(**dict.fromkeys(BASIC, 0.1) | {"Anger": 0.4})
    for floor, expected in ((0.9, NONE), (0.0, "Anger")):
        rule = OpenRule({"VS": UNSURE}, (1.0, 1.0, 1.0), floor)
        assert names(said(even, rule=rule)) == [expected]


def test_of_none_the_probability_is_that_of_the_label_that_would_have_been_said() -> None:
    even = row(**dict.fromkeys(BASIC, 0.1) | {"Anger": 0.4})
    timeline = said(even, rule=OpenRule({"VS": UNSURE}, (1.0, 1.0, 1.0), 0.9))
    assert names(timeline) == [NONE]
    best, second = np.sort(timeline.scores[0])[:-3:-1]
    assert (timeline.probability[0], timeline.scores[0, timeline.runner_up[0]]) == (best, second)


def test_where_nothing_stands_out_all_labels_are_alike() -> None:
    music = said(row(Neutral=0.25, Anger=0.05, Fear=0.1, Happiness=0.2, Sadness=0.2, Surprise=0.2))
    assert names(music) == [NONE]
    assert music.scores == pytest.approx(1 / len(music.labels))
    assert names(said(row(Neutral=0.5, Anger=0.1, Fear=0.1, Happiness=0.1, Sadness=0.1, Surprise=0.1))) == ["Neutral"]


@pytest.mark.parametrize("floor", [0.2, 0.3])
def test_none_has_more_support_than_all_labels_where_the_likeliest_is_below_the_floor_whichever_it_is(
    floor: float,
) -> None:
    rule = OpenRule({"VS": UNSURE}, (1.0, 1.0, 1.0), floor)
    for label in range(len(BASIC) + len(C_EXPR_DB)):
        likely = np.full((1, 14), 0.75 / 13)
        likely[0, label] = 0.25
        (*of_labels, of_none) = support_of(likely, rule)[0]
        assert bool(of_none > max(of_labels)) is (floor == 0.3)
        assert choose(support_of(likely, rule)) == [-1 if floor == 0.3 else label]


def test_a_label_that_is_said_for_its_kind_has_its_own_probability_and_the_likeliest_is_the_runner_up() -> None:
    mostly = row(Neutral=0.4, Happiness=0.6)
    for preference, said_first in (((1.0, 1.0, 1.0), "Happiness"), ((50.0, 1.0, 1.0), "Neutral")):
        found = said(mostly, rule=OpenRule({"VS": SURE}, preference, 0.0))
        assert names(found) == [said_first]
        assert found.probability[0] == found.scores[0, BASIC.index(said_first)]
        assert {said_first, BASIC[found.runner_up[0]]} == {"Happiness", "Neutral"}


def test_a_preferred_kind_is_said_more_often() -> None:
    mostly = row(Happiness=0.8, Surprise=0.2)
    plain, blends = (OpenRule({"VS": SURE}, (1.0, 1.0, much), 0.0) for much in (1.0, 50.0))
    assert names(said(mostly, rule=plain)) == ["Happiness"]
    assert names(said(mostly, rule=blends)) == ["Happily Surprised"]


def test_no_label_below_the_floor_is_said_though_its_kind_is_preferred() -> None:
    mostly = row(Happiness=0.8, Surprise=0.2)
    blend = said(mostly).scores[0, BASIC.index("Surprise") + 2]  # Happily Surprised
    assert said(mostly).labels[BASIC.index("Surprise") + 2] == "Happily Surprised"
    for floor, expected in ((blend - 0.01, "Happily Surprised"), (blend + 0.01, "Happiness")):
        assert names(said(mostly, rule=OpenRule({"VS": SURE}, (1.0, 1.0, 50.0), floor))) == [expected]


def test_each_set_of_modalities_has_its_own_numbers() -> None:
    face, voice = (said(row(Happiness=0.95, Surprise=0.05), heading=heading) for heading in ("VS", "A"))
    assert face.probability[0] > voice.probability[0]
    rule = OpenRule({"VS": SURE, "VS+VD": UNSURE, "A": UNSURE}, (1.0, 1.0, 1.0), 0.0)
    assert rule.fitted_for(["VS"]) is rule.sets["VS"]
    assert rule.fitted_for(["VD", "VS"]) is rule.sets["VS+VD"]
    assert rule.fitted_for(["VD"]) is rule.sets["VS+VD"]  # the most in common
    assert rule.fitted_for(["gaze"]) is rule.sets["VS"]


def test_the_policy_decides_fused_and_alone() -> None:
    """What is in force must reach both: the fused decision with its shares, and each modality's own."""
    values = np.array([row(Happiness=0.95, Surprise=0.05)])
    seen = EmotionProbabilities(np.zeros(1), values, np.ones(1, bool), "static")
    rule = OpenRule({"VS": SURE}, (1.0, 1.0, 1.0), 0.0)
    policy = Policy(MEAN, rule="open", numbers=rule)
    found = policy.decide({"static": seen}).expression
    assert names(found) == names(policy.curves({"static": seen})["VS"]) == ["Happiness"]
    assert found.shares.tolist() == [[1.0, 0.0, 0.0]]
    assert names(Policy(MEAN, rule="sum").decide({"static": seen}).expression) == ["Happily Surprised"]


def test_what_the_weights_know_nothing_of_decides_nothing() -> None:
    strange = EmotionProbabilities(np.zeros(2), np.array([row(Fear=1.0)] * 2), np.ones(2, bool), "gaze")
    found = Policy(MEAN, rule="open", numbers=OpenRule({"VS": SURE}, (1.0, 1.0, 1.0), 0.3)).decide({"gaze": strange})
    assert names(found.expression) == [NONE, NONE]
    assert not found.expression.valid.any()


def test_the_shipped_numbers() -> None:
    """A plain smile is happiness, a neutral face neutral, and half and half a blend."""
    rule = read_open()
    assert set(rule.sets) == {"VS", "VD", "A", "VS+VD", "VS+A", "VD+A", "VS+VD+A"}
    timeline = said(
        row(Happiness=0.97, Neutral=0.02, Surprise=0.01),
        row(Neutral=0.95, Sadness=0.04, Anger=0.01),
        row(Fear=0.5, Surprise=0.48, Neutral=0.02),
        rule=rule,
    )
    assert names(timeline) == ["Happiness", "Neutral", "Fearfully Surprised"]
    assert np.all(timeline.probability[:2] > 0.8)
    assert OpenRule.of_dict(json.loads(json.dumps(rule.as_dict()))).as_dict() == rule.as_dict()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "other"}', f'{{"format": "{FILE_FORMAT}"}}',
             f'{{"format": "{FILE_FORMAT}", "preference": [1, 1, 1], "floor": 0.3, "sets": {{}}}}'],
)  # fmt: skip
def test_files_of_another_kind_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"numbers\.json: cannot be read"):
        read_open(path)


def test_a_set_holds_the_labels_that_reach_the_cut_of_their_kind() -> None:
    cuts = (0.5, 0.2, 0.05)
    rule = OpenRule({"VS": replace(SURE, cuts=cuts)}, (1.0, 1.0, 1.0), 0.3)
    timeline = said(row(Fear=0.4, Surprise=0.6), row(Neutral=0.5, Sadness=0.5), row(), rule=rule)
    of_label = np.repeat(cuts, [1, 6, 7])
    np.testing.assert_array_equal(timeline.sets[:2], timeline.scores[:2] >= of_label)
    assert timeline.sets[0].any()
    assert not timeline.sets[2].any()
    np.testing.assert_array_equal(timeline.raw, timeline.classes)


def test_of_a_pair_that_nothing_is_seen_of_both_emotions_count_alike() -> None:
    values = np.array([row(Neutral=1.0), row(Fear=0.3, Surprise=0.1, Neutral=0.6)])
    emotions = EmotionProbabilities(np.arange(2.0), values, np.ones(2, bool), "static")
    found = recorded(emotions, np.full((2, 14), 1 / 14), np.array([7, 7]), C_EXPR_DB)
    assert found.salience == pytest.approx([50, 75])


def test_one_emotion_has_all_of_its_salience_and_neutral_and_none_have_no_such_thing() -> None:
    emotions = EmotionProbabilities(np.arange(8.0), np.array([row(Neutral=1.0)] * 8), np.ones(8, bool), "static")
    found = recorded(emotions, np.full((8, 14), 1 / 14), np.arange(-1, 7), C_EXPR_DB)
    assert found.salience == pytest.approx([np.nan, np.nan, *[100] * 6], nan_ok=True)


@pytest.mark.parametrize("much", [1e-3, 1.0, 1e3])
def test_what_stands_out_does_so_whatever_the_values_add_up_to(much: float) -> None:
    rows = np.array([row(Neutral=0.3, **dict.fromkeys(BASIC[1:], 0.7 / 6)), row(**dict.fromkeys(BASIC, 1 / 7)), row()])
    assert flat(much * rows).tolist() == [False, True, True]


@pytest.mark.parametrize(("most", "alike"), [(2.0, True), (2.01, False)])
def test_twice_its_chance_does_not_stand_out_yet(most: float, alike: bool) -> None:
    assert flat(np.array([[1.0, most, 1.0, 1.0, 1.0, 1.0, 2 - most]])).tolist() == [alike]


def test_what_was_given_to_the_emotions_of_a_label_is_shared() -> None:
    """Of a pair, what was given to either of its emotions counts; of 'none', nothing."""
    given = np.zeros((5, 2, 7))
    given[:, 0, BASIC.index("Fear")], given[:, 1, BASIC.index("Surprise")] = 0.3, 0.1
    given[:, 1, BASIC.index("Anger")], given[:, :, 0] = 0.6, [0.4, 0.6]
    given[:, 1, BASIC.index("Sadness")] = 0.2
    emotions = EmotionProbabilities(np.arange(5.0), given.sum(axis=1), np.ones(5, bool), "fused")
    labels = ("Fearfully Surprised", "Anger", NONE, "Neutral", "Sadly Fearful")
    classes = np.array([(*BASIC, *C_EXPR_DB.names, NONE).index(label) for label in labels])
    classes[2] = -1
    found = recorded(emotions, np.full((5, 14), 1 / 14), classes, C_EXPR_DB, given)
    np.testing.assert_allclose(found.shares, [[0.75, 0.25], [0, 1], [0, 0], [0.4, 0.6], [0.6, 0.4]])


def test_as_far_as_a_face_speaks_the_cuts_are_those_of_face_and_voice() -> None:
    """A voice alone has its own."""
    of_sets = {"VS": (0.1, 0.2, 0.3), "VS+A": (0.5, 0.4, 0.7), "A": (0.6, 0.7, 0.8)}
    rule = OpenRule({name: replace(SURE, cuts=cuts) for name, cuts in of_sets.items()}, (1.0, 1.0, 1.0), 0.3)
    evidence = Evidence(np.full((4, 22), 1 / 22), np.zeros(4, bool), np.array([0, 0.25, 1, 0.5]))
    values, everywhere = np.array([row(Happiness=1.0)] * 4), np.ones(4, bool)
    found = opine(values, {"VS": np.arange(4) < 3, "A": everywhere}, C_EXPR_DB, rule, evidence)
    np.testing.assert_allclose(found.cuts, [[0.1, 0.2, 0.3], [0.2, 0.25, 0.4], [0.5, 0.4, 0.7], [0.6, 0.7, 0.8]])
