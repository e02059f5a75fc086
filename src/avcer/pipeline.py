"""``Analyzer``: the stations in order. Models are loaded once, then any number of clips are analysed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from avcer import __version__
from avcer.analysis import Analysis
from avcer.decision.policy import Policy
from avcer.decision.segments import frame_ends
from avcer.decision.timelines import decide_all
from avcer.emotion.audio import AudioModel
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.faces.detect import Detector
from avcer.faces.track import leading_tracks, primary_track
from avcer.hearing import Hearing, listen
from avcer.identity import Identity, ModelIdentity, summary
from avcer.media import Pictures, probe
from avcer.modalities import AUDIO, DYNAMIC, STATIC
from avcer.models.card import Role
from avcer.models.choice import choose_all
from avcer.models.engine import Engine
from avcer.models.preparation import current
from avcer.models.runtime import arithmetic, choose_device, int8_in_use, load_engine
from avcer.options import Options
from avcer.processors import engine_threads, limit_process
from avcer.sight import ROOM, Cadence, Sight, VisualModels, look
from avcer.timing import Stages
from avcer.types import Clip, Double, EmotionProbabilities, Image, Progress, no_progress


class Analyzer:
    """Turns clips into analyses. Build it once: loading the models is the slow part of a short clip.

        analysis = Analyzer(models="mini").analyze("clip.mp4")

    Any number of threads may use one analyzer at once, each for clips of its own; every result is the one that it
    would be alone. The models are held once, and calls of different threads share the cores. An analyzer can be
    pickled: its options travel, and the models are loaded anew where it arrives.

    Args:
        options: all choices in one record.
        engines: role -> what runs in place of the installed model; it gets and gives what that model's card says.
        changes: single fields of ``Options``, by name, on top of it.

    Raises:
        UsageError: a value that is not one of the choices, or an unreadable vocabulary or fusion file.
        ModelError: a model is missing or damaged.
    """

    def __init__(
        self, options: Options | None = None, *, engines: Mapping[Role, Engine] | None = None, **changes: Any
    ) -> None:
        self.options = replace(options or Options(), **changes)
        vocabulary = self.options.vocabulary()
        models = choose_all(self.options.models, self.options.own_models)
        self.cards = {role: model.card for role, model in models.items()}
        self.policy = Policy(
            weights=self.options.weights(self.cards["audio"]),
            vocabulary=vocabulary,
            rule=self.options.decision_rule,
            fill_gaps=self.options.fill_gaps,
        )
        self._device = choose_device(self.options.device)
        self._given = dict(engines or {})
        own = {role: model for role, model in models.items() if role not in self._given}
        self._int8 = {role: int8_in_use(model, self._device, self.options.precision) for role, model in own.items()}
        threads = self.options.threads
        limit_process(engine_threads(threads))
        run = {role: load_engine(model, self._device, self.options.precision, threads) for role, model in own.items()}
        run |= self._given
        self._visual = VisualModels(
            Detector(self.cards["detector"], run["detector"], self.options.detector),
            StaticModel(self.cards["static"], run["static"]),
            DynamicModel(self.cards["dynamic"], run["dynamic"]),
        )
        self._audio = AudioModel(self.cards["audio"], run["audio"])

    def __reduce__(self) -> tuple[Any, ...]:
        """An analyzer is pickled as what it is made from."""
        return partial(type(self), engines=self._given), (self.options,)

    def analyze(self, path: str | Path, progress: Progress = no_progress) -> Analysis:
        """Analyses one clip, frame by frame and face by face.

        Args:
            path: any file with pictures that PyAV can decode.
            progress: called with the stage, how much is done, and of how much (0 = not known).

        Raises:
            InputError: the file is missing, a folder, empty, not media, or has no picture.
        """
        started = time.perf_counter()
        stages = Stages()
        clip = probe(Path(path))
        pictures = Pictures(clip.path)
        seen, heard = self._look_and_listen(clip, pictures, stages, progress)
        clip = _measured(clip, seen.times_s)
        with stages.stage("decision"):
            audio = heard.on_frames(seen.times_s)
            ends_s = frame_ends(seen.times_s, clip)
            leads = leading_tracks(seen.tracks, ends_s - seen.times_s)
            heard_by = None if self.options.sound_for == "all" else leads
            of_faces = {
                face: dict(zip((STATIC.name, DYNAMIC.name), pair, strict=True)) for face, pair in seen.visual.items()
            }
            said = {AUDIO.name: audio}
            faces = decide_all(self.policy, seen.tracks, of_faces, said, heard_by, seen.times_s, ends_s)
        return Analysis(
            clip=clip,
            times_s=seen.times_s,
            said=said,
            faces=faces,
            primary=primary_track(seen.tracks, ends_s - seen.times_s),
            leads=leads,
            vocabulary=self.policy.vocabulary,
            provenance=self._provenance(_timings(time.perf_counter() - started, clip, stages)),
            warnings=(*pictures.warnings, *heard.warnings, *_what_is_missing(seen, audio)),
            modalities=self.policy.weights.modalities,
            labels=self.policy.labels,
        )

    def listen(self, path: str | Path, part_s: tuple[float, float] | None = None) -> Hearing:
        """What the audio model says of a file's sound, or of the part between two times, window by window. The file
        needs no picture.

        Raises:
            InputError: the file is missing, a folder, empty, or holds no sound that can be decoded.
        """
        clip = Clip(Path(path), 0.0, 0, 0.0, 0, 0, 0, has_video=False, has_audio=True)
        heard = listen(clip, self._audio, self.options.windows, part_s=part_s)
        if not len(heard.starts_s):
            raise InputError(f"{path}: {'; '.join(heard.warnings)}; give a file with sound")
        return heard

    def look_at_crop(self, face: Image) -> Double:
        """What the static model says of a BGR picture of nothing but a face: probabilities ``(7,)``."""
        model = self._visual.static
        probabilities: Double = model.predict(model.prepare_face(face)[np.newaxis]).probabilities[0]
        return probabilities

    def _look_and_listen(
        self, clip: Clip, pictures: Pictures, stages: Stages, progress: Progress
    ) -> tuple[Sight, Hearing]:
        """Both at once, the sound in a thread of its own. Where one fails, the other is told to stop."""
        hook = _Hook(progress, clip.frame_count)
        cadence = self._cadence(clip)
        with ThreadPoolExecutor(1, thread_name_prefix="avcer-sound") as ear:
            hearing = ear.submit(listen, clip, self._audio, self.options.windows, stages, hook)
            hearing.add_done_callback(hook.stop_if_failed)
            try:
                return look(pictures, self._visual, cadence, stages, hook), hearing.result()
            except _StoppedError:
                hearing.result()  # raises what went wrong with the sound
                raise
            except BaseException:
                hook.stopped = True
                raise

    def _cadence(self, clip: Clip) -> Cadence:
        """How often this clip is looked at with these models on this device. A heavy detector is not called wherever a
        face is looked at: that would cost several times what looking does.
        """
        chosen = self.options.cadence(clip.average_rate)
        light = not self.cards["detector"].heavy
        return replace(chosen, room=ROOM[self._device], detect_looks=chosen.detect_looks and light)

    def identity(self) -> Identity:
        """Everything about this analyzer that can change a result; equal for analyzers that say the same."""
        return Identity.of(
            version=__version__,
            device=self._device,
            precision=arithmetic(self._device, self.options.precision),
            models={role: self._model_identity(role) for role in self.cards},
            options=self.options.in_force(),
            fusion=self.policy.weights.as_dict(),
            vocabulary=self.policy.vocabulary.as_dict(),
        )

    def _provenance(self, timings: dict[str, float]) -> dict[str, Any]:
        """Who computed what with what, so that a result can be made again."""
        made = self.identity().to_dict()
        stated = {name: made[name] for name in ("version", "device", "precision", "models", "fusion")}
        options = self.options.in_force()
        return {"package": "avcer", **stated, "options": options, "identity": made["digest"], "timings": timings}

    def _model_identity(self, role: Role) -> ModelIdentity:
        """Which model it is, and what was made of it in int8, or what the caller brought, if that is what ran."""
        card, made, given = self.cards[role], self._int8.get(role), self._given.get(role)
        return ModelIdentity(
            name=card.name,
            architecture=card.architecture,
            sha256=card.graph.sha256,
            interface=summary([card.inputs, card.labels, current(card.role, card.preprocessing)]),
            int8_sha256=made.card.graph.sha256 if made else "",
            engine=f"{type(given).__module__}.{type(given).__qualname__}" if given else "",
        )


def _measured(clip: Clip, times_s: Double) -> Clip:
    """The clip with the count of its frames, and with their length where its header states none, as in browsers'
    recordings.
    """
    shown_s = float(frame_ends(times_s, clip)[-1] - times_s[0]) if len(times_s) else 0.0
    return replace(clip, frame_count=len(times_s), duration_s=clip.duration_s or shown_s)


def _what_is_missing(seen: Sight, audio: EmotionProbabilities) -> list[str]:
    """What the summary must say of a clip that lacks a face or a voice."""
    heard = bool(audio.valid.any())
    if not seen.tracks:
        return ["no face was found: decided from sound alone" if heard else "no face was found: nothing to decide from"]
    return [] if heard else ["decided from sight alone"]


def _timings(seconds: float, clip: Clip, stages: Stages) -> dict[str, Any]:
    """Seconds in all; the real-time factor, seconds of work per second of the clip; and what the stages cost, which
    overlap.
    """
    factor = seconds / clip.duration_s if clip.duration_s > 0 else 0.0
    return {"seconds": seconds, "real_time_factor": factor, "stages": stages.as_dict()}


class _StoppedError(Exception):
    """The other half of the analysis has failed."""


class _Hook:
    """The caller's hook for progress, called by one thread at a time. Once ``stopped``, whoever calls it is stopped."""

    def __init__(self, progress: Progress, frame_count: int) -> None:
        self.stopped = False
        self._progress = progress
        self._frame_count = frame_count
        self._lock = Lock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        with self._lock:
            if self.stopped:
                raise _StoppedError
            self._progress(stage, done, self._frame_count if stage == "pictures" else total)

    def stop_if_failed(self, done: Future[Hearing]) -> None:
        """Stops where the work done has ended in an error."""
        self.stopped = self.stopped or done.exception() is not None
