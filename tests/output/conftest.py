"""Synthetic analyses, decided by the real stations, for the writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.align import nothing, take
from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy, Rule
from avcer.decision.segments import find_segments, frame_ends
from avcer.labels import BASIC, C_EXPR_DB, Vocabulary
from avcer.modalities import NAMES
from avcer.types import Boolean, Clip, Double, EmotionProbabilities, FaceTrack


@dataclass(frozen=True)
class Scene:
    """What a synthetic clip shows: ``faces`` are ``(first, last, gaps)`` with gaps as ranges of frames."""

    frames: int = 100
    rate: float = 25.0
    faces: tuple[tuple[int, int, tuple[range, ...]], ...] = ((0, 99, ()),)
    sound: bool = True
    vocabulary: Vocabulary = C_EXPR_DB
    path: Path = Path("clip.mp4")
    provenance: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    rule: Rule = "1"


def walk(frames: int, rate: float, seed: int) -> Double:
    """Probabilities ``(frames, 7)`` that drift from one emotion to another every second or two."""
    generator = np.random.default_rng(seed)
    knots = max(int(frames / rate / 1.3) + 3, 3)
    logits = generator.normal(0, 2.2, (knots, len(BASIC)))
    places = np.linspace(0, knots - 1.001, frames)
    low = places.astype(int)
    part = (places - low)[:, None]
    smooth = part * part * (3 - 2 * part)
    mixed = logits[low] * (1 - smooth) + logits[low + 1] * smooth + generator.normal(0, 0.08, (frames, len(BASIC)))
    powers = np.exp(mixed - mixed.max(axis=1, keepdims=True))
    result: Double = powers / powers.sum(axis=1, keepdims=True)
    return result


def emotions(times_s: Double, values: Double, valid: Boolean, source: str) -> EmotionProbabilities:
    return EmotionProbabilities(times_s, np.where(valid[:, None], values, 0.0), valid, source)


def make_face(scene: Scene, times_s: Double, audio: EmotionProbabilities, place: int) -> FaceAnalysis:
    first, last, gaps = scene.faces[place]
    rows = np.arange(first, last + 1)
    seen = ~np.isin(rows, [frame for gap in gaps for frame in gap])
    centre = 60 + 40 * place + 20 * np.sin(rows[seen] / 30)
    boxes = np.stack([centre - 20, centre - 25, centre + 20, centre + 25], axis=1).astype(np.float32)
    landmarks = np.repeat(boxes[:, None, :2] + 10, 5, axis=1)
    track = FaceTrack(place, rows[seen], boxes, landmarks, np.full(len(boxes), 0.99, np.float32))
    static = emotions(times_s[rows], walk(len(rows), scene.rate, scene.seed + 10 * place + 1), seen, "static")
    dynamic = emotions(
        times_s[rows], walk(len(rows), scene.rate / 2, scene.seed + 10 * place + 2), np.full(len(rows), True), "dynamic"
    )
    heard = take(audio, rows) if place == 0 else nothing(times_s[rows], "audio")
    return decided(scene, times_s, track, rows, (static, dynamic, heard))


def decided(
    scene: Scene, times_s: Double, track: FaceTrack | None, rows: Any, parts: tuple[EmotionProbabilities, ...]
) -> FaceAnalysis:
    said = dict(zip(NAMES, parts, strict=True))
    policy = Policy(MEAN, scene.vocabulary, scene.rule)
    found = policy.decide(said)
    ends = frame_ends(times_s, clip_of(scene))
    segments = find_segments(found.expression, rows, ends, None if track is None else track.id)
    return FaceAnalysis(track, rows, said, found.fused, found.expression, policy.curves(said), segments)


def clip_of(scene: Scene) -> Clip:
    return Clip(scene.path, scene.frames / scene.rate, scene.frames, scene.rate, 320, 180, 0, True, scene.sound)


def faceless_rows(scene: Scene, audio: EmotionProbabilities) -> Any:
    alive = np.zeros(scene.frames, dtype=bool)
    for first, last, _ in scene.faces:
        alive[first : last + 1] = True
    return np.flatnonzero(~alive & audio.valid)


def leading(scene: Scene) -> Any:
    leads = np.full(scene.frames, -1)
    for place, (first, last, _) in reversed(list(enumerate(scene.faces))):
        leads[first : last + 1] = place
    return leads


def make_analysis(scene: Scene) -> Analysis:
    times_s = np.arange(scene.frames) / scene.rate
    heard = np.full(scene.frames, scene.sound)
    audio = emotions(times_s, walk(scene.frames, scene.rate / 4, scene.seed), heard, "audio")
    faces = [make_face(scene, times_s, audio, place) for place in range(len(scene.faces))]
    silent = faceless_rows(scene, audio)
    if len(silent):
        blind = (nothing(times_s[silent], "static"), nothing(times_s[silent], "dynamic"), take(audio, silent))
        faces.append(decided(scene, times_s, None, silent, blind))
    provenance = {
        "version": "0",
        "fusion": {"name": "mean"},
        "options": {"models": "mini", "rule": scene.rule, "fusion": "mean"},
        **scene.provenance,
    }
    return Analysis(
        clip_of(scene),
        times_s,
        {"audio": audio},
        tuple(faces),
        0 if scene.faces else None,
        leading(scene),
        scene.vocabulary,
        provenance,
        ("a warning",),
        labels=Policy(MEAN, scene.vocabulary, scene.rule).labels,
        usual={"audio": np.log(walk(1, 1.0, scene.seed)[0])} if scene.sound else {},
    )


@pytest.fixture
def scene() -> Callable[..., Analysis]:
    """Makes an analysis from the fields of ``Scene``."""
    return lambda **fields: make_analysis(Scene(**fields))


def gap(*ranges: Iterable[int]) -> tuple[Any, ...]:
    return tuple(ranges)
