"""Fitting how faces that speak look (``decision.weigh``) to labelled clips of people whom no model has seen.

Three free numbers, shared by all emotions and both face models. Each table counts alike, and each of its videos; how
often a table has each label is taken out, so that nothing is learned of that. The fused evidence of face and voice is
fitted, with the voice as it is, so that what the voice says already is not asked of the face.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from avcer.decision.express import FILE_FORMAT, SHIPPED, OpenRule, read_open
from avcer.decision.fuse import FusionWeights, read_fusion
from avcer.decision.weigh import Cues, Speaking, Weighing, weigh
from avcer.errors import InputError
from avcer.evaluation.side_by_side import by_video
from avcer.evaluation.statistics import metrics
from avcer.evaluation.tables.frames import FrameTable, read_frames
from avcer.files import atomic_text, make_folder
from avcer.labels import BASIC
from avcer.training.finish import rounded
from avcer.training.loop import Report
from avcer.types import Boolean, Double, Integer

KINDS: Final = (0.38, 0.55, 0.07)
"""Neutral, one emotion and a blend among the training faces of FER+ that people agree about."""
ROWS: Final = 10
"""Frames of a video that are classified, evenly spread."""
SHRINKAGE: Final = 0.01
"""Of the squared free numbers, beside the mean log likelihood of a video: without evidence, the four shares are alike.
"""
_LEAST: Final = 1e-9


@dataclass(frozen=True)
class Spoken:
    """Rows of videos of one table: ``values (N, M, 7)`` where ``present (N, M)``, and their ``activity (N, M)``;
    ``labels (N,)``; ``chances (N,)``, so that all videos count alike, adding up to 1; ``usual (7,)``, how often each
    label occurs.
    """

    values: Double
    present: Boolean
    activity: Double
    labels: Integer
    chances: Double
    usual: Double


def train(tables: Sequence[Path], out: Path, report: Report = print, start: Path | None = None) -> OpenRule:
    """Fits the shares on labelled frames (``frames.csv`` of ``avcer evaluate``), a table a corpus, and writes
    ``out/decision.json``: the numbers of ``start``, or those that are shipped, with this weighing; and what it scores
    on each table when the others alone are fitted.

    Raises:
        UsageError: ``start`` cannot be read.
        InputError: a table has no row with a basic emotion on which a face is seen and a voice is heard.
    """
    rule = read_open() if start is None else read_open(start)
    weights = read_fusion("mini")
    parts, names = [spoken(path) for path in tables], names_of(tables)
    cues = None if rule.weighing is None else rule.weighing.cues
    scores = {}
    for place, path in enumerate(tables):
        others = [part for part in parts if part is not parts[place]]
        if others:
            weighing = Weighing(KINDS, fit_speaking(others, weights, cues), cues)
            scores[names[place]] = judge(read_frames([path]), weighing, weights)
    for name, score in scores.items():
        report(f"{name}, left out: " + "  ".join(f"{curve} UAR {one['uar']:.3f}" for curve, one in score.items()))
    fitted = replace(rule, weighing=Weighing(KINDS, fit_speaking(parts, weights, cues), cues))
    about = {"found_by": "avcer train weighing", "on": names}
    _write(fitted, out, start, about | {"left_out": rounded(scores)})
    return fitted


def names_of(tables: Sequence[Path]) -> list[str]:
    """Each by its folder, as runs call every table ``frames.csv``; by more of its path where that is not enough."""
    folders = [path.parent.name or path.stem for path in tables]
    files = [f"{folder}/{path.stem}" for folder, path in zip(folders, tables, strict=True)]
    ways = (folders, files, [str(path) for path in tables])
    return next((names for names in ways if len(set(names)) == len(tables)), ways[-1])


def _write(rule: OpenRule, out: Path, start: Path | None, about: dict[str, Any]) -> None:
    """The rule, and what its file said before about the other numbers."""
    before = json.loads((start or SHIPPED).read_text(encoding="utf-8")).get("about", {})
    make_folder(out)
    with atomic_text(out / "decision.json") as part:
        document = {"format": FILE_FORMAT, **rounded(rule.as_dict()), "about": before | {"weighing": about}}
        json.dump(document, part, indent=1)
        part.write("\n")


def spoken(path: Path) -> Spoken:
    """The rows of a table of frames on which a face is seen and a voice is heard.

    Raises:
        InputError: there is none with a basic emotion.
    """
    return spoken_rows(read_frames([path]), str(path))


def spoken_rows(table: FrameTable, name: str) -> Spoken:
    """The same of a table that was read."""
    labels = table.places(BASIC)
    usable = (labels >= 0) & table.valid.all(axis=1)
    if not usable.any():
        raise InputError(f"{name}: has no row with a basic emotion, a face and a voice; give labelled clips of speech")
    kept = []
    for video in np.unique(table.videos[usable]):
        rows = np.flatnonzero(usable & (table.videos == video))
        kept.append(rows[np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)])
    places = np.concatenate(kept)
    chances = np.concatenate([np.full(len(rows), 1 / len(rows) / len(kept)) for rows in kept])
    usual = np.bincount(labels[places], weights=chances, minlength=len(BASIC))
    values, valid, activity = table.values[places], table.valid[places], table.activity[places]
    return Spoken(values, valid, activity, labels[places], chances, np.maximum(usual, _LEAST))


def fit_speaking(parts: Sequence[Spoken], weights: FusionWeights, cues: Cues | None = None) -> Speaking:
    """The shares that make the labels of all parts likeliest, as far as the faces speak by the ``cues``."""

    def loss(free: Double) -> float:
        losses = [_loss(part, Weighing(KINDS, _of(free), cues), weights) for part in parts]
        return float(np.mean(losses) + SHRINKAGE * np.sum(free**2))

    return _of(minimize(loss, np.zeros(3), method="L-BFGS-B").x)


def _loss(part: Spoken, weighing: Weighing, weights: FusionWeights) -> float:
    """Minus the mean logarithm of what the true label is given."""
    fused = weigh(part.values, part.present, weights, weighing, part.activity).fused * part.usual
    said = fused[np.arange(len(fused)), part.labels] / fused.sum(axis=1)
    return float(-np.sum(part.chances * np.log(said)))


def _of(free: Double) -> Speaking:
    powers = np.exp(np.concatenate([[0.0], free]))
    as_is, neutral, opened, any_other = (powers / powers.sum()).tolist()
    return Speaking(as_is, neutral, opened, any_other)


def judge(table: FrameTable, weighing: Weighing, weights: FusionWeights) -> dict[str, dict[str, float]]:
    """UAR, accuracy, mean probability and calibration error of each curve and of AV, a row a video."""
    videos = by_video(table)
    labels = videos.places(BASIC)
    rows = (labels >= 0) & videos.valid.all(axis=1)
    found = weigh(videos.values[rows], videos.valid[rows], weights, weighing, videos.activity[rows])
    curves = {one.curve: found.own[:, place] for place, one in enumerate(weights.modalities)} | {"AV": found.fused}
    return {name: scored(labels[rows], values) for name, values in curves.items()}


def scored(labels: Integer, values: Double) -> dict[str, float]:
    """Scores of what is said ``(N, 7)``, of any sum, of rows with ``labels (N,)``."""
    said = values / values.sum(axis=1, keepdims=True)
    named = said.argmax(axis=1)
    return {
        "uar": metrics.uar(labels, named),
        "accuracy": metrics.accuracy(labels, named),
        "probability": float(said.max(axis=1).mean()),
        "ece": metrics.calibration_error(said.max(axis=1), named == labels),
    }
