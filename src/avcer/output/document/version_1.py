"""Version 1 of ``analysis.json``: everything in one JSON text, three modalities, nothing but compounds decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.compound import salience
from avcer.labels import BASIC, NONE, Compound, Vocabulary
from avcer.modalities import AUDIO, SOURCE_WORK
from avcer.provenance import Provenance
from avcer.types import (
    FUSED,
    KINDS,
    Boolean,
    Clip,
    Double,
    EmotionProbabilities,
    ExpressionTimeline,
    FaceTrack,
    Integer,
    Kind,
    Segment,
)

_COMPOUND: Final = KINDS.index("compound")


def read_version_1(document: Mapping[str, Any]) -> Analysis:
    """The analysis of a document of version 1; ValueError, KeyError and the like where it is damaged.

    Version 1 knew no salience: it is computed from the emotions that are stored.
    """
    times_s = _array(document["times_s"])
    stored = document["vocabulary"]
    vocabulary = Vocabulary(stored["name"], tuple(Compound(*entry) for entry in stored["compounds"]))
    return Analysis(
        clip=read_clip(document["clip"]),
        times_s=times_s,
        said={AUDIO.name: _emotions(document["audio"], times_s, AUDIO.name)},
        faces=tuple(_face(face, times_s, vocabulary) for face in document["faces"]),
        primary=document["primary"],
        leads=np.array(document["leads"], dtype=np.int64),
        vocabulary=vocabulary,
        provenance=Provenance.of_dict(document["provenance"]),
        warnings=tuple(document["warnings"]),
    )


def read_clip(stored: Mapping[str, Any]) -> Clip:
    """A clip as any version stored it: fields that came later have their defaults."""
    known = {field.name for field in fields(Clip)}
    kept = {name: _tuples(value) for name, value in stored.items() if name in known}
    return Clip(**kept | {"path": Path(stored["path"])})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _face(stored: Mapping[str, Any], times_s: Double, vocabulary: Vocabulary) -> FaceAnalysis:
    frames = np.array(stored["frames"], dtype=np.int64)
    rows = times_s[frames]
    said = {modality.name: _emotions(stored[modality.name], rows, modality.name) for modality in SOURCE_WORK}
    fused = _emotions(stored["fused"], rows, FUSED)
    names = {modality.curve: modality.name for modality in SOURCE_WORK}
    expression = _timeline(stored["compound"], fused, vocabulary)
    return FaceAnalysis(
        track=None if stored["track"] is None else _track(stored["id"], stored["track"]),
        frames=frames,
        said=said,
        fused=fused,
        expression=expression,
        curves={name: _timeline(curve, said[names[name]], vocabulary) for name, curve in stored["curves"].items()},
        segments=tuple(_segment(segment, expression) for segment in stored["segments"]),
    )


def _segment(stored: Mapping[str, Any], expression: ExpressionTimeline) -> Segment:
    label = stored["compound"]
    kind: Kind = "none" if label == NONE else "compound"
    inside = (expression.times_s >= stored["start_s"] - 1e-6) & (expression.times_s < stored["end_s"] - 1e-6)
    known = expression.salience[inside & np.isfinite(expression.salience)]
    mean = float(known.mean()) if kind == "compound" and len(known) else None
    return Segment(stored["face"], stored["start_s"], stored["end_s"], label, kind, mean, stored["probability"])


def _track(identity: int, stored: Mapping[str, Any]) -> FaceTrack:
    seen = len(stored["frames"])
    return FaceTrack(
        id=identity,
        frames=np.array(stored["frames"], dtype=np.int64),
        boxes=np.array(stored["boxes"], dtype=np.float32).reshape(seen, 4),
        landmarks=np.array(stored["landmarks"], dtype=np.float32).reshape(seen, 5, 2),
        scores=np.array(stored["scores"], dtype=np.float32),
    )


def _emotions(rows: list[Any], times_s: Double, source: str) -> EmotionProbabilities:
    return EmotionProbabilities(times_s, _array(rows, len(BASIC)), _valid(rows), source)


def _timeline(stored: Mapping[str, Any], emotions: EmotionProbabilities, vocabulary: Vocabulary) -> ExpressionTimeline:
    classes = _indices(stored["classes"])
    share = salience(emotions.values, vocabulary)[np.arange(len(classes)), classes]
    return ExpressionTimeline(
        times_s=emotions.times_s,
        classes=classes,
        kind=np.where(classes >= 0, _COMPOUND, 0),
        salience=np.where(classes >= 0, 100 * share, np.nan),
        probability=_array(stored["probability"]),
        runner_up=_indices(stored["runner_up"]),
        scores=_array(stored["scores"], len(vocabulary)),
        shares=_array(stored["shares"], len(SOURCE_WORK)),
        valid=_valid(stored["classes"]),
        labels=vocabulary.names,
        vocabulary=vocabulary,
    )


def _valid(rows: list[Any]) -> Boolean:
    return np.array([row is not None for row in rows], dtype=np.bool_)


def _array(rows: list[Any], columns: int = 0) -> Double:
    """Numbers ``(T,)``, or with ``columns`` ``(T, columns)``; zero where a row is null."""
    empty: Any = [0.0] * columns if columns else 0.0
    values = np.array([empty if row is None else row for row in rows], dtype=np.float64)
    return values.reshape(len(rows), columns) if columns else values


def _indices(rows: list[Any]) -> Integer:
    return np.array([-1 if row is None else row for row in rows], dtype=np.int64)
