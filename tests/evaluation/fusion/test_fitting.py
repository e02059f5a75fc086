from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer import cli
from avcer.decision.fuse import MEAN, FusionWeights, pool, read_fusion, write_fusion
from avcer.errors import InputError, UsageError
from avcer.evaluation.fusion import fitting
from avcer.evaluation.fusion.fitting import (
    METHODS,
    Effort,
    Examples,
    compare,
    examples_of,
    fit,
    held_out,
    predict,
    score,
)
from avcer.evaluation.fusion.search import search_score
from avcer.evaluation.tables.frames import FrameTable, write_frames
from avcer.labels import BASIC
from made_up import three_models

QUICK = Effort(draws=300)


def made_up(rows: int = 600, seed: int = 0) -> Examples:
    """Three models on ten videos."""
    values, labels = three_models(rows, seed)
    return Examples(values, labels, np.sort(np.random.default_rng(seed).integers(0, 10, rows)).astype(str))


def as_table(examples: Examples) -> FrameTable:
    words = np.array(BASIC)[examples.labels]
    return FrameTable(examples.values, np.ones(examples.values.shape[:2], bool), words, examples.videos)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"mean"}))
def test_every_method_beats_the_mean_on_frames_it_has_not_seen(method: str) -> None:
    weights, about = fit(made_up(2000), method, QUICK)
    aside = made_up(2000, seed=1)
    assert score(aside, weights) > score(aside, MEAN) + 0.01
    assert about["uar"] == pytest.approx(score(made_up(2000), weights), abs=1e-4)


def test_the_ascent_begins_where_the_search_ends() -> None:
    examples = made_up()
    assert score(examples, METHODS["ascent"](examples, QUICK)) > score(examples, METHODS["search"](examples, QUICK))


def test_a_column_is_scored_as_the_whole_would_be() -> None:
    examples = made_up(200)
    weights = METHODS["search"](examples, QUICK).values
    candidates = fitting._moves(weights[:, 2])
    assert candidates.sum(axis=1) == pytest.approx(1)
    for candidate, quick in zip(candidates, fitting._column_scores(examples, weights, 2, candidates), strict=True):
        changed = weights.copy()
        changed[:, 2] = candidate
        assert quick == pytest.approx(search_score(examples.values, examples.labels, changed))


def test_the_second_stage_keeps_the_scale_of_probabilities() -> None:
    examples = made_up()
    weights = METHODS["hierarchical"](examples, QUICK)
    assert weights.values.sum(axis=0).mean() == pytest.approx(1)
    assert score(examples, weights) >= score(examples, METHODS["search"](examples, QUICK))


@pytest.mark.parametrize("effort", [{"draws": 0}, {"seed": -1}])
def test_a_search_needs_draws_and_a_seed(effort: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="draws"):
        Effort(**effort)


def test_too_few_frames_cannot_be_held_out() -> None:
    table = made_up(20)
    few = Examples(table.values[:1], np.array([1]), table.videos[:1])
    with pytest.raises(InputError, match="too few"):
        held_out(few, METHODS["mean"], QUICK)


def test_the_convex_method_finds_the_bottom() -> None:
    """No other weights whose columns add up to the same have less cross-entropy, however steep the softmax."""
    examples = made_up(300)
    weights = METHODS["convex"](examples, QUICK).values
    again = METHODS["convex"](Examples(examples.values[::-1], examples.labels[::-1], examples.videos), QUICK).values
    assert weights == pytest.approx(again, abs=1e-5)
    start = np.full((3, 7), 4.0)
    loss = fitting._entropy(examples.values, examples.labels, start)
    steep = min(np.linspace(1, 40, 400), key=lambda steepness: loss((steepness * weights).ravel())[0])
    random = np.random.default_rng(0)
    for share in (1e-3, 1e-2, 0.1, 1):
        others = (1 - share) * weights + share * random.dirichlet(np.ones(3), (50, 7)).transpose(0, 2, 1)
        assert all(loss((steep * other).ravel())[0] > loss((steep * weights).ravel())[0] - 1e-6 for other in others)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_models_that_are_always_wrong_leave_weights_that_can_be_read(method: str, tmp_path: Path) -> None:
    values = np.full((40, 3, 7), 0.01)
    values[..., 4] = 0.94
    examples = Examples(values, np.repeat([1, 5], 20), np.array(["one"] * 40))
    write_fusion(METHODS[method](examples, QUICK), tmp_path / "weights.json")
    assert np.isfinite(read_fusion(tmp_path / "weights.json").values).all()


def test_columns_of_convex_weights_add_up_to_one() -> None:
    """So that a fused value of 1/7 is chance, as Rule 1 and the gate take it to be."""
    examples = made_up(300)
    weights = METHODS["convex"](examples, QUICK)
    assert weights.values.sum(axis=0) == pytest.approx(1)
    assert weights.values.min() >= 0
    even = np.full((1, 3, 7), 1 / 7)
    assert pool(even, np.ones((1, 3), bool), weights)[0] == pytest.approx(1 / 7)


def test_held_out_videos_are_answered_by_a_fit_without_them() -> None:
    seen: list[set[str]] = []

    def nosy(examples: Examples, effort: Effort) -> FusionWeights:
        seen.append(set(examples.videos.tolist()))
        return MEAN

    examples = made_up()
    assert held_out(examples, nosy, QUICK) == pytest.approx(score(examples, MEAN))
    assert len(seen) == 5
    assert all(len(videos) == 8 for videos in seen)


def test_few_videos_are_cut_into_stretches() -> None:
    assert fitting._folds(np.array(["one"] * 10), 5).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_only_frames_with_a_basic_label_and_all_models_count() -> None:
    table = as_table(made_up(20))
    table.valid[0, 1] = False
    table.words[1] = "Other"
    assert len(examples_of(table).labels) == 18
    parts = replace(table, recordings=np.array(["talk.mp4"] * 20))
    assert set(examples_of(parts).videos.tolist()) == {"talk.mp4"}
    table.words[:] = "Neutral"
    with pytest.raises(InputError, match="other than Neutral"):
        examples_of(table)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UsageError, match="log-linear"):
        fit(made_up(20), "magic", QUICK)


def test_compare_tries_all() -> None:
    fits = compare(made_up(200), Effort(draws=50))
    assert [one.method for one in fits] == list(METHODS)
    assert all(0 < one.aside <= 1 for one in fits)


@pytest.mark.parametrize("method", ["search", "log-linear"])
def test_the_command_writes_a_file_that_analysing_reads(
    method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = made_up(200)
    write_frames(as_table(examples), tmp_path / "frames.csv")
    out, picture = tmp_path / "weights.json", tmp_path / "weights.png"
    arguments = ["--method", method, "--draws", "50", "--compare", "--plot", str(picture)]
    assert cli.main(["fit-fusion", str(tmp_path / "frames.csv"), "--out", str(out), *arguments]) == 0
    assert "held out" in capsys.readouterr().out
    weights = read_fusion(out)
    assert weights.name == weights.pooling == method if method == "log-linear" else weights.pooling == "linear"
    expected, _ = fit(examples, method, Effort(draws=50))
    assert predict(examples, weights).tolist() == predict(examples, expected).tolist()
    assert json.loads(out.read_text())["about"]["frames"] == 200
    assert picture.stat().st_size > 10_000
