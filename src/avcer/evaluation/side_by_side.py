"""One model against another, and all together, on a table of labelled frames: VS, VD, A and AV."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.decision.blend import blend
from avcer.decision.policy import Policy
from avcer.errors import InputError
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.frames import FrameTable, saliences
from avcer.labels import BASIC
from avcer.modalities import CURVES, FUSED
from avcer.types import Boolean, Double, ExpressionTimeline, Integer


def curve(table: FrameTable, name: str, policy: Policy) -> tuple[Double, Boolean]:
    """What one of ``CURVES`` says: ``(N, 7)``, undivided sums for AV; and where it says anything ``(N,)``."""
    if name == FUSED:
        anything: Boolean = np.any(table.valid, axis=1)
        return policy.pooled(table.values, table.valid, table.activity), anything
    model = CURVES.index(name) - 1
    return policy.own(table.values, table.valid, model, table.activity), table.valid[:, model]


def decided(table: FrameTable, name: str, policy: Policy) -> ExpressionTimeline:
    """What is decided on every row from one of ``CURVES``; rows do not follow each other in time."""
    apart = replace(policy, fill_gaps=False)
    said = apart.named(table.values, table.valid, activity=table.activity)
    return apart.decide(said).expression if name == FUSED else apart.curves(said)[name]


def by_video(table: FrameTable) -> FrameTable:
    """A row a video: the mean of each model's probabilities over the frames where it speaks.

    Raises:
        InputError: the frames of a video differ in their label.
    """
    names, first, places = np.unique(table.videos, return_index=True, return_inverse=True)
    if np.any(table.words != table.words[first][places]):
        strange = table.videos[table.words != table.words[first][places]][0]
        raise InputError(f"{strange}: its frames have several labels; score this table by frame")
    sums, counts = np.zeros((len(names), *table.values.shape[1:])), np.zeros((len(names), table.valid.shape[1]))
    np.add.at(sums, places, table.values)
    np.add.at(counts, places, table.valid)
    means = sums / np.maximum(counts, 1)[:, :, np.newaxis]
    activity = _means(table.activity, places, len(names))
    return FrameTable(means, counts > 0, table.words[first], names, activity, table.recordings[first])


def _means(activity: Double, places: Integer, videos: int) -> Double:
    """The mean of what is known, video by video."""
    known = np.isfinite(activity)
    sums, counts = np.zeros((videos, activity.shape[1])), np.zeros((videos, activity.shape[1]))
    np.add.at(sums, places, np.where(known, activity, 0.0))
    np.add.at(counts, places, known)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def score_table(table: FrameTable, policy: Policy) -> dict[str, Any]:
    """Scores of AV, and under ``modalities`` those of VS, VD and A on the rows where each speaks.

    Rows whose label is a basic emotion are scored as such; those whose label is a compound, under ``compound``. Where
    there are blends with saliences, BLEMORE's scores stand under ``blend``.

    Raises:
        InputError: no label is either.
    """
    basic, compound = table.places(BASIC), table.places(policy.vocabulary.names)
    blends = saliences(table.words.tolist())
    if not (np.any((basic >= 0) | (compound >= 0)) or blends.any()):
        raise InputError("no label is a basic emotion, a compound of the vocabulary, or a blend; nothing can be scored")
    scores: dict[str, Any] = {}
    if np.any(basic >= 0):
        each = {name: _basic(table, basic, *curve(table, name, policy)) for name in CURVES}
        scores = each.pop("AV") | {"modalities": each}
    if np.any(compound >= 0):
        scores["compound"] = {name: _compound(table, compound, name, policy) for name in CURVES}
    if np.any(np.count_nonzero(blends, axis=1) > 1):
        scores["blend"] = {name: _blend(blends, *curve(table, name, policy)) for name in CURVES}
    return scores


def _basic(table: FrameTable, labels: Integer, values: Double, valid: Boolean) -> dict[str, Any]:
    rows = (labels >= 0) & valid
    if not rows.any():
        return {"n": 0}
    total = values[rows].sum(axis=1, keepdims=True)
    said = values[rows] / np.where(total > 0, total, 1)
    predicted = said.argmax(axis=1)
    extra = {
        "macro_precision": metrics.macro_precision(labels[rows], predicted),
        "mean_of_four": metrics.mean_of_four(labels[rows], predicted),
    }
    return classification(labels[rows], said) | extra | doubts(labels[rows], said, table.recordings[rows])


def _compound(table: FrameTable, labels: Integer, name: str, policy: Policy) -> dict[str, Any]:
    rows = (labels >= 0) & curve(table, name, policy)[1]
    if not rows.any():
        return {"n": 0}
    found = decided(table.rows(rows), name, policy)
    return {
        "n": int(rows.sum()),
        "accuracy": metrics.accuracy(labels[rows], found.compounds),
        "macro_f1": metrics.macro_f1(labels[rows], found.compounds),
        "rank2": metrics.rank_accuracy(labels[rows], found.compound_scores, 2),
        "none": float(np.mean(found.compounds < 0)),
    }


def _blend(true: Double, values: Double, valid: Boolean) -> dict[str, Any]:
    """BLEMORE's two scores, on single emotions and blends of two."""
    rows = true.any(axis=1) & valid
    said = blend(values[rows])
    return {
        "n": int(rows.sum()),
        "acc_presence": metrics.presence_accuracy(true[rows], said),
        "acc_salience": metrics.salience_accuracy(true[rows], said),
    }


Predictions = tuple[Integer, Integer, NDArray[np.str_], NDArray[np.str_]]


def predictions(table: FrameTable, policy: Policy) -> Predictions:
    """Labels, AV predictions, videos and recordings of the rows with a basic label, ``(N,)`` each; -1 where nothing is
    known.
    """
    labels = table.places(BASIC)
    values, valid = curve(table, "AV", policy)
    rows = labels >= 0
    said = np.where(valid, values.argmax(axis=1), -1)
    return labels[rows], said[rows], table.videos[rows], table.recordings[rows]
