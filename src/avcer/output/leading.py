"""The leading story of a clip: what is decided for whoever leads, and from sound alone where no face is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.faces.track import NOBODY
from avcer.labels import BASIC
from avcer.types import Boolean, CompoundTimeline, EmotionProbabilities

_DECISION: Final = ("classes", "probability", "runner_up", "scores", "shares", "valid")


def leading_rows(analysis: Analysis, face: FaceAnalysis) -> Boolean:
    """``(F,)``: the rows of a face on which it leads; no frame has two leaders."""
    leads: Boolean = analysis.leads[face.frames] == (NOBODY if face.id is None else face.id)
    return leads


def leading_fused(analysis: Analysis) -> EmotionProbabilities:
    """The undivided weighted sums of whoever leads, a row for every frame of the clip ``(T, 7)``.

    That is the primary face wherever it is alive, else the largest that is, else what the sound says alone.
    """
    frames = len(analysis.times_s)
    values, valid = np.zeros((frames, len(BASIC))), np.zeros(frames, dtype=np.bool_)
    for face in analysis.faces:
        leads = leading_rows(analysis, face)
        rows = face.frames[leads]
        values[rows], valid[rows] = face.fused.values[leads], face.fused.valid[leads]
    return EmotionProbabilities(analysis.times_s, values, valid, "fused")


def leading_curve(analysis: Analysis, name: str) -> CompoundTimeline:
    """One curve of the leading story, a row for every frame of the clip: ``AV``, ``VS``, ``VD`` or ``A``."""
    parts = []
    for face in analysis.faces:
        leads = leading_rows(analysis, face)
        curve = face.compound if name == "AV" else face.curves[name]
        parts.append((face.frames[leads], _rows(curve, leads)))
    return on_every_frame(analysis, parts)


def _rows(curve: CompoundTimeline, chosen: Boolean) -> CompoundTimeline:
    return replace(curve, times_s=curve.times_s[chosen], **{name: getattr(curve, name)[chosen] for name in _DECISION})


def on_every_frame(analysis: Analysis, parts: list[tuple[np.ndarray, CompoundTimeline]]) -> CompoundTimeline:
    """Timelines on rows ``frames (F,)`` of their own, laid on all T frames; the other frames are not valid."""
    frames, compounds = len(analysis.times_s), len(analysis.vocabulary)
    whole = CompoundTimeline(
        times_s=analysis.times_s,
        classes=np.full(frames, -1),
        probability=np.zeros(frames),
        runner_up=np.full(frames, -1),
        scores=np.zeros((frames, compounds)),
        shares=np.zeros((frames, 3)),
        valid=np.zeros(frames, dtype=np.bool_),
        vocabulary=analysis.vocabulary,
    )
    for rows, part in parts:
        for name in _DECISION:
            getattr(whole, name)[rows] = getattr(part, name)
    return whole
