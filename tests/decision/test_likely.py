from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from avcer.decision.likely import PAIRS, Likelihood, logarithms, within
from avcer.labels import BASIC, BLEMORE, C_EXPR_DB, PAIRS_15, Compound, Vocabulary
from avcer.types import Double

KINDS = np.array([[0.0, -2.0, 2.0, 0.0, 0.0], [2.0, -2.0, 1.0, 1.5, 0.0]])


@pytest.fixture
def likelihood() -> Likelihood:
    return Likelihood(KINDS, (1.5, 1.5), (0.0, 0.0, 0.0))


def row(**emotions: float) -> Double:
    return np.array([[emotions.get(name, 0.0) for name in BASIC]])


def test_the_fifteen_pairs_are_all_that_there_are() -> None:
    assert list(combinations(range(1, 7), 2)) == PAIRS
    assert len(set(PAIRS_15.names)) == 15
    named = {frozenset((one.first, one.second)): one.name for one in (*C_EXPR_DB.compounds, *BLEMORE.compounds)}
    for compound in PAIRS_15.compounds:
        assert named[frozenset((compound.first, compound.second))] == compound.name


def test_labels_share_what_there_is(likelihood: Likelihood) -> None:
    values = np.random.default_rng(0).dirichlet(np.ones(7), 50)
    likely = likelihood(values)
    assert likely.shape == (50, 22)
    assert likely.sum(axis=1) == pytest.approx(1)
    assert likelihood(3 * values) == pytest.approx(likely)  # the sum of the values does not matter


def test_no_number_belongs_to_an_emotion_or_a_pair(likelihood: Likelihood) -> None:
    """Emotions that change places take their labels with them."""
    values = np.random.default_rng(1).dirichlet(np.ones(7), 20)
    order = np.array([0, 3, 1, 2, 6, 4, 5])
    likely, moved = likelihood(values), likelihood(values[:, order])
    assert moved[:, :7] == pytest.approx(likely[:, order])
    for place, (first, second) in enumerate(PAIRS):
        before = PAIRS.index((min(order[first], order[second]), max(order[first], order[second])))
        assert moved[:, 7 + place] == pytest.approx(likely[:, 7 + before])


def test_what_is_strongest_is_likeliest(likelihood: Likelihood) -> None:
    assert likelihood(row(Neutral=0.9, Fear=0.1)).argmax() == 0
    assert likelihood(row(Neutral=0.1, Fear=0.88, Anger=0.02)).argmax() == BASIC.index("Fear")
    blend = likelihood(row(Fear=0.5, Surprise=0.45, Anger=0.05)).argmax() - 7
    assert PAIRS_15.names[blend] == "Fearfully Surprised"


def test_rows_without_anything_are_no_error(likelihood: Likelihood) -> None:
    assert likelihood(np.zeros((2, 7))).sum(axis=1) == pytest.approx(1)


def test_a_pair_outside_the_vocabulary_counts_for_its_stronger_emotion(likelihood: Likelihood) -> None:
    values = row(Anger=0.3, Disgust=0.6, Neutral=0.1)
    likely = likelihood(values)
    found = within(likely, values, C_EXPR_DB)
    assert found.shape == (1, 7 + len(C_EXPR_DB))
    assert found.sum() == pytest.approx(1)
    pair = likely[0, 7 + PAIRS.index((1, 2))]
    assert found[0, BASIC.index("Disgust")] >= likely[0, BASIC.index("Disgust")] + pair
    assert within(likely, values, PAIRS_15) == pytest.approx(likely)


def test_of_two_emotions_as_strong_the_first_has_their_pair(likelihood: Likelihood) -> None:
    values = row(Anger=0.4, Disgust=0.4, Neutral=0.2)
    likely = likelihood(values)
    anger, disgust = within(likely, values, C_EXPR_DB)[0, 1:3]
    assert anger - disgust == pytest.approx(likely[0, 7 + PAIRS.index((1, 2))], abs=1e-3)


def test_logarithms_are_of_shares_and_no_less_than_that_of_a_thousandth() -> None:
    shares = np.array([[0.5, 0.3, 0.1, 0.05, 0.03, 0.0199, 0.0001]])
    expected = np.log([[0.5, 0.3, 0.1, 0.05, 0.03, 0.0199, 0.001]])
    for much in (0.01, 0.5, 1, 2, 100):
        np.testing.assert_allclose(logarithms(much * shares), expected)
    np.testing.assert_allclose(logarithms(np.zeros((1, 7))), np.log(1 / 7))


def test_of_two_names_for_one_pair_the_first_has_it(likelihood: Likelihood) -> None:
    twice = Vocabulary("twice", (Compound("One", "Fear", "Surprise"), Compound("Other", "Surprise", "Fear")))
    values = row(Fear=0.5, Surprise=0.5)
    found = within(likelihood(values), values, twice)
    assert found[0, 7] > 0.3
    assert found[0, 8] == 0
