"""Whole runs against the released implementation: its probabilities and its classes, clip by clip.

The stand-in checkpoints are imported as the published family; the detector is the real RetinaFace MobileNet-0.25. The
released code writes each crop as a JPEG file and reads it back, which alone moves probabilities by 0.002 to 0.003.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from avcer import Analysis, Analyzer
from avcer.decision.compound import scores
from avcer.decision.fuse import PUBLISHED
from avcer.labels import BASIC, C_EXPR_DB, VISUAL
from avcer.types import MODALITIES, Boolean, Double
from reference import GOLDEN

RUNS = GOLDEN / "e2e"
NAMES = sorted(path.name for path in RUNS.iterdir()) if RUNS.is_dir() else []
TO_BASIC = [VISUAL.index(name) for name in BASIC]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NAMES, reason=f"needs the reference runs in {RUNS}")]


@pytest.fixture(scope="module", params=["exact", "default precision"])
def analyses(request: pytest.FixtureRequest, published_home: Path, clips: Path) -> tuple[float, dict[str, Analysis]]:
    """The tolerance, and the analyses at that setting, every frame at full resolution."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVCER_HOME", str(published_home))
        if request.param == "exact":
            tolerance, analyzer = 0.01, Analyzer(models="published", setting="exact")
        else:
            tolerance, analyzer = 0.02, Analyzer(models="published", setting="balanced", longest_side=0)
        return tolerance, {name: analyzer.analyze(clips / f"{name}.mp4") for name in NAMES}


def released(name: str, table: str) -> Double:
    rows = list(csv.reader((RUNS / name / f"{table}.csv").read_text().splitlines()))[1:]
    return np.array(rows, dtype=np.float64)


def softmax(logits: Double) -> Double:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def reference(name: str) -> tuple[Double, Double, Double]:
    """Static, dynamic and audio probabilities, each ``(T, 7)`` in the order of ``BASIC``."""
    static, dynamic = released(name, "static"), softmax(released(name, "dynamic"))
    return static[:, TO_BASIC], dynamic[:, TO_BASIC], released(name, "audio")


def all_zero(name: str) -> Boolean:
    """The frames on which Rule 1 leaves the released code seven zeros, whose argmax it takes for class 0."""
    fused = sum(weights * values for weights, values in zip(PUBLISHED.values, reference(name), strict=True))
    return scores(fused, C_EXPR_DB, "1").max(axis=1) == 0


@pytest.mark.parametrize("name", NAMES)
def test_probabilities(analyses: tuple[float, dict[str, Analysis]], name: str) -> None:
    tolerance, runs = analyses
    face = runs[name].face(runs[name].primary)
    assert face is not None
    for source, values in zip(MODALITIES, reference(name), strict=True):
        ours = getattr(face, source)
        assert ours.valid.mean() > 0.98, source
        difference = np.abs(ours.values[ours.valid] - values[: len(ours.valid)][ours.valid]).mean()
        print(f"{name} {source}: mean absolute difference {difference:.5f}")
        assert difference <= tolerance, source


def test_classes(analyses: tuple[float, dict[str, Analysis]]) -> None:
    """The AV class, Rule 1, published weights; frames on which the reference is an all-zero row do not count."""
    _, runs = analyses
    same = []
    for name, analysis in runs.items():
        expected = np.array(
            json.loads((RUNS / name / "compound.json").read_text())["compound"]["dirichlet/rule1"]["AV"]
        )
        ours = analysis.face(analysis.primary).compound.classes  # type: ignore[union-attr]
        same.append((ours == expected)[~all_zero(name)])
        print(f"{name}: AV class equal on {same[-1].mean():.1%} of {len(same[-1])} frames")
    assert np.concatenate(same).mean() >= 0.97
