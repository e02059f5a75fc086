from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from avcer import cli
from avcer.decision.express import OpenRule, read_open
from avcer.decision.likely import Likelihood, features, label_probabilities, logarithms
from avcer.errors import InputError
from avcer.evaluation.expressions import kinds_of, said_of, score_labels
from avcer.training.decision import coverage, read_votes, sets_of_modalities
from avcer.training.likelihood import covered, fit_likelihood, with_cuts
from avcer.types import Double, Integer

TRUE = np.array([[-1.0, -1.5, 2.0, 0.5, 0.0], [0.0, -1.5, 1.0, 1.5, 0.0]])


@pytest.fixture(scope="module")
def people() -> tuple[Double, Integer]:
    """Probabilities, and labels drawn as the numbers ``TRUE`` say."""
    random = np.random.default_rng(3)
    values = random.dirichlet(np.full(7, 0.4), 3000)
    logs = logarithms(values)
    likely = label_probabilities(logs, features(logs), TRUE, (1.2, 1.2))
    return values, np.array([random.choice(22, p=row) for row in likely])


def test_the_fit_is_as_sure_as_it_is_right(people: tuple[Double, Integer]) -> None:
    values, labels = people
    fitted = fit_likelihood(values[:2000], labels[:2000])
    rule = OpenRule({"VS": fitted}, (1.0, 1.0, 1.0), 0.0)
    scores = score_labels(labels[2000:], *said_of(values[2000:], rule))
    assert scores["ece"] < 0.06
    assert scores["kind_uar"] > 0.6
    assert fitted.sharpness == pytest.approx((1.2, 1.2), abs=0.3)


def test_sets_hold_the_true_label_as_often_as_asked_by_kind(people: tuple[Double, Integer]) -> None:
    values, labels = people
    fitted = with_cuts(Likelihood(TRUE, (1.2, 1.2), (0, 0, 0)), values[:2000], labels[:2000], 0.9)
    held = covered(fitted, values[2000:], labels[2000:])
    for kind in range(3):
        assert np.mean(held[kinds_of(labels[2000:]) == kind]) == pytest.approx(0.9, abs=0.06)
    assert coverage(fitted, values, labels, 0.9)["coverage"] == pytest.approx(0.9, abs=0.03)
    few = with_cuts(fitted, values[:5], labels[:5], 0.9)
    assert few.cuts == (0.0, 0.0, 0.0)


def test_every_set_of_modalities_is_fitted() -> None:
    assert [name for name, _ in sets_of_modalities()] == ["VS", "VD", "A", "VS+VD", "VS+A", "VD+A", "VS+VD+A"]


def test_from_tables_to_a_file(
    voted_faces: Path, spoken_tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", "decision", str(spoken_tones), str(voted_faces), "--out", str(tmp_path)]) == 0
    assert "kind UAR" in capsys.readouterr().out
    assert len(read_open(tmp_path / "decision.json").sets) == 7
    about = json.loads((tmp_path / "decision.json").read_text())["about"]
    assert set(about) == {"found_by", "on", "validation", "speaking"}


def test_faces_without_votes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "single.parquet"
    image = cv2.imencode(".png", np.zeros((48, 48), np.uint8))[1].tobytes()
    parquet.write_table(pa.Table.from_pylist([{"image": image, "label": "fear"}]), path)
    with pytest.raises(InputError, match="one table of faces with votes"):
        read_votes([path])
