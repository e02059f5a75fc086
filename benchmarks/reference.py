"""The reference material: golden outputs of the released implementation, stand-in weights, real clips.

It lies in the folder ``shared`` beside the project, or where the variable AVCER_SHARED says. Tests and benchmarks read
it through this module.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np

from avcer.decision.compound import Rule, scores
from avcer.decision.fuse import PUBLISHED, fuse
from avcer.emotion.probabilities import in_basic_order, softmax
from avcer.labels import C_EXPR_DB, VISUAL
from avcer.models.published import import_published
from avcer.types import Boolean, Double, EmotionProbabilities, Face, Integer

SHARED: Final = Path(os.environ.get("AVCER_SHARED", Path(__file__).parents[2] / "shared"))
GOLDEN: Final = SHARED / "reference" / "golden"
CLIPS: Final = SHARED / "data" / "clips"
RUNS: Final = GOLDEN / "e2e"
RUN_NAMES: Final = sorted(path.name for path in RUNS.iterdir()) if RUNS.is_dir() else []
"""The clips that the released implementation analysed from end to end."""

RULE_NAMES: Final[dict[Rule, str]] = {"1": "rule1", "2": "rule2", "both": "both", "sum": "neither"}
"""Our names of the rules, and theirs in the golden files."""


def stand_in_weights(name: str) -> dict[str, np.ndarray]:
    """The tensors with which the golden outputs were computed: ``name`` as in the manifests, key -> array."""
    location = importlib.util.spec_from_file_location("seeded_weights", SHARED / "reference" / "seeded_weights.py")
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    arrays: dict[str, np.ndarray] = module.weights(name)
    return arrays


def import_stand_ins(home: Path, report: Callable[[str], None] = print) -> None:
    """Imports the published family into the store ``home``: stand-in checkpoints, and the real RetinaFace
    MobileNet-0.25. It takes a minute or two, and 4 GB of memory.
    """
    import torch

    with tempfile.TemporaryDirectory(dir=home) as folder, patch.dict(os.environ, AVCER_HOME=str(home)):
        files = {"detector": SHARED / "data" / "weights" / "retinaface_mobilenet0.25.pth"}
        for role, name in {"static": "static", "dynamic": "dynamic", "audio": "audio_8cl_v3"}.items():
            files[role] = Path(folder) / f"{role}.pt"
            torch.save({key: torch.from_numpy(array) for key, array in stand_in_weights(name).items()}, files[role])
        import_published(**files, report=report)


def at_rows(values: Double, source: str) -> EmotionProbabilities:
    """Probabilities ``(T, 7)`` that are valid on every row, 25 rows a second."""
    return EmotionProbabilities(np.arange(len(values)) / 25, values, np.ones(len(values), np.bool_), source)


def released_tracks(clip: str) -> Iterator[tuple[list[Face], list[int]]]:
    """What the released tracker was given and what it answered, frame by frame: faces, and their track ids."""
    landmarks = np.zeros((5, 2), np.float32)
    for rows in json.loads((GOLDEN / "tracker.json").read_text())[clip]:
        faces = [Face(np.array(row[:4], np.float32), landmarks, row[4]) for row in rows]
        yield faces, [row[5] for row in rows]


@dataclass(frozen=True)
class ReleasedRun:
    """A whole run of the released implementation over T frames.

    ``static``, ``dynamic``, ``audio``: probabilities ``(T, 7)`` in the order of ``BASIC``; ``classes (T,)``: the AV
    class under Rule 1 with the published weights; ``all_zero (T,)``: where Rule 1 left it seven zeros, whose argmax it
    takes for class 0.
    """

    static: Double
    dynamic: Double
    audio: Double
    classes: Integer
    all_zero: Boolean


def released_run(name: str) -> ReleasedRun:
    """The run on the clip ``name``, one of ``RUN_NAMES``."""
    static = in_basic_order(_table(name, "static"), VISUAL)
    dynamic = in_basic_order(softmax(_table(name, "dynamic")), VISUAL)
    audio = _table(name, "audio")
    fused = fuse(
        {"static": at_rows(static, "static"), "dynamic": at_rows(dynamic, "dynamic"), "audio": at_rows(audio, "audio")},
        PUBLISHED,
    )
    classes = json.loads((RUNS / name / "compound.json").read_text())["compound"]["dirichlet/rule1"]["AV"]
    all_zero = scores(fused.probabilities.values, C_EXPR_DB, "1").max(axis=1) == 0
    return ReleasedRun(static, dynamic, audio, np.array(classes), all_zero)


def _table(name: str, table: str) -> Double:
    rows = list(csv.reader((RUNS / name / f"{table}.csv").read_text().splitlines()))[1:]
    return np.array(rows, dtype=np.float64)
