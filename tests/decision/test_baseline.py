"""A face's own rest, taken off what the models say of it."""

from __future__ import annotations

import numpy as np
import pytest

from avcer.decision.baseline import AT_REST, Baseline, Running, resting, without
from avcer.errors import UsageError
from avcer.labels import BASIC
from avcer.types import Double

STERN = np.array([0.3, 0.5, 0.04, 0.04, 0.04, 0.04, 0.04])
"""Of somebody who looks angry at rest."""
SMILE = np.array([0.1, 0.3, 0.04, 0.04, 0.44, 0.04, 0.04])
TIMES_S = np.arange(10) / 10


def film() -> dict[str, Double]:
    """Six frames at rest, then four of a smile."""
    return {"static": np.stack([STERN] * 6 + [SMILE] * 4)}


@pytest.mark.parametrize("words", ["first:0.5", "10-10.55", "own"])
def test_rest_becomes_neutral_and_what_differs_from_it_stays(words: str) -> None:
    baseline = Baseline.parse(words)
    assert baseline is not None
    said = baseline.faces(film(), TIMES_S + 10, starts_s=0.0)["static"]
    assert said.sum(axis=1) == pytest.approx(1)
    np.testing.assert_allclose(said[:6], np.exp(AT_REST)[np.newaxis].repeat(6, 0) / np.exp(AT_REST).sum())
    assert film()["static"][7].argmax() == BASIC.index("Happiness")
    assert said[7, BASIC.index("Happiness")] > said[0, BASIC.index("Happiness")]
    assert said[7, BASIC.index("Anger")] < 0.1


def test_the_span_counts_from_the_start_of_the_clip() -> None:
    span = Baseline("span", 0.5, 0.8)
    assert np.flatnonzero(span.rows(film()["static"], TIMES_S + 3, 3.0)).tolist() == [5, 6, 7]
    assert not span.rows(film()["static"], TIMES_S + 3, 0.0).any()


def test_a_rest_that_was_hardly_seen_is_not_taken_off() -> None:
    assert resting(film()["static"][:2]) is None
    assert resting(film()["static"][:3]) is not None
    values = film()["static"]
    np.testing.assert_array_equal(Baseline("span", 5, 6).faces({"static": values}, TIMES_S, 0.0)["static"], values)


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_live_the_rest_is_known_once_its_seconds_are_over(cut: int) -> None:
    """However the rows are cut, and though the last one of a part comes again with the next."""
    said, running = np.random.default_rng(0).dirichlet(np.ones(7), 10), Running(Baseline("first", 0.0, 0.45))
    first = running({"static": said[:cut]}, TIMES_S[:cut], known=0)["static"]
    then = running({"static": said[cut - 1 :]}, TIMES_S[cut - 1 :], known=1)["static"][1:]
    given = np.concatenate([first, then])
    np.testing.assert_array_equal(given[:5], said[:5])
    np.testing.assert_allclose(given[5:], without(said[5:], resting(said[:5])))


@pytest.mark.parametrize(
    "words", ["first", "first:0", "first:x", "first:-1", "3-2", "3-3", "1-2-3", "mine", "", "nan-2", "2"]
)
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(UsageError, match="baseline must"):
        Baseline.parse(words)


def test_none_is_no_baseline() -> None:
    assert Baseline.parse("none") is None


def test_only_the_first_seconds_are_known_while_a_clip_goes_on() -> None:
    found = {words: Baseline.parse(words) for words in ("first:3", "1-2", "own")}
    assert {words: one.causal for words, one in found.items() if one} == {"first:3": True, "1-2": False, "own": False}


def test_a_rest_ends_before_the_row_at_its_end() -> None:
    at = np.array([2.0, 2.5, 3.0, 3.5])
    values = np.stack([STERN] * 4)
    assert Baseline("first", 0.0, 1.0).rows(values, at, 0.0).tolist() == [True, True, False, False]
    assert Baseline("span", 2.5, 3.5).rows(values, at, 0.0).tolist() == [False, True, True, False]
