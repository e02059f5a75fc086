"""Clips that tell which frame they show, and analyses that can be checked against them: no model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import recordings
from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.segments import find_segments, frame_ends
from avcer.labels import BASIC, C_EXPR_DB
from avcer.media import Pictures, probe
from avcer.types import EmotionProbabilities, ExpressionTimeline, FaceTrack

BITS = 10
GREY = 90
SIZE = (320, 180)
CELL = SIZE[0] // BITS
LABELS = (*BASIC, *C_EXPR_DB.names)


def picture(number: int) -> NDArray[np.uint8]:
    """``number`` in black and white cells along the lower edge, the lowest bit on the left; grey above."""
    made = np.full((SIZE[1], SIZE[0], 3), GREY, np.uint8)
    for bit in range(BITS):
        made[148:, bit * CELL : (bit + 1) * CELL] = 235 if number >> bit & 1 else 16
    return made


def clip(path: Path, frames: int, codec: str = "libx264", varying: bool = False, begin_ms: int = 0) -> Path:
    """Writes a coded clip of 25 frames a second or, ``varying``, of 12 to 90 milliseconds a frame; with a tone."""
    random = np.random.default_rng(7)
    lasts_ms = random.integers(12, 90, frames) if varying else np.full(frames, 40)
    ticks = [begin_ms, *(begin_ms + np.cumsum(lasts_ms[:-1])).tolist()]
    options = {"libx264": {"preset": "ultrafast"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}.get(codec, {})
    video = recordings.VideoTrack(
        [picture(number) for number in range(frames)], codec, ticks=ticks, time_base=Fraction(1, 1000), options=options
    )
    sound = recordings.AudioTrack(
        recordings.tone(sum(lasts_ms) / 1000, 0.05), "libopus" if codec == "libvpx" else "aac"
    )
    return recordings.write(path, video, sound)


def box(face: int, frame: int) -> list[int]:
    """Where a face is on a frame: its left edge tells the frame."""
    left, top = 10 + 3 * (frame % 64), 20 + 72 * (face - 1)
    return [left, top, left + 60, top + 44]


def label(face: int, frame: int) -> int:
    """Its label, by its place in ``LABELS``: that of face 1 changes on every frame, that of face 2 every 20."""
    return (frame if face == 1 else frame // 20 + 3) % len(LABELS)


def analysis(path: Path, faces: Sequence[int] = (1, 2)) -> Analysis:
    """What a perfect analysis of a coded clip says."""
    times_s = np.array([frame.time_s for frame in Pictures(path)])
    told = probe(path)
    ends_s = frame_ends(times_s, told)
    found = []
    for face in faces:
        timeline = _timeline(face, times_s)
        rows = np.arange(len(times_s))
        track = _track(face, rows)
        said = {name: _emotions(face, times_s, name) for name in ("static", "dynamic", "audio")}
        segments = find_segments(timeline, rows, ends_s, face)
        curves = dict.fromkeys(("VS", "VD", "A"), timeline)
        found.append(FaceAnalysis(track, rows, said, _emotions(face, times_s, "fused"), timeline, curves, segments))
    provenance: Any = {
        "version": "0", "rule": "open", "fusion": {"name": "mean"}, "options": {"models": "mini", "rule": "open"},
    }  # fmt: skip
    heard = {"audio": _emotions(1, times_s, "audio")}
    leads = np.full(len(times_s), faces[0])
    return Analysis(told, times_s, heard, tuple(found), faces[0], leads, C_EXPR_DB, provenance, (), labels=LABELS)


def _track(face: int, rows: NDArray[np.int64]) -> FaceTrack:
    boxes = np.array([box(face, frame) for frame in rows], np.float32)
    return FaceTrack(
        face, rows, boxes, np.repeat(boxes[:, None, :2] + 10, 5, axis=1), np.full(len(rows), 0.9, np.float32)
    )


def _emotions(face: int, times_s: NDArray[np.float64], source: str) -> EmotionProbabilities:
    values = np.full((len(times_s), len(BASIC)), 0.05)
    values[np.arange(len(times_s)), [label(face, frame) % len(BASIC) for frame in range(len(times_s))]] = 0.7
    return EmotionProbabilities(times_s, values, np.full(len(times_s), True), source)


def _timeline(face: int, times_s: NDArray[np.float64]) -> ExpressionTimeline:
    frames = len(times_s)
    classes = np.array([label(face, frame) for frame in range(frames)])
    kinds = np.where(classes == 0, 1, np.where(classes < len(BASIC), 2, 3))
    return ExpressionTimeline(
        times_s=times_s, classes=classes, kind=kinds, salience=np.where(kinds == 1, np.nan, 100.0),
        probability=np.full(frames, 0.4 + 0.2 * face), runner_up=np.full(frames, -1),
        scores=np.full((frames, len(LABELS)), 0.05), shares=np.zeros((frames, 3)), valid=np.full(frames, True),
        labels=LABELS, vocabulary=C_EXPR_DB,
    )  # fmt: skip
