"""The released way: every stage as AVCER's released code runs it, on the same models, for comparison.

PyTorch in float32 on the processor, one item a call: the detector runs on every frame at full resolution; a crop
goes through a JPEG file; the static network takes one face, the audio network one window of four seconds; stages
follow each other. Arithmetic before and behind the networks is the project's own, which is the same (docs/fidelity.md).
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from avcer.analysis import FaceAnalysis
from avcer.bench.flops import input_shape
from avcer.decision.align import nothing
from avcer.decision.policy import Policy
from avcer.decision.segments import frame_ends
from avcer.decision.timelines import decide_all
from avcer.emotion.audio import AudioModel, frame_probabilities
from avcer.emotion.dynamic import DynamicModel, FeatureWindow
from avcer.emotion.static import StaticModel
from avcer.errors import MissingExtraError
from avcer.faces.detect import Detector, DetectorOptions
from avcer.faces.leadership import leading_tracks
from avcer.faces.track import Tracker
from avcer.media import Pictures, open_sound, probe, windows
from avcer.modalities import AUDIO, DYNAMIC, STATIC
from avcer.models.card import Role
from avcer.models.engine import Items
from avcer.models.store import InstalledModel
from avcer.timing import Stages
from avcer.types import Clip, Double, EmotionProbabilities, FaceTrack, Float

_LIBRARIES: Final = ("torch", "safetensors", "transformers")


@dataclass(frozen=True)
class BaselineRun:
    """What the released way says of a clip's faces, and its ``timings`` as in the provenance of an analysis."""

    faces: tuple[FaceAnalysis, ...]
    timings: dict[str, Any]


def check_extra() -> None:
    """Asks for what the baseline needs.

    Raises:
        MissingExtraError: a library is not installed.
    """
    if not all(find_spec(name) for name in _LIBRARIES):
        raise MissingExtraError('the baseline runs in PyTorch: pip install "avcer[torch]", or leave --baseline out')


class Baseline:
    """Analyses clips the released way, with ``models`` and with the decision of ``policy``.

    Raises:
        MissingExtraError: PyTorch is not installed.
        ModelError: the weights do not fit their network.
    """

    def __init__(self, models: Mapping[Role, InstalledModel], policy: Policy) -> None:
        check_extra()
        self._policy = policy
        self._cards = {role: model.card for role, model in models.items()}
        self._engines = {role: _Network(model) for role, model in models.items()}
        as_it_is = DetectorOptions(longest_side=0, least_side=0)
        self._detector = Detector(self._cards["detector"], self._engines["detector"], as_it_is)
        self._static = StaticModel(self._cards["static"], self._engines["static"])
        self._dynamic = DynamicModel(self._cards["dynamic"], self._engines["dynamic"])
        self._audio = AudioModel(self._cards["audio"], self._engines["audio"])

    def analyze(self, path: Path) -> BaselineRun:
        """One clip, after a first call of each network, which is not timed.

        Raises:
            InputError: as ``probe``.
        """
        clip = probe(path)
        for role, engine in self._engines.items():
            engine(np.zeros(input_shape(self._cards[role], (clip.height, clip.width)), np.float32))
        stages = Stages()
        started = time.perf_counter()
        faces = self._analyze(clip, stages)
        seconds = time.perf_counter() - started
        timings = {"seconds": seconds, "real_time_factor": seconds / clip.duration_s if clip.duration_s else 0.0}
        return BaselineRun(faces, {**timings, "stages": stages.as_dict()})

    def _analyze(self, clip: Clip, stages: Stages) -> tuple[FaceAnalysis, ...]:
        with tempfile.TemporaryDirectory() as folder:
            times_s, tracks = self._find(clip, Path(folder), stages)
            seen = {track.id: self._read(track, clip.average_rate, Path(folder), stages) for track in tracks}
        audio = self._hear(clip, times_s, stages)
        with stages.stage("decision"):
            ends_s = frame_ends(times_s, clip)
            leads = leading_tracks(tracks, ends_s - times_s)
            of_faces = {face: dict(zip((STATIC.name, DYNAMIC.name), pair, strict=True)) for face, pair in seen.items()}
            return decide_all(self._policy, tracks, of_faces, {AUDIO.name: audio}, leads, times_s, ends_s)

    def _find(self, clip: Clip, folder: Path, stages: Stages) -> tuple[Double, Sequence[FaceTrack]]:
        """Times of all frames, and the tracks; a frame without its face ends a track. Writes a file for each face."""
        tracker = Tracker(max_gap_s=0.0, begin_score=self._detector.begin_score)
        times_s: list[float] = []
        for frame in stages.timed("decode", Pictures(clip.path)):
            times_s.append(frame.time_s)
            with stages.stage("detect"):
                faces = self._detector.detect(frame.image)
            with stages.stage("follow"):
                cuts = [self._static.preparation.crop(frame.image, face.box) for face in faces]
                kept = [(face, cut) for face, cut in zip(faces, cuts, strict=True) if cut is not None]
                ids = tracker.update(frame.index, frame.time_s, [face for face, _ in kept])
            followed = [(track, cut) for track, (_, cut) in zip(ids, kept, strict=True) if track is not None]
            with stages.stage("crops", len(followed)):
                for track, cut in followed:
                    cv2.imwrite(_crop_file(folder, track, frame.index), cut)
        return np.array(times_s), tracker.tracks()

    def _read(self, track: FaceTrack, rate: float, folder: Path, stages: Stages) -> tuple[Double, Double]:
        """Static and dynamic probabilities, ``(N, 7)`` each; the dynamic model runs every fifth of ``rate`` frames."""
        steps = self._dynamic.preparation
        window = FeatureWindow(steps.steps, max(round(steps.interval_s * rate), 1))
        rows: dict[str, list[Double]] = defaultdict(list)
        for frame in track.frames.tolist():
            with stages.stage("crops", items=0):
                face = cv2.imread(_crop_file(folder, track.id, frame))
            assert face is not None
            with stages.stage("static"):
                seen = self._static.predict(self._static.prepare_face(face.astype(np.uint8, copy=False))[np.newaxis])
            rows["static"].append(seen.probabilities[0])
            sequence = window.push(frame - track.first, seen.features[0])
            if sequence is None:
                rows["dynamic"].append(rows["dynamic"][-1])
            else:
                with stages.stage("dynamic"):
                    rows["dynamic"].append(self._dynamic.predict(sequence[np.newaxis])[0])
        return np.stack(rows["static"]), np.stack(rows["dynamic"])

    def _hear(self, clip: Clip, times_s: Double, stages: Stages) -> EmotionProbabilities:
        sound = open_sound(clip.path) if clip.has_audio else None
        spans: list[tuple[float, float]] = []
        logits: list[Float] = []
        for window in windows(stages.timed("sound", sound or ())):
            with stages.stage("audio"):
                logits.append(self._audio.predict([window.samples])[0])
            spans.append((window.start_s, window.end_s))
        if not spans:
            return nothing(times_s, AUDIO.name)
        starts_s, ends_s = np.array(spans).T
        return frame_probabilities(starts_s, ends_s, np.stack(logits), np.ones(len(spans), np.bool_), times_s)


class _Network:
    """A model in PyTorch as the released code calls it: float32 on the processor, none of what speeds up ours."""

    def __init__(self, model: InstalledModel) -> None:
        from avcer.models.torch_engine import load_network

        self._network = load_network(model)

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        import torch

        with torch.inference_mode():
            outputs = self._network(torch.from_numpy(np.ascontiguousarray(batch, np.float32)))
        return tuple(output.numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,)))


def _crop_file(folder: Path, track: int, frame: int) -> str:
    return str(folder / f"{track:04d}-{frame:06d}.jpg")
