from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from avcer import cli
from avcer.decision.fuse import read_fusion
from avcer.errors import InputError
from avcer.models.store import MINI
from avcer.training import fusion
from avcer.training.fusion import Pairs, compare, fit_weights, sort_tables
from avcer.training.loop import Plan
from made_up import encoded, utterance


@pytest.fixture
def plan() -> Plan:
    plan = Plan.read(fusion.RECIPE)
    plan.options["draws"] = 300
    return plan


def knowing(rows: int, seed: int) -> Pairs:
    """The first two models take Fear for Surprise; the third knows Fear, and is even about all else."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, rows)
    values = 0.2 * random.random((rows, 3, 7)) + 0.1
    values[np.arange(rows), :2, np.where(labels == 3, 6, labels)] += 0.4
    values[labels == 3, 2, 3] += 1.0
    return Pairs(values / values.sum(axis=2, keepdims=True), labels)


def test_weights_let_each_model_speak_of_what_it_knows(plan: Plan) -> None:
    weights = fit_weights(knowing(400, 0), plan)
    assert weights.sum(axis=0) == pytest.approx(1)
    assert weights[2, 3] > weights[2, 6]


def test_fused_beats_each_alone_on_pairs_not_fitted_on(plan: Plan) -> None:
    scores = compare([knowing(400, 1), knowing(400, 2)], plan)
    assert set(scores) == {"static", "dynamic", "audio", "mean", "published", "search", "search, its winner"}
    assert scores["search"]["uar"] > max(scores[name]["uar"] for name in ("static", "dynamic", "audio")) + 0.1


def test_from_tables_to_a_fusion_file(
    voted_faces: Path, spoken_tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tones know Neutral and Anger only, so the pairs do; both go through the shipped models."""
    assert cli.main(["train", "fusion", str(spoken_tones), str(voted_faces), "--out", str(tmp_path)]) == 0
    assert "UAR" in capsys.readouterr().out
    assert read_fusion(tmp_path / "fusion.json").values.sum(axis=0) == pytest.approx(1)
    assert set(json.loads((tmp_path / "fusion.json").read_text())["about"]) == {"found_by", "on", "crosswise"}
    assert (tmp_path / "fusion.png").stat().st_size > 10_000


def test_both_kinds_of_table_are_needed(voted_faces: Path, spoken_tones: Path, tmp_path: Path) -> None:
    assert sort_tables([spoken_tones, voted_faces]) == ([voted_faces], [spoken_tones])
    with pytest.raises(InputError, match="both"):
        sort_tables([voted_faces])
    other = tmp_path / "other.parquet"
    other.write_text("no table")
    with pytest.raises(InputError, match=r"other\.parquet"):
        sort_tables([other])


def test_neutral_alone_is_not_enough(voted_faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The search does not count it, so there is nothing to search for."""
    sounds = [encoded(utterance("calm", seed)) for seed in range(4)]
    calm = tmp_path / "calm.parquet"
    parquet.write_table(pa.table({"emotion": ["calm"] * 4, "speaker": list("hiab"), "audio": sounds}), calm)
    assert cli.main(["train", "fusion", str(calm), str(voted_faces), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "share no emotion other than Neutral" in line
    assert not (tmp_path / "out").exists()


def test_a_detector_has_no_say(voted_faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = ["--own-model", str(MINI / "detector")]
    assert cli.main(["train", "fusion", str(voted_faces), "--out", str(tmp_path), *own]) == 2
    assert "static, dynamic, audio" in capsys.readouterr().err


def test_epochs_are_refused(voted_faces: Path, tmp_path: Path) -> None:
    assert cli.main(["train", "fusion", str(voted_faces), "--out", str(tmp_path), "--epochs", "3"]) == 2


def test_the_shipped_weights_are_the_default_of_the_mini_family() -> None:
    shipped = read_fusion("mini")
    assert shipped.name == "mini"
    assert shipped.values.sum(axis=0) == pytest.approx(1)
