"""The compound decision, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from avcer.decision.compound import Rule, decide, pair_weights, salience, scores
from avcer.labels import AVCER_12, C_EXPR_DB, Compound, Vocabulary
from avcer.types import EmotionProbabilities


def row(**values: float) -> EmotionProbabilities:
    names = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
    array = np.array([[values.get(name, 0.0) for name in names]])
    return EmotionProbabilities(np.zeros(1), array, np.ones(1, dtype=bool), "fused")


def test_rule_1_masks_chance_and_below() -> None:
    timeline = decide(row(Sadness=0.5, Anger=0.3, Surprise=1 / 7), C_EXPR_DB, "1")
    assert C_EXPR_DB.names[timeline.classes[0]] == "Sadly Angry"
    assert timeline.probability[0] == pytest.approx(0.8)
    assert timeline.scores[0, 2] == pytest.approx(0.5)  # Sadly Surprised: the surprise is at chance


def test_confident_neutral_is_none_and_not_class_0() -> None:
    timeline = decide(row(Neutral=0.9, Surprise=0.1), C_EXPR_DB, "1")
    assert timeline.valid[0]
    assert timeline.classes[0] == -1
    assert timeline.runner_up[0] == -1
    assert timeline.probability[0] == 0


def test_rule_2_prefers_the_rare() -> None:
    weights = pair_weights(C_EXPR_DB, "2")
    disgust_surprise = weights[3]
    assert disgust_surprise[2] == pytest.approx(6 / 8)
    assert disgust_surprise[6] == pytest.approx(2 / 8)
    assert scores(row(Disgust=0.4, Surprise=0.2).values, C_EXPR_DB, "2")[0, 3] == pytest.approx(0.35)


def test_sum_does_not_mask() -> None:
    assert decide(row(Neutral=0.9, Fear=0.06, Sadness=0.04), C_EXPR_DB, "sum").classes[0] == 5


def test_runner_up() -> None:
    timeline = decide(row(Surprise=0.5, Happiness=0.3, Fear=0.2), C_EXPR_DB, "1")
    assert (timeline.classes[0], timeline.runner_up[0]) == (1, 0)


def test_the_runner_up_is_the_second_that_has_a_score_if_any_has() -> None:
    timeline = decide(row(Fear=0.6), C_EXPR_DB, "1")
    assert [C_EXPR_DB.names[one] for one in (timeline.classes[0], timeline.runner_up[0])] == [
        "Fearfully Surprised", "Sadly Fearful"
    ]  # fmt: skip
    one_alone = Vocabulary("two", (Compound("One", "Fear", "Surprise"), Compound("Other", "Happiness", "Sadness")))
    assert decide(row(Fear=0.6), one_alone, "1").runner_up[0] == -1
    assert decide(row(Fear=0.6, Sadness=0.3), one_alone, "1").runner_up[0] == 1


def test_vocabularies_of_one_and_twelve() -> None:
    single = Vocabulary("one", (Compound("Bittersweet", "Happiness", "Sadness"),))
    timeline = decide(row(Happiness=0.5, Sadness=0.4), single, "1")
    assert (timeline.classes[0], timeline.runner_up[0]) == (0, -1)
    timeline = decide(row(Anger=0.5, Disgust=0.4), AVCER_12, "1")
    assert AVCER_12.names[timeline.classes[0]] == "Angrily Disgusted"


@pytest.mark.parametrize("rule", ["gated", "geometric"])
def test_a_gate_says_none_where_neutral_is_strongest_or_nothing_stands_out(rule: Rule) -> None:
    neutral = decide(row(Neutral=0.5, Fear=0.3, Sadness=0.2), C_EXPR_DB, rule)
    assert neutral.classes[0] == -1
    assert neutral.valid[0]
    flat = decide(row(Neutral=0.2, Fear=0.27, Sadness=0.25, Surprise=0.28), C_EXPR_DB, rule)
    assert flat.classes[0] == -1
    mixed = decide(row(Neutral=0.3, Fear=0.4, Sadness=0.05, Surprise=0.02), C_EXPR_DB, rule)
    assert C_EXPR_DB.names[mixed.classes[0]] == "Sadly Fearful"


@pytest.mark.parametrize(
    ("values", "opens"),
    [((0, 2 / 7, 0.2), False), ((0, 0.29, 0.2), True), ((0.4, 0.4, 0.2), True), ((0.41, 0.4, 0.19), False)],
)
def test_a_gate_opens_for_more_than_twice_chance_and_where_nothing_is_less_strong_than_neutral(
    values: tuple[float, float, float], opens: bool
) -> None:
    seen = row(Neutral=values[0], Fear=values[1], Sadness=values[2])
    assert bool(decide(seen, C_EXPR_DB, "gated").classes[0] >= 0) is opens


def test_the_geometric_mean_wants_both_emotions() -> None:
    values = row(Happiness=0.7, Surprise=0.02, Sadness=0.14, Fear=0.14)
    assert C_EXPR_DB.names[decide(values, C_EXPR_DB, "gated").classes[0]] == "Happily Surprised"
    timeline = decide(values, C_EXPR_DB, "geometric")
    assert C_EXPR_DB.names[timeline.classes[0]] == "Sadly Fearful"
    assert timeline.probability[0] == pytest.approx(0.28)


def test_salience_is_the_share_of_the_first_emotion() -> None:
    shares = salience(row(Fear=0.6, Surprise=0.2).values, C_EXPR_DB)[0]
    assert shares[0] == pytest.approx(0.75)  # Fearfully Surprised
    assert shares[1] == 0  # Happily Surprised: all of it surprise
    assert shares[6] == 0.5  # Sadly Angry: neither


def test_the_decision_says_how_much_of_its_pair_the_first_emotion_is_and_none_has_no_pair() -> None:
    """Of the first compound of all, too."""
    timeline = decide(row(Fear=0.6, Surprise=0.2), C_EXPR_DB, "1")
    assert (timeline.classes[0], timeline.salience[0]) == (0, pytest.approx(75))
    assert np.isnan(decide(row(Neutral=1.0), C_EXPR_DB, "1").salience[0])
