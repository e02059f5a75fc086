"""``avcer evaluate`` on small tables that the tests make, with the shipped models; and on a few real rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
import soundfile
from pyarrow import parquet

from avcer import cli
from avcer.evaluation.protocols import PROTOCOLS, ROLES, Subject, evaluate
from avcer.models.store import MINI

SCORES = {"n", "accuracy", "uar", "macro_f1", "ece", "per_class", "labels", "confusion", "groups", "intervals"}


def picture(seed: int, size: int = 48) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


def recording(seed: int, seconds: float) -> bytes:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * 16000))
    file = io.BytesIO()
    soundfile.write(file, noise, 16000, format="FLAC")
    return file.getvalue()


def table(path: Path, columns: dict[str, list[Any]]) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    names = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
    votes = {name: [0] * 4 for name in names} | {
        "surprise": [10, 4, 0, 0],
        "fear": [0, 5, 0, 0],
        "neutral": [0, 1, 9, 4],
    }
    votes["unknown"] = [0, 0, 1, 6]
    rest = {
        "name": list("abcd"),
        "split": ["train", "train", "valid", "valid"],
        "image": [picture(n) for n in range(4)],
    }
    return table(tmp_path / "ferplus.parquet", rest | votes)


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    rows = {"emotion": ["angry", "calm", "boredom"], "speaker": ["1", "2", "3"]}
    return table(tmp_path / "mine.parquet", rows | {"audio": [recording(n, 1 + 4 * n) for n in range(3)]})


def test_votes(voted: Path) -> None:
    scores = evaluate("ferplus", [voted], Subject())
    assert set(scores) == SCORES | {"blends", "expressions"}
    kinds = {"n", "accuracy", "macro_f1", "kind_uar", "kind_recall", "false_compound", "ece"}
    assert set(scores["expressions"]) == kinds
    assert scores["n"] == 2  # ten for surprise, nine for neutral; 5 of 10 is not more than half
    assert scores["blends"]["n"] == 1
    assert evaluate("ferplus", [voted], Subject(part="validation"))["n"] == 1


def test_several_files_are_scored_together_and_one_by_one(voted: Path, tmp_path: Path) -> None:
    labelled = table(tmp_path / "faces.parquet", {"name": ["x"], "label": ["Fear"], "image": [picture(9, 112)]})
    scores = evaluate("affect7", [voted, labelled], Subject(precision="float32"))
    assert scores["n"] == 3
    assert {name: one["n"] for name, one in scores["files"].items()} == {"ferplus.parquet": 2, "faces.parquet": 1}


def test_words_of_speech(spoken: Path) -> None:
    scores = evaluate("speech", [spoken], Subject())
    assert set(scores) == SCORES
    assert scores["n"] == 2
    assert set(scores["per_class"]) == {"Neutral", "Anger"}


def test_scenes(tmp_path: Path) -> None:
    rows = {"name": ["a"], "source": ["made"], "image": [picture(1, 200)], "boxes": [[[10.0] * 15]]}
    scores = evaluate("scenes", [table(tmp_path / "scenes.parquet", rows)], Subject())
    assert scores["n"] == 1
    assert scores["faces"] == 0


def test_the_command_prints_one_json_object(spoken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "speech", str(spoken), "--models", "mini", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == SCORES
    assert cli.main(["evaluate", "speech", str(spoken)]) == 0
    assert "uar" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("protocol", "own", "used"),
    [("ferplus", "audio", "static"), ("affect7", "dynamic", "static"), ("speech", "static", "audio"),
     ("scenes", "static", "detector"), ("frames", "static", "audio")],
)  # fmt: skip
def test_an_own_model_that_is_not_used_is_refused(
    protocol: str, own: str, used: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not passed over in silence, as if it had been judged."""
    assert cli.main(["evaluate", protocol, str(tmp_path / "any.parquet"), "--own-model", str(MINI / own)]) == 2
    assert f"evaluate {protocol} uses {used}" in capsys.readouterr().err
    assert set(ROLES) == set(PROTOCOLS)


def test_a_foreign_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_text("no table")
    for protocol in ("ferplus", "speech", "scenes"):
        assert cli.main(["evaluate", protocol, str(bad), "--json"]) == 1
        assert "bad.parquet" in capsys.readouterr().err
