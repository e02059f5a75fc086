"""Fusion: the released weights and rules, number by number; what is missing is not zero."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from avcer.decision.align import nothing
from avcer.decision.compound import decide, scores
from avcer.decision.fuse import (
    MEAN,
    PUBLISHED,
    PUBLISHED_7,
    FusionWeights,
    Pooling,
    fuse,
    pool,
    read_fusion,
    write_fusion,
)
from avcer.errors import UsageError
from avcer.labels import C_EXPR_DB
from avcer.modalities import MODALITIES, NAMES
from reference import RULE_NAMES, at_rows


@pytest.mark.parametrize("name", ["dirichlet", "mean"])
@pytest.mark.parametrize("rule", RULE_NAMES)
def test_released_numbers(golden: Path, name: str, rule: str) -> None:
    saved = np.load(golden / "fusion.npz")
    weights = FusionWeights(name, saved["weights"]) if name == "dirichlet" else MEAN
    said = {name: at_rows(saved[name], name) for name in NAMES}
    fused = fuse(said, weights).probabilities
    np.testing.assert_allclose(fused.values, saved[f"{name}_fused"], atol=1e-6)
    released = RULE_NAMES[rule]
    expected = saved[f"{name}_{released}_scores"]
    np.testing.assert_allclose(scores(fused.values, C_EXPR_DB, rule), expected, atol=1e-6)
    timeline = decide(fused, C_EXPR_DB, rule)
    decided = expected.max(axis=1) > 0
    np.testing.assert_array_equal(timeline.classes[decided], saved[f"{name}_{released}_class"][decided])
    assert (timeline.classes[~decided] == -1).all()


def test_published_weights_are_those_of_the_reference(golden: Path) -> None:
    np.testing.assert_allclose(np.load(golden / "fusion.npz")["weights"], PUBLISHED.values, atol=1e-8)


def test_columns_of_the_built_in_weights() -> None:
    np.testing.assert_allclose(PUBLISHED.values.sum(axis=0), 1, atol=1e-7)
    np.testing.assert_allclose(MEAN.values.sum(axis=0), 1)
    assert PUBLISHED_7.values.sum(axis=0)[2] == pytest.approx(1.05355501)  # as released


def test_missing_is_not_zero() -> None:
    rng = np.random.default_rng(0)
    static, dynamic, audio = (at_rows(rng.dirichlet(np.ones(7), 4), name) for name in NAMES)
    silent = nothing(static.times_s, "audio")
    fused = fuse({"static": static, "dynamic": dynamic, "audio": silent}, PUBLISHED).probabilities.values
    weights = PUBLISHED.values[:2] / PUBLISHED.values[:2].sum(axis=0)
    np.testing.assert_allclose(fused, weights[0] * static.values + weights[1] * dynamic.values)
    alone = fuse({"audio": audio}, PUBLISHED)
    np.testing.assert_allclose(alone.probabilities.values, audio.values)


def test_nothing_valid_is_no_prediction() -> None:
    empty = nothing(np.arange(3) / 25, "static")
    fused = fuse(dict.fromkeys(NAMES, empty), PUBLISHED)
    assert not fused.probabilities.valid.any()
    assert not decide(fused.probabilities, C_EXPR_DB, "1").valid.any()


def test_contributions_add_up() -> None:
    rng = np.random.default_rng(1)
    said = {name: at_rows(rng.dirichlet(np.ones(7), 5), name) for name in NAMES}
    fused = fuse(said, PUBLISHED)
    np.testing.assert_allclose(fused.contributions.sum(axis=1), fused.probabilities.values)
    timeline = decide(fused.probabilities, C_EXPR_DB, "2", fused.contributions)
    np.testing.assert_allclose(timeline.shares.sum(axis=1), 1)


def test_fusion_file_round_trip(tmp_path: Path) -> None:
    write_fusion(PUBLISHED_7, tmp_path / "mine.json")
    again = read_fusion(tmp_path / "mine.json")
    assert again.name == "published-7"
    np.testing.assert_array_equal(again.values, PUBLISHED_7.values)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps({"format": "avcer-fusion", "weights": {"static": [1] * 7, "dynamic": [1] * 7}}),
     json.dumps({"format": "avcer-fusion", "weights": dict.fromkeys(("static", "dynamic", "audio"), [0] * 7)})],
)  # fmt: skip
def test_bad_fusion_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"bad\.json") as caught:
        read_fusion(path)
    assert "\n" not in str(caught.value)


def test_unknown_fusion_names_the_known() -> None:
    with pytest.raises(UsageError, match="published, mean"):
        read_fusion("publisched")


class TestLogLinear:
    WEIGHTS = FusionWeights("mine", np.full((3, 7), 1 / 3), "log-linear", np.array([0, 0, 0, 0, 0, 0, np.log(2)]))

    def test_it_is_the_product_of_powers(self) -> None:
        values = np.random.default_rng(0).dirichlet(np.ones(7), (4, 3))
        fused, given = pool(values, np.ones((4, 3), bool), self.WEIGHTS)
        product = np.prod(np.maximum(values, 1e-4) ** (1 / 3), axis=1) * [1, 1, 1, 1, 1, 1, 2]
        np.testing.assert_allclose(fused, product / product.sum(axis=1, keepdims=True))
        np.testing.assert_allclose(given.sum(axis=1), fused)

    def test_a_missing_model_leaves_the_others_their_say(self) -> None:
        values = np.tile(np.random.default_rng(1).dirichlet(np.ones(7)), (3, 3, 1))
        present = np.array([[True, True, True], [True, False, False], [False, False, False]])
        fused, given = pool(values, present, self.WEIGHTS)
        np.testing.assert_allclose(fused[1], fused[0])
        assert not fused[2].any()
        assert not given[1, 1:].any()

    def test_a_file_keeps_pooling_and_bias(self, tmp_path: Path) -> None:
        write_fusion(self.WEIGHTS, tmp_path / "x.json")
        again = read_fusion(tmp_path / "x.json")
        assert again.pooling == "log-linear"
        np.testing.assert_array_equal(again.bias, self.WEIGHTS.bias)
        assert again.as_dict()["bias"] == self.WEIGHTS.bias.tolist()

    @pytest.mark.parametrize("change", [{"pooling": "cubic"}, {"bias": [1, 2]}])
    def test_a_strange_file_is_refused(self, change: dict[str, object], tmp_path: Path) -> None:
        write_fusion(self.WEIGHTS, tmp_path / "x.json")
        document = json.loads((tmp_path / "x.json").read_text()) | change
        (tmp_path / "x.json").write_text(json.dumps(document))
        with pytest.raises(UsageError, match=r"x\.json"):
            read_fusion(tmp_path / "x.json")


@pytest.mark.parametrize("pooling", ["linear", "log-linear"])
def test_missing_is_not_zero_where_the_rest_has_no_weight(pooling: Pooling) -> None:
    """Audio alone is there, and for Neutral all the weight lies with the others."""
    weights = np.full((3, 7), 1 / 3)
    weights[:, 0] = 0.5, 0.5, 0
    values = np.tile([0.02, 0.9, 0.016, 0.016, 0.016, 0.016, 0.016], (1, 3, 1))
    fused, given = pool(values, np.array([[False, False, True]]), FusionWeights("mine", weights, pooling))
    np.testing.assert_allclose(fused / fused.sum(), values[:, 2], atol=1e-9)
    np.testing.assert_allclose(given.sum(axis=1), fused)


@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_what_the_modalities_gave_adds_up_to_what_is_fused_whatever_the_pooling(pooling: Pooling) -> None:
    values = np.random.default_rng(0).dirichlet(np.ones(7), (5, 3))
    present = np.array([[True, True, True]] * 3 + [[True, False, False], [False, False, False]])
    fused, contributions = pool(values, present, replace(MEAN, values=MEAN.values / 4, pooling=pooling))
    np.testing.assert_allclose(contributions.sum(axis=1), fused, atol=1e-12)
    assert (fused[:4].sum(axis=1) > 0.01).all()
    assert not contributions[4].any()


def test_weights_say_all_that_makes_them(tmp_path: Path) -> None:
    """Also those of fewer modalities, for the provenance."""
    two = FusionWeights("two", np.full((2, 7), 0.5), "log-linear", np.arange(7.0), MODALITIES[:2])
    again = FusionWeights.of_dict(two.as_dict())
    assert (again.name, again.pooling, again.names) == ("two", "log-linear", NAMES[:2])
    np.testing.assert_array_equal(again.values, two.values)
    np.testing.assert_array_equal(again.bias, two.bias)
    assert set(MEAN.as_dict()) == {"name", "weights"}
    assert FusionWeights.of_dict(MEAN.as_dict()).bias is None


def test_weights_of_a_modality_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    write_fusion(MEAN, tmp_path / "x.json")
    document = json.loads((tmp_path / "x.json").read_text())
    document["weights"]["gaze"] = [1] * 7
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match="it weighs 'gaze'; the modalities are static, dynamic, audio"):
        read_fusion(tmp_path / "x.json")


@pytest.mark.parametrize("values", [[-0.1, 0.6, 0.5], [np.nan, 0.5, 0.5], [0.0, 0.0, 0.0]])
def test_weights_that_are_no_weights_are_refused_and_one_alone_may_have_all(
    values: list[float], tmp_path: Path
) -> None:
    table = MEAN.values.copy()
    table[:, 3] = 1, 0, 0
    write_fusion(replace(MEAN, values=table), tmp_path / "x.json")
    np.testing.assert_array_equal(read_fusion(tmp_path / "x.json").values, table)
    table[:, 3] = values
    write_fusion(replace(MEAN, values=table), tmp_path / "x.json")
    with pytest.raises(UsageError, match=r"x\.json: (weights must be at least 0|cannot be read)"):
        read_fusion(tmp_path / "x.json")
