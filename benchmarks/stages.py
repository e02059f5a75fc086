"""Each stage, given what the released implementation was given, against what it answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from avcer.decision.compound import decide, scores
from avcer.decision.fuse import MEAN, PUBLISHED, fuse
from avcer.emotion.audio import AudioModel
from avcer.emotion.probabilities import in_basic_order
from avcer.emotion.static import StaticModel, overlay
from avcer.faces.detect import SAME_FACE_IOU, Detector, DetectorOptions
from avcer.faces.track import Tracker, overlaps
from avcer.labels import C_EXPR_DB, NONE, VISUAL
from avcer.media import SAMPLE_RATE
from avcer.media.resample import Resampler
from avcer.modalities import NAMES
from avcer.models.card import ModelCard, Role
from avcer.models.engine import Engine, Precision
from avcer.models.runtime import load_engine
from avcer.models.store import find
from avcer.types import Image
from reference import GOLDEN, RULE_NAMES, at_rows, released_tracks

PADDINGS = {"mean": "mean", "zeros": "constant", "repeat": "repeat"}
"""Our names of the audio model's paddings, and theirs in the golden files."""


@dataclass(frozen=True)
class Finding:
    """How far one thing is from the released implementation's, and how far it may be in float32."""

    stage: str
    measure: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is within the limit."""
        return self.value <= self.limit


def with_models(precision: Precision) -> list[Finding]:
    """The stages that run a model of the published family, from the store, on the processor."""
    return [*_static(precision), *_dynamic(precision), *_audio(precision), *_detector(precision)]


def without_models() -> list[Finding]:
    """The stages that are arithmetic alone."""
    return [*_tracks(), *_fusion(), *_resampling()]


def _load(role: Role, precision: Precision) -> tuple[ModelCard, Engine]:
    model = find("published", role)
    return model.card, load_engine(model, "cpu", precision)


def _static(precision: Precision) -> Iterator[Finding]:
    golden = np.load(GOLDEN / "static.npz")
    card, engine = _load("static", precision)
    model = StaticModel(card, engine)
    faces = [_picture(path) for path in sorted((GOLDEN / "crops").glob("*.png"))]
    batch = np.stack([model.prepare_face(face) for face in faces])
    yield Finding("static", "network input", _largest(batch[:3, :, ::16, ::16], golden["input_first3_every16"]), 0)
    expected = in_basic_order(golden["probabilities"], VISUAL)
    yield Finding("static", "probabilities", _largest(model.predict(batch).probabilities, expected), 1e-3)
    yield Finding("static", "features", _largest(engine(batch)[1], golden["features"]), 1e-3)
    drawn = [  # an RGB picture under BGR colours, as released
        overlay(cv2.resize(face, (224, 224))[..., ::-1].astype(np.uint8), heat)
        for face, heat in zip(faces, model.heatmaps(batch[:3]), strict=False)
    ]
    beyond = np.abs(np.subtract(drawn, golden["heatmap_first3"], dtype=np.int16)).max(axis=-1) > 2
    yield Finding("static", "heat maps: share of pixels more than 2 of 255 off", float(beyond.mean()), 0.01)


def _dynamic(precision: Precision) -> Iterator[Finding]:
    golden = np.load(GOLDEN / "dynamic.npz")
    _, engine = _load("dynamic", precision)
    yield Finding("dynamic", "logits", _largest(engine(golden["windows"])[0], golden["logits"]), 1e-3)


def _audio(precision: Precision) -> Iterator[Finding]:
    golden = np.load(GOLDEN / "audio.npz")
    card, engine = _load("audio", precision)
    windows = [golden[f"window{index}"] for index in range(5)]
    for ours, theirs in PADDINGS.items():
        model = AudioModel(replace(card, preprocessing={**card.preprocessing, "padding": ours}), engine)
        difference = _largest(model.predict(windows), golden[f"logits_{theirs}"])
        yield Finding("audio", f"logits, padding `{ours}`", difference, 1e-2)


def _detector(precision: Precision) -> Iterator[Finding]:
    golden = np.load(GOLDEN / "detector.npz")
    detector = Detector(*_load("detector", precision), DetectorOptions(longest_side=0, least_side=0))
    differences, unlike = [], 0
    for name in golden.files:
        faces = detector.detect(_picture(GOLDEN / "frames" / f"{name}.png"))
        found = np.array([[*face.box, face.score, *face.landmarks.ravel()] for face in faces])
        expected = golden[name]
        overlap = overlaps(expected[:, :4], found[:, :4])
        same = overlap.max(axis=1) > SAME_FACE_IOU
        unlike += len(expected) + len(found) - 2 * int(same.sum())
        differences.append(np.abs(found[overlap.argmax(axis=1)] - expected)[same])
    scores, pixels = np.split(np.concatenate(differences)[:, [4, *range(4), *range(5, 15)]], [1], axis=1)
    yield Finding("detector", "faces that only one of the two found", unlike, 0)
    yield Finding("detector", "boxes and landmarks, pixels", float(pixels.max()), 0.5)
    yield Finding("detector", "scores", float(scores.max()), 1e-3)


def _tracks() -> Iterator[Finding]:
    """With no patience for a missed frame, which the released tracker does not have."""
    unlike = 0
    for clip in ("hamilton", "WolfgangLanger_Pexels"):
        tracker = Tracker(max_gap_s=0.0)
        answers = [
            (tracker.update(frame, frame / 25, faces), ids) for frame, (faces, ids) in enumerate(released_tracks(clip))
        ]
        unlike += sum(ours != theirs for ours, theirs in answers)
    yield Finding("tracks", "frames whose ids differ", unlike, 0)


def _fusion() -> Iterator[Finding]:
    golden = np.load(GOLDEN / "fusion.npz")
    said = {name: at_rows(golden[name], name) for name in NAMES}
    sums, points, unlike = [], [], 0
    for name, weights in {"dirichlet": PUBLISHED, "mean": MEAN}.items():
        fused = fuse(said, weights).probabilities
        sums.append(_largest(fused.values, golden[f"{name}_fused"]))
        for ours, theirs in RULE_NAMES.items():
            expected = golden[f"{name}_{theirs}_scores"]
            points.append(_largest(scores(fused.values, C_EXPR_DB, ours), expected))
            classes = np.where(expected.max(axis=1) > 0, golden[f"{name}_{theirs}_class"], -1)
            unlike += int((decide(fused, C_EXPR_DB, ours).classes != classes).sum())
    yield Finding("fusion", "fused values", max(sums), 1e-6)
    yield Finding("rules", "scores", max(points), 1e-6)
    yield Finding("rules", f"frames whose class differs (an all-zero row is `{NONE}`)", unlike, 0)


def _resampling() -> Iterator[Finding]:
    golden = np.load(GOLDEN / "resample.npz")
    resampler = Resampler(44_100, SAMPLE_RATE)
    made = np.concatenate([resampler.feed(golden["stereo_44100"].mean(axis=0)), resampler.finish()])
    yield Finding("sound", "resampled samples, of full scale", _largest(made, golden["mono_16000"]), 0.01)


def _picture(path: Path) -> Image:
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return picture.astype(np.uint8)


def _largest(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The largest absolute difference of two arrays of one shape."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        raise ValueError(f"shapes {ours.shape} and {theirs.shape}")
    return float(np.abs(ours - theirs).max())
