"""One clock: what each model said at its own moments, laid on the rows of one timeline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avcer.labels import BASIC
from avcer.types import Boolean, Double, EmotionProbabilities, Integer


def on_rows(
    frames: Integer, times_s: Double, seen: Integer, values: Double, source: str, activity: Double | None = None
) -> EmotionProbabilities:
    """Values known at the frames ``seen (N,)`` laid on the rows ``frames (F,)``; rows that were not seen are not valid.

    ``times_s (T,)`` are the times of all frames of the clip; ``values (N, 7)``, ``activity (N,)``; both index arrays
    rise, and every seen frame is a row.
    """
    rows = np.searchsorted(frames, seen)
    laid = np.zeros((len(frames), len(BASIC)))
    laid[rows] = values
    valid = np.zeros(len(frames), dtype=np.bool_)
    valid[rows] = True
    active = np.full(len(frames), np.nan)
    active[rows] = np.nan if activity is None else activity
    return EmotionProbabilities(times_s[frames], laid, valid, source, active)


def nothing(times_s: Double, source: str) -> EmotionProbabilities:
    """A modality that says nothing at any of ``times_s (T,)``."""
    frames = len(times_s)
    return EmotionProbabilities(times_s, np.zeros((frames, len(BASIC))), np.zeros(frames, dtype=np.bool_), source)


def take(emotions: EmotionProbabilities, frames: Integer) -> EmotionProbabilities:
    """The rows ``frames (F,)`` of a timeline that has a row for every frame of the clip."""
    return replace(
        emotions,
        times_s=emotions.times_s[frames],
        values=emotions.values[frames],
        valid=emotions.valid[frames],
        activity=emotions.activity[frames],
    )


def only(emotions: EmotionProbabilities, rows: Boolean) -> EmotionProbabilities:
    """The same timeline, valid on no other rows than those marked ``(T,)``."""
    valid = emotions.valid & rows
    return replace(emotions, values=np.where(valid[:, np.newaxis], emotions.values, 0.0), valid=valid)


def hold_last(emotions: EmotionProbabilities) -> EmotionProbabilities:
    """Gaps filled with the last valid row, and the beginning with the first, for protocols with a label a frame."""
    if not emotions.valid.any():
        return emotions
    rows = held_rows(emotions.valid)
    return replace(
        emotions, values=emotions.values[rows], valid=np.ones_like(emotions.valid), activity=emotions.activity[rows]
    )


def held_rows(valid: Boolean) -> Integer:
    """For each of T rows, the last valid row up to it; before the first valid row, that one. Needs one valid row."""
    rows = np.where(valid, np.arange(len(valid)), -1)
    held = np.maximum.accumulate(rows)
    return np.where(held < 0, int(np.argmax(valid)), held)
