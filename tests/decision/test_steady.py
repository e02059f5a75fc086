from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avcer.decision.express import OpenRule, express
from avcer.decision.likely import Likelihood
from avcer.decision.segments import find_segments
from avcer.decision.steady import CHANGE_COST, LEAST_S, Steady, best_stretches, relabelled
from avcer.labels import BASIC, C_EXPR_DB
from avcer.types import Double, EmotionProbabilities, ExpressionTimeline

SURE = Likelihood(np.array([[0.0, -2.0, 2.0, 0.0, 0.0], [2.0, -2.0, 1.0, 1.5, 0.0]]), (1.5, 1.5), (0.1, 0.1, 0.1))
RULE = OpenRule({"VS": SURE}, (1.0, 1.0, 1.0), 0.2)
RATE = 25
HAPPY, SAD, NEUTRAL = ({name: 0.9} for name in ("Happiness", "Sadness", "Neutral"))


def play(
    *scenes: tuple[dict[str, float], float], noise: float = 0.0, seed: int = 0, rate: int = RATE
) -> ExpressionTimeline:
    """Scenes of probabilities, each so many seconds long, with noisy frames."""
    random = np.random.default_rng(seed)
    rows: list[Double] = []
    for emotions, seconds in scenes:
        values = np.array([emotions.get(name, 0.02) for name in BASIC])
        for _ in range(round(seconds * rate)):
            other = random.dirichlet(np.full(7, 0.3))
            rows.append((1 - noise) * values / values.sum() + noise * other if emotions else np.zeros(7))
    table = np.array(rows)
    valid = table.sum(axis=1) > 0
    emotions_said = EmotionProbabilities(np.arange(len(table)) / rate, table, valid, "static")
    return express(emotions_said, {"VS": valid}, C_EXPR_DB, RULE)


def segments(timeline: ExpressionTimeline) -> list[tuple[str, float, float]]:
    ends = np.append(timeline.times_s[1:], timeline.times_s[-1] + 1 / RATE)
    found = find_segments(timeline, np.arange(len(ends)), ends, None)
    return [(one.label, one.start_s, one.end_s) for one in found]


def live(timeline: ExpressionTimeline, part: int = 7) -> ExpressionTimeline:
    """The causal form, fed in parts."""
    smoother = Steady(RULE).causal()
    parts = [smoother(timeline.rows(slice(row, row + part))) for row in range(0, len(timeline.times_s), part)]
    classes = np.concatenate([one.classes for one in parts])
    return ExpressionTimeline(**{**vars(timeline), "classes": classes})


def test_boundaries_stay_where_they_are() -> None:
    timeline = play((NEUTRAL, 1.0), (HAPPY, 2.0), (SAD, 1.0), (NEUTRAL, 0.6))
    found = segments(Steady(RULE).whole()(timeline))
    assert [label for label, _, _ in found] == ["Neutral", "Happiness", "Sadness", "Neutral"]
    assert [start for _, start, _ in found] == pytest.approx([0, 1, 3, 4])


@pytest.mark.parametrize("seed", range(5))
def test_noise_makes_no_segments_and_moves_no_boundary_far(seed: int) -> None:
    timeline = play((NEUTRAL, 1.0), (HAPPY, 1.5), (SAD, 1.2), noise=0.55, seed=seed)
    assert len(segments(timeline)) > 5
    whole = segments(Steady(RULE).whole()(timeline))
    assert [label for label, _, _ in whole] == ["Neutral", "Happiness", "Sadness"]
    assert [start for _, start, _ in whole] == pytest.approx([0, 1, 2.5], abs=0.1)
    now = segments(live(timeline))
    assert [label for label, _, _ in now] == ["Neutral", "Happiness", "Sadness"]
    assert all(-0.05 <= late <= 0.5 for late in np.array([start for _, start, _ in now]) - [0, 1, 2.5])


def test_a_label_of_one_frame_is_no_segment_and_gets_the_others_salience() -> None:
    timeline = play((HAPPY, 1.0), (SAD, 0.08), (HAPPY, 1.0))
    assert len(segments(timeline)) == 3
    smooth = Steady(RULE).whole()(timeline)
    assert len(segments(smooth)) == 1
    assert np.all(smooth.salience == 100)
    assert smooth.probability[26] == smooth.scores[26, BASIC.index("Happiness")] < 0.5
    assert BASIC[smooth.runner_up[26]] == "Sadness"
    assert len(segments(live(timeline))) == 1


def test_no_segment_is_too_short_but_where_a_gap_cuts_it() -> None:
    random = np.random.default_rng(1)
    scenes = [({BASIC[random.integers(7)]: 0.8}, random.uniform(0.04, 0.6)) for _ in range(40)]
    found = segments(Steady(RULE).whole()(play(*scenes, noise=0.3)))
    assert len(found) > 5
    assert min(end - start for _, start, end in found) >= LEAST_S - 1e-6
    cut = segments(Steady(RULE).whole()(play((HAPPY, 0.12), ({}, 0.2), (SAD, 1.0))))
    assert [label for label, _, _ in cut] == ["Happiness", "Sadness"]


def test_parts_of_any_size_give_the_same() -> None:
    timeline = play((NEUTRAL, 1.0), (HAPPY, 1.5), (SAD, 1.2), noise=0.6, seed=9)
    assert live(timeline, 1).classes.tolist() == live(timeline, 50).classes.tolist()


def test_the_best_division_of_all() -> None:
    """Against trying every division of a short clip."""
    random = np.random.default_rng(2)
    evidence = np.log(random.dirichlet(np.ones(3), 9))
    found = best_stretches(evidence, np.full(9, 0.04), 0.12)

    def score(classes: tuple[int, ...]) -> float:
        changes = np.flatnonzero(np.diff(classes))
        if np.any(np.diff(np.concatenate([[-1], changes, [8]])) < 3):
            return -np.inf
        return float(evidence[np.arange(9), classes].sum() - CHANGE_COST * len(changes))

    best = max(np.ndindex(*[3] * 9), key=score)
    assert found.tolist() == list(best)


@pytest.mark.parametrize("times", [2, 3])
def test_a_film_is_divided_alike_at_any_rate(times: int) -> None:
    """As often as many frames, each shown for a part of the time."""
    random = np.random.default_rng(4)
    evidence = np.repeat(np.log(random.dirichlet(np.ones(3), 12)), random.integers(1, 8, 12), axis=0)
    found = best_stretches(evidence, np.full(len(evidence), 0.04), 0.2)
    assert len(set(found)) > 1
    closer = best_stretches(np.repeat(evidence, times, axis=0), np.full(times * len(evidence), 0.04 / times), 0.2)
    assert closer.tolist() == np.repeat(found, times).tolist()


def test_a_frame_that_lasts_long_enough_may_have_a_label_of_its_own() -> None:
    evidence = np.log([[0.01, 0.01, 0.98], [0.98, 0.01, 0.01], [0.01, 0.97, 0.02]])
    assert best_stretches(evidence, np.full(3, 1.0), 1.0).tolist() == [2, 0, 1]
    assert best_stretches(evidence, np.full(3, 1.0), 1.01).tolist() == [2, 2, 2]


def test_the_last_frame_lasts_as_long_as_the_others_do() -> None:
    found = Steady(RULE).whole()(play((HAPPY, 1.0), (SAD, 0.3), rate=10))
    assert [BASIC[label] for label in found.classes] == ["Happiness"] * 10 + ["Sadness"] * 3


def test_none_is_a_label_like_others_and_so_is_the_last_of_the_vocabulary() -> None:
    last = {"Sadness": 0.5, "Anger": 0.5}
    assert C_EXPR_DB.names[-1] == "Sadly Angry"
    timeline = play((dict.fromkeys(BASIC, 1.0), 1.0), (last, 1.0), (dict.fromkeys(BASIC, 1.0), 0.6))
    for smooth in (Steady(RULE).whole()(timeline), live(timeline)):
        assert set(smooth.classes) == {-1, len(BASIC) + len(C_EXPR_DB) - 1}
        assert [label for label, _, _ in segments(smooth)] == ["none", "Sadly Angry", "none"]


def test_boundaries_stay_where_no_label_is_sure() -> None:
    """A label is held against the best one of a frame, however little speaks for that."""
    plain = play((HAPPY, 0.6), (SAD, 0.6), (HAPPY, 0.6))
    scores = np.full(plain.scores.shape, 0.45 / len(C_EXPR_DB))
    scores[:, : len(BASIC)] = 0.0
    scores[:, 0] = 0.19
    for name, other in (("Happiness", "Sadness"), ("Sadness", "Happiness")):
        rows = plain.classes == BASIC.index(name)
        scores[rows, BASIC.index(name)], scores[rows, BASIC.index(other)] = 0.31, 0.05
    found = segments(Steady(RULE).whole()(replace(plain, scores=scores)))
    assert [(label, start) for label, start, _ in found] == [("Happiness", 0), ("Sadness", 0.6), ("Happiness", 1.2)]
    assert [label for label, _, _ in segments(live(replace(plain, scores=scores)))] == [label for label, _, _ in found]


def test_a_row_with_another_label_has_the_salience_and_the_shares_of_the_nearest_row_with_that_label() -> None:
    """Of two that are as near, those of the earlier one; where no row has the label, both emotions count alike."""
    blend, happy, sad = len(BASIC), BASIC.index("Happiness"), BASIC.index("Sadness")
    before = np.array([blend, sad, sad, blend, sad, blend, sad, sad])
    plain = replace(
        play((HAPPY, 8 / RATE)), classes=before, salience=np.arange(8.0), shares=np.arange(16.0).reshape(8, 2)
    )
    after = np.array([blend, blend, blend, blend, blend, blend, sad, happy])
    found = relabelled(plain, after)
    assert found.classes.tolist() == after.tolist()
    assert found.salience.tolist() == [0, 0, 3, 3, 3, 5, 6, 100]
    assert found.shares[:, 0].tolist() == [0, 0, 6, 6, 6, 10, 12, 14]
    assert [float(one) for one in found.probability] == [found.scores[row, label] for row, label in enumerate(after)]
    unseen = relabelled(plain, np.array([blend + 1, -1, 0, *before[3:]]))
    np.testing.assert_array_equal(unseen.salience[:4], [50, np.nan, np.nan, 3])
    assert unseen.probability[2] == unseen.scores[2, 0] < unseen.scores[2].max()
    assert unseen.probability[1] == unseen.scores[1].max()  # of what would have been said in place of 'none'
    assert [label != other for label, other in zip(unseen.classes, unseen.runner_up, strict=True)] == [True] * 8


def test_the_nearest_row_is_the_nearest_in_time_also_across_a_gap() -> None:
    """Row 1 is one row before row 2, and ten seconds; rows 3 and 4 follow at once."""
    plain = play((HAPPY, 5 / RATE))
    blend, sad = len(BASIC), BASIC.index("Sadness")
    times_s = np.array([0.0, 0.04, 10.04, 10.08, 10.12])
    plain = replace(
        plain, times_s=times_s, classes=np.array([sad, blend, sad, sad, blend]), salience=np.arange(5.0),
        shares=np.arange(10.0).reshape(5, 2),
    )  # fmt: skip
    assert relabelled(plain, np.array([sad, blend, blend, sad, blend])).salience.tolist() == [0, 1, 4, 3, 4]


def test_live_a_label_that_is_much_better_wins_in_a_sixth_of_a_second() -> None:
    timeline = replace(play((HAPPY, 1 / RATE), (SAD, 1 / RATE)), times_s=np.array([0.0, 0.16]))
    for least_s, label in ((0.16, "Sadness"), (0.17, "Happiness")):
        assert BASIC[Steady(RULE, least_s).causal()(timeline).classes[1]] == label


def test_live_a_label_waits_for_its_time_and_a_gap_begins_anew() -> None:
    """What is said within the least duration of the last change is not heeded; after a gap, it is said at once."""
    timeline = play((HAPPY, 1.0), ({}, 0.2), (SAD, 0.4), (HAPPY, 1.0))
    found = segments(live(timeline))
    assert [(label, start) for label, start, _ in found[:2]] == [("Happiness", 0), ("Sadness", 1.2)]
    assert 1.6 < found[2][1] < 1.9
    often = segments(live(play(*[(HAPPY, 0.2), (SAD, 0.2)] * 10)))
    assert min(end - start for _, start, end in often[:-1]) >= LEAST_S - 1e-6
