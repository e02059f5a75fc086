from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.evaluation.fusion.search import (
    GRID,
    best_draws,
    dirichlet_draws,
    fused_classes,
    scale_models,
    search_score,
    search_weights,
)
from made_up import three_models


def test_the_golden_search_is_reproduced_to_the_bit(golden: Path) -> None:
    with np.load(golden / "weight_search.npz") as saved:
        values = np.stack([saved[name] for name in ("static", "dynamic", "audio")], axis=1)
        draws = dirichlet_draws(3, 7, int(saved["n_draws"]), int(saved["seed"]))
        found = search_weights(values, saved["labels"], draws)
        assert np.array_equal(found.weights, saved["dirichlet_weights"])
        scaled, factors = scale_models(values, saved["labels"], found.weights, saved["grid"])
        assert np.array_equal(factors, saved["hierarchical_weights"])
        assert scaled.score > found.score


def test_draws_are_those_of_one_call_a_draw() -> None:
    """The released code draws seven columns at a time; drawing them all at once gives the same numbers."""
    random = np.random.RandomState(7)
    one_by_one = np.stack([random.dirichlet(np.ones(3), 7).T for _ in range(20)])
    assert np.array_equal(dirichlet_draws(3, 7, 20, seed=7), one_by_one)


def test_the_winner_is_that_of_trying_every_draw() -> None:
    values, labels = three_models(300, 0)
    draws = dirichlet_draws(3, 7, 500, seed=1)
    scores = [search_score(values, labels, draw) for draw in draws]
    found = search_weights(values, labels, draws)
    assert found.draw == int(np.argmax(scores))
    assert found.score == max(scores)


def test_the_best_few_are_those_of_trying_every_draw() -> None:
    values, labels = three_models(300, 0)
    draws = dirichlet_draws(3, 7, 300, seed=2)
    scores = np.array([search_score(values, labels, draw) for draw in draws])
    expected = np.lexsort((np.arange(300), -scores))[:20]
    assert [found.draw for found in best_draws(values, labels, draws, 20)] == expected.tolist()


def test_of_equal_draws_the_first_wins() -> None:
    values, labels = three_models(50, 0)
    draws = dirichlet_draws(3, 7, 20)
    best = search_weights(values, labels, draws).draw
    again = np.concatenate([draws, draws])
    assert search_weights(values, labels, again).draw == best


def test_neutral_does_not_count() -> None:
    values, labels = three_models(300, 0)
    draws = dirichlet_draws(3, 7, 100)
    kept = labels != 0
    assert search_weights(values, labels, draws).draw == search_weights(values[kept], labels[kept], draws).draw


def test_nothing_but_neutral_is_refused() -> None:
    values, _ = three_models(10, 0)
    with pytest.raises(ValueError, match="other than Neutral"):
        search_weights(values, np.zeros(10, np.int64), dirichlet_draws(3, 7, 10))


def test_the_score_by_hand() -> None:
    """Two rows of Anger, of which one is found, one of Surprise, found: (1/2 + 1) / 2."""
    values = np.zeros((3, 1, 7))
    values[0, 0, 1] = values[1, 0, 4] = values[2, 0, 6] = 1.0
    labels = np.array([1, 1, 6])
    assert search_score(values, labels, np.ones((1, 7))) == pytest.approx(0.75)
    assert fused_classes(values, np.ones((1, 7))).tolist() == [1, 4, 6]


def test_the_grid_is_the_published_one() -> None:
    assert GRID == (0.01, 0.06, 0.11, 0.16, 0.21, 0.26, 0.31, 0.36, 0.41, 0.46)
