"""``Analyzer``: the stations in order. Models are loaded once, then any number of clips are analysed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np

from avcer import __version__
from avcer.analysis import Analysis
from avcer.changes import Changes
from avcer.decision.person import digests
from avcer.decision.policy import Policy
from avcer.emotion.audio import AudioModel
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.errors import InputError, UsageError
from avcer.faces.detect import Detector
from avcer.faces.leadership import LEADERSHIPS, Leadership
from avcer.feeding import Feeder, Source, StoppableHook, Stream, feeding, open_source
from avcer.hearing import AudioEvidence, Ear, hear_all
from avcer.identity import Identity, ModelIdentity, summary
from avcer.media import open_sound
from avcer.media.film import FALLBACK_RATE
from avcer.memory import give_back
from avcer.models.card import ROLES, Role
from avcer.models.choice import choose_all
from avcer.models.engine import Engine
from avcer.models.preparation import current
from avcer.models.runtime import arithmetic, choose_device, int8_in_use, load_engine
from avcer.options import Options
from avcer.processors import engine_threads, limit_process
from avcer.provenance import Provenance
from avcer.sampling import BATCH_SCALE, SamplingPlan
from avcer.session import Models, Session, SessionPlan
from avcer.sight import VisualModels
from avcer.types import Clip, Double, Image, Progress, no_progress

WORKING_BYTES: Final = 2000
"""What an analysis takes for each frame of one face, beside the result, while it decides."""


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
        self,
        options: Options | None = None,
        *,
        engines: Mapping[Role, Engine] | None = None,
        **changes: Unpack[Changes],
    ) -> None:
        if not isinstance(options, Options | None):
            raise UsageError(f"options must be an Options record, or fields by name (setting='fast'), not {options!r}")
        if unknown := sorted(set(engines or {}) - set(ROLES)):
            raise UsageError(f"no model does {unknown[0]!r}; engines stand in for {', '.join(ROLES)}")
        self.options = replace(options or Options(), **changes)
        vocabulary = self.options.vocabulary()
        models = choose_all(self.options.models, self.options.own_models)
        self.cards = {role: model.card for role, model in models.items()}
        self._person = self.options.known_person()
        self.policy = Policy(
            weights=self.options.weights(self.cards["audio"]),
            vocabulary=vocabulary,
            rule=self.options.decision_rule,
            numbers=self.options.open_rule(),
            fill_gaps=self.options.fill_gaps,
            least_segment_s=self.options.least_segment,
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
        self._expect_same_models()

    def _expect_same_models(self) -> None:
        """Raises UsageError if other models than these were asked about the person of the options."""
        own = digests({role: self._model_identity(role).to_dict() for role in self.cards})
        for role, digest in {} if self._person is None else self._person.models.items():
            if own.get(role) != digest:
                raise UsageError(
                    f"{self.options.person}: was made with another {role} model; analyse the clips of the person with "
                    "this one, then run avcer person on the results"
                )

    def __reduce__(self) -> tuple[Any, ...]:
        """An analyzer is pickled as what it is made from."""
        return partial(type(self), engines=self._given), (self.options,)

    def analyze(self, source: Source, progress: Progress = no_progress) -> Analysis:
        """Analyses one source, frame by frame and face by face.

        Args:
            source: a recording as a path or a binary file object, anything that PyAV can decode; or an iterable of
                ``Frame`` and ``SoundBlock`` in the order of time, such as a ``media.Live``.
            progress: called with the stage, how much is done, and of how much (0 = not known).

        Raises:
            InputError: the file is missing, a folder, empty, not media, or has no picture.
        """
        analysis = self._analysed(source, progress)
        give_back(WORKING_BYTES * len(analysis.times_s))
        return analysis

    def _analysed(self, source: Source, progress: Progress) -> Analysis:
        started = time.perf_counter()
        hook = StoppableHook(progress)
        feeder = self._feeder(source)
        session = self._session(feeder, hook)
        session.started = started
        for _ in feeding(feeder, session, hook):
            pass
        return session.finish()

    def stream(
        self,
        source: Source,
        latency_s: float | None = None,
        leadership: Leadership | None = None,
        progress: Progress = no_progress,
    ) -> Stream:
        """Analyses one source and gives the results as they settle: an iterator of ``Update``; its ``analysis`` is the
        whole result once the source has come to its end.

        Args:
            source: as for ``analyze``.
            latency_s: see ``session``; None for a live source's own (half a second), and no limit for a recording.
            leadership: see ``session``.
            progress: as for ``analyze``.

        Raises:
            InputError: as for ``analyze``.
        """
        hook = StoppableHook(progress)
        feeder = self._feeder(source)
        return Stream(feeder, self._session(feeder, hook, latency_s, leadership), hook)

    def session(
        self,
        info: Clip | None = None,
        latency_s: float | None = None,
        leadership: Leadership | None = None,
        progress: Progress = no_progress,
    ) -> Session:
        """A session to be fed with frames and sound by the caller.

        Args:
            info: what is known of the clip; None if nothing is.
            latency_s: within how many seconds of a frame its results are to be known, in time of the frames, as far as
                the machine is fast enough; None for no limit, and the exact results of a recording.
            leadership: ``whole-clip`` (the face with the largest area x time, chosen at the end) or ``largest-now``;
                None for the one that suits: the first without a limit of latency, the second with one.
            progress: as for ``analyze``.

        Raises:
            UsageError: no such leadership, a latency that is not above 0, or a baseline that cannot be known live.
        """
        if latency_s is not None and not latency_s > 0:
            raise UsageError(f"latency_s must be above 0, not {latency_s}")
        chosen = leadership or ("whole-clip" if latency_s is None else "largest-now")
        if chosen not in LEADERSHIPS:
            raise UsageError(f"leadership must be one of {', '.join(LEADERSHIPS)}, not {chosen!r}")
        reference = self._person or self.options.resting()
        if reference is not None and not reference.causal and latency_s is not None:
            raise UsageError(f"baseline {self.options.baseline} needs the whole clip; live, give first:N (seconds)")
        plan = SessionPlan(
            sampling=self._sampling(FALLBACK_RATE if info is None else info.average_rate, latency_s),
            windows=self.options.windows,
            sound_for=self.options.sound_for,
            leadership=chosen,
            portraits=info is None or not info.path.is_file(),
            smoothing=self.options.smoothing(),
            reference=reference,
            detector_side=self.options.side,
        )
        return Session(Models(self._visual, self._audio, self.policy), plan, info, progress, self._provenance)

    def listen(self, path: str | Path, part_s: tuple[float, float] | None = None) -> AudioEvidence:
        """What the audio model says of a file's sound, or of the part between two times as a player shows them, window
        by window. The file needs no picture.

        Raises:
            InputError: the file is missing, a folder, empty, or holds no sound that can be decoded.
        """
        sound = open_sound(path, *(part_s or (None, None)))
        if sound is None:
            raise InputError(f"{path}: the sound cannot be decoded; give a file with sound")
        evidence = hear_all(sound, Ear(self._audio, self.options.windows))
        if not len(evidence.starts_s):
            raise InputError(f"{path}: the sound stream is empty; give a file with sound")
        return evidence

    def classify_face(self, face: Image) -> Double:
        """What the static model says of a BGR picture of nothing but a face: probabilities ``(7,)``."""
        model = self._visual.static
        probabilities: Double = model.predict(model.prepare_face(face)[np.newaxis]).probabilities[0]
        return probabilities

    def _feeder(self, source: Source) -> Feeder:
        """What feeds a session from the source, or from the part and the tracks of it that the options ask for."""
        chosen = self.options
        return open_source(source, chosen.start, chosen.end, chosen.audio_track, chosen.video_track)

    def _session(
        self,
        feeder: Feeder,
        hook: Progress,
        latency_s: float | None = None,
        leadership: Leadership | None = None,
    ) -> Session:
        return self.session(feeder.info, feeder.latency_s if latency_s is None else latency_s, leadership, hook)

    def _sampling(self, rate: float, latency_s: float | None = None) -> SamplingPlan:
        """On which frames the models run, for a clip of so many frames a second on this device. A heavy detector does
        not run wherever a face is classified: that would cost several times what classifying does.
        """
        chosen = self.options.sampling(rate)
        return replace(
            chosen,
            batch_scale=BATCH_SCALE[self._device],
            detect_classified=chosen.detect_classified and not self.cards["detector"].heavy,
            latency_s=latency_s,
        )

    def for_part(self, start: float | None, end: float | None) -> Analyzer:
        """An analyzer for one part of each clip, on the same models: ``start`` and ``end`` as in ``Options``.

        Raises:
            UsageError: the part is empty, or not given in seconds.
        """
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"options": replace(self.options, start=start, end=end)}
        return other

    def identity(self) -> Identity:
        """Everything about this analyzer that can change a result; equal for analyzers that say the same."""
        return Identity.of(
            version=__version__,
            device=self._device,
            precision=arithmetic(self._device, self.options.precision),
            models={role: self._model_identity(role) for role in self.cards},
            options=self.options.in_force() | self._numbers(),
            fusion=self.policy.weights.as_dict(),
            vocabulary=self.policy.vocabulary.as_dict(),
        )

    def _numbers(self) -> dict[str, Any]:
        """What the numbers in files come to, in place of the names of the files."""
        return {
            "decision": None if self.policy.numbers is None else summary(self.policy.numbers.as_dict()),
            "person": None if self._person is None else summary(self._person.as_dict()),
        }

    def _provenance(self, timings: dict[str, Any]) -> Provenance:
        """Who computed what with what, so that a result can be made again."""
        identity, weighing = self.identity(), self.policy.weighing
        return Provenance(
            version=identity.version,
            device=identity.device,
            precision=identity.precision,
            models={role: model.to_dict() for role, model in identity.models},
            fusion=self.policy.weights.as_dict(),
            weighing={} if weighing is None else {"name": weighing.NAME, **weighing.as_dict()},
            options=self.options.in_force(),
            identity=identity.digest,
            timings=timings,
        )

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
