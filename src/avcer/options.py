"""Every choice that an analysis offers, in one checked record, and the three named settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from avcer.decision.baseline import NO_BASELINE, Baseline
from avcer.decision.express import OPEN, OpenRule, read_open
from avcer.decision.fuse import MEAN, PUBLISHED, PUBLISHED_7, FusionWeights, read_fusion
from avcer.decision.person import Person, read_person
from avcer.decision.policy import RULES, Rule
from avcer.decision.steady import LEAST_S, Steady
from avcer.emotion.audio import WINDOW_STEP_S
from avcer.emotion.classify import ClassifyPlan
from avcer.emotion.waveform import WINDOW_S
from avcer.errors import UsageError
from avcer.faces.detect import DetectorOptions
from avcer.hearing import Windows
from avcer.labels import AUDIO_8, Vocabulary, read_vocabulary
from avcer.models.card import FAMILIES, Family, ModelCard
from avcer.models.engine import Precision
from avcer.models.runtime import DEVICES, Device
from avcer.sampling import SamplingPlan

LEAST_STEP_S: Final = 0.05
MOST_LEAST_S: Final = 10.0
"""Seconds; a longer least segment would hide what it is asked about."""

SettingName = Literal["exact", "balanced", "fast"]


@dataclass(frozen=True)
class Setting:
    """What a named setting stands for.

    ``longest_side``: of the picture that the detector sees, in pixels; None for what it was made for: the published
    ones take pictures as they are (0), the mini one was trained at 640 and finds faces that are none in larger ones.
    ``sampling``: on which frames the models run; ``audio_step_s``: from one window of sound to the next.
    """

    longest_side: int | None
    precision: Precision
    sampling: SamplingPlan
    audio_step_s: float


SETTINGS: Final[dict[SettingName, Setting]] = {
    "exact": Setting(None, "float32", SamplingPlan(), WINDOW_STEP_S),
    "balanced": Setting(
        640, "default", SamplingPlan(10, ClassifyPlan(None, 0.12), detect_classified=True), WINDOW_STEP_S
    ),
    "fast": Setting(640, "default", SamplingPlan(6, ClassifyPlan(None, 0.2)), 2 * WINDOW_STEP_S),
}
"""What each costs and how far it agrees with ``exact`` is measured in docs/speed.md."""


@dataclass(frozen=True)
class FamilyDefaults:
    """What a family of models implies where nothing was chosen: ``rule``; ``fusion``, the name of its weights;
    ``longest_side`` of the pictures that its detector was made for, in pixels, 0 for any.
    """

    rule: Rule
    fusion: str
    longest_side: int


IMPLIED: Final[dict[Family, FamilyDefaults]] = {
    "mini": FamilyDefaults(rule=OPEN, fusion="mini", longest_side=640),
    "published": FamilyDefaults(rule="1", fusion=PUBLISHED.name, longest_side=0),
}


@dataclass(frozen=True)
class Options:
    """The choices of an analysis.

    Args:
        models: the family, ``mini`` (shipped) or ``published`` (imported once).
        own_models: folders of models that you trained; each takes the place of the family's model of its role.
        setting: ``exact``, ``balanced`` or ``fast``; see ``SETTINGS``.
        rule: ``open``, ``1``, ``2``, ``both``, ``sum``, ``gated`` or ``geometric``, see ``decision.policy.RULES``; None
            for the family's own: Rule 1 for the published models, as released, ``open`` for the mini ones
            (docs/rules.md).
        decision: the numbers of the rule ``open``, a file that ``avcer train decision`` wrote; None for those that are
            shipped with the mini models.
        baseline: when a face is neutral: ``none`` (no correction), ``first:N`` (its first N seconds), ``START-END``
            (seconds from the start of the clip), or ``own`` (its most frequent emotion, or Neutral). The
            resting response is subtracted from the face models' output, see ``decision.baseline``.
        person: what the models usually say of this person, a file that ``avcer person`` wrote from other clips; it is
            subtracted from the output of all models (speaker normalisation); of a person known from neutral clips, from
            that of the face models, so that the neutral face comes out as Neutral. See ``decision.person``. None for
            nobody.
        least_segment: seconds that a label must last to be a segment, and under the rule ``open`` to be said at all; 0
            decides every frame for itself.
        label_sets: write the 90 % set of labels of every frame, too, such as 'Anger|Disgust'; under the rule ``open``.
        raw_labels: write the label that every frame would have by itself, too, before labels are made steady in time.
        compounds: a name in ``labels.VOCABULARIES`` (``c-expr-db``, ``avcer-12``, ..), or the path of a TOML file.
        fusion: ``published``, ``mini``, ``mean``, or the path of a JSON file; None for the family's own.
        device: ``auto``, ``cpu`` or ``cuda``.
        longest_side: pixels that a frame's longest side is scaled down to for the detector, 0 for none; None for the
            setting's own.
        min_face: faces whose longer side is below this many pixels of the frame are left out.
        sound_for: which face the sound is assigned to, the ``primary`` one (after a cut, whoever leads) or ``all``.
        detect_every: run the detector on every N-th frame, and on more where faces appear, vanish or jump, and with
            ``balanced`` wherever a face is classified; None for the setting's own.
        steady_within: a face is classified five times a second, and on the frames between where an emotion's
            probability changes by more than this; 0 for every frame, None for the setting's own.
        fps: detect and classify faces only this often a second, however they change; the frames between are filled in.
        audio_window_s: what the audio model hears at once, in seconds, 4 at most.
        audio_step_s: seconds from one window of sound to the next, no more than a window; None for the setting's.
        fill_gaps: between the first and the last frame of a face, hold the last fused probabilities where nothing is
            known.
        threads: of the processor, for each call of a model; the process's OpenCV and its decoders keep to as many. None
            for the processors that the process may use, by its affinity and its container's quota. No result depends
            on it.
        start, end: analyse only what is shown between these, in seconds from the start of the clip, as a player counts;
            None for its beginning and its end. A live source is not cut.
        audio_track, video_track: which track of a recording, from 1 in the order of the file; None for the picture that
            a player shows, and the sound of its programme that is not silent.
        times: what times in the written files count from: the clip's ``start`` as in a player, or as in the ``file``;
            None for each format's own, ``start`` for what a player or an annotation program shows, ``file`` for tables.

    Raises:
        UsageError: a value that is not one of these.
    """

    models: Family = "mini"
    own_models: tuple[str | Path, ...] = ()
    setting: SettingName = "balanced"
    rule: Rule | None = None
    decision: str | Path | None = None
    baseline: str = NO_BASELINE
    person: str | Path | None = None
    least_segment: float = LEAST_S
    label_sets: bool = False
    raw_labels: bool = False
    compounds: str | Path = "c-expr-db"
    fusion: str | Path | None = None
    device: Device = "auto"
    longest_side: int | None = None
    min_face: float = DetectorOptions.least_side
    sound_for: Literal["primary", "all"] = "primary"
    detect_every: int | None = None
    steady_within: float | None = None
    fps: float | None = None
    audio_window_s: float = WINDOW_S
    audio_step_s: float | None = None
    fill_gaps: bool = False
    threads: int | None = None
    start: float | None = None
    end: float | None = None
    audio_track: int | None = None
    video_track: int | None = None
    times: Literal["file", "start"] | None = None

    def __post_init__(self) -> None:
        self._expect_words()
        self._expect_numbers()
        self._expect_files()
        for name in ("fill_gaps", "label_sets", "raw_labels"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.label_sets and self.decision_rule != OPEN:
            raise UsageError(f"label_sets are of the rule open, not of {self.decision_rule}: leave one out")
        if Baseline.parse(self.baseline) is not None and self.person is not None:
            raise UsageError("person and baseline both correct for the person: leave one out")

    def _expect_words(self) -> None:
        _one_of("models", self.models, FAMILIES)
        _one_of("setting", self.setting, tuple(SETTINGS))
        if self.rule is not None:
            _one_of("rule", self.rule, RULES)
        _one_of("device", self.device, DEVICES)
        _one_of("sound_for", self.sound_for, ("primary", "all"))
        if self.times is not None:
            _one_of("times", self.times, ("file", "start"))
        if not isinstance(self.baseline, str):
            raise UsageError(f"baseline must be a word such as first:2, not {self.baseline!r}")

    def _expect_numbers(self) -> None:
        _number("detect_every", self.detect_every, "1 (every frame) or a larger whole number", 1, whole=True)
        _number("steady_within", self.steady_within, "a probability, 0 to 1", 0, 1)
        _number("fps", self.fps, "a number of frames a second", 0, above=True)
        _number("longest_side", self.longest_side, "0 (as it is) or a whole number of pixels", 0, whole=True)
        _number("least_segment", self.least_segment, f"seconds, 0 to {MOST_LEAST_S:g}", 0, MOST_LEAST_S, needed=True)
        _number("min_face", self.min_face, "a number of pixels", 0, needed=True)
        window = f"above 0 and no more than {WINDOW_S:g}"
        _number("audio_window_s", self.audio_window_s, window, 0, WINDOW_S, above=True, needed=True)
        step = f"from {LEAST_STEP_S:g} to the window's {self.audio_window_s:g}"
        _number("audio_step_s", self.audio_step_s, step, LEAST_STEP_S, self.audio_window_s)
        _number("audio_step_s", self.windows.step_s, step, LEAST_STEP_S, self.audio_window_s)
        _number("threads", self.threads, "1 or a larger whole number", 1, whole=True)
        _number("start", self.start, "a number of seconds", 0)
        _number("end", self.end, f"a number of seconds after start, {self.start or 0:g}", self.start or 0, above=True)
        _number("audio_track", self.audio_track, "the number of a track, from 1", 1, whole=True)
        _number("video_track", self.video_track, "the number of a track, from 1", 1, whole=True)

    def _expect_files(self) -> None:
        _paths("own_models", self.own_models)
        for name in ("decision", "person"):
            if not isinstance(getattr(self, name), str | Path | None):
                raise UsageError(f"{name} must be the path of a file, not {getattr(self, name)!r}")

    @property
    def decision_rule(self) -> Rule:
        """The rule in force."""
        return self.rule or IMPLIED[self.models].rule

    @property
    def side(self) -> int:
        """The longest side in force, in pixels; 0 for frames as they are."""
        own = IMPLIED[self.models].longest_side
        chosen = SETTINGS[self.setting].longest_side if self.longest_side is None else self.longest_side
        return own if chosen is None else chosen

    @property
    def precision(self) -> Precision:
        """The precision of the setting."""
        return SETTINGS[self.setting].precision

    @property
    def detector(self) -> DetectorOptions:
        """The options of the detector."""
        return DetectorOptions(longest_side=self.side, least_side=self.min_face)

    @property
    def windows(self) -> Windows:
        """How the sound is cut."""
        step_s = SETTINGS[self.setting].audio_step_s if self.audio_step_s is None else self.audio_step_s
        return Windows(self.audio_window_s, step_s)

    def sampling(self, rate: float) -> SamplingPlan:
        """On which frames of a clip of ``rate`` frames a second the models run."""
        if self.fps is not None:
            every = max(round(rate / self.fps), 1)
            return SamplingPlan(every, ClassifyPlan(every, steady_within=1.0))
        of_setting = SETTINGS[self.setting].sampling
        classify = of_setting.classify
        if self.steady_within is not None:
            classify = ClassifyPlan(None, self.steady_within) if self.steady_within else ClassifyPlan()
        return replace(of_setting, detect_every=self.detect_every or of_setting.detect_every, classify=classify)

    def vocabulary(self) -> Vocabulary:
        """The compounds to choose from; reads the user's file."""
        return read_vocabulary(self.compounds)

    def open_rule(self) -> OpenRule | None:
        """The numbers of the rule ``open``; reads the file. None where another rule is in force. Fusion weights that
        were asked for weigh face and voice, in place of the rule's own weighing.

        Raises:
            UsageError: the file cannot be read as such, or another rule is asked for.
        """
        if self.decision_rule == OPEN:
            rule = read_open() if self.decision is None else read_open(Path(self.decision))
            return rule if self.fusion is None else replace(rule, weighing=None)
        if self.decision is not None:
            raise UsageError(f"decision holds numbers of the rule open, not of {self.decision_rule}: leave one out")
        return None

    def resting(self) -> Baseline | None:
        """When faces are at rest; None where that is not asked for."""
        return Baseline.parse(self.baseline)

    def known_person(self) -> Person | None:
        """The person of other clips; reads the file.

        Raises:
            UsageError: the file cannot be read as such.
        """
        return None if self.person is None else read_person(Path(self.person))

    def smoothing(self) -> Steady | None:
        """How labels are made steady in time; None where each frame is decided for itself."""
        rule = self.open_rule()
        return Steady(rule, self.least_segment) if rule is not None and self.least_segment else None

    def weights(self, audio: ModelCard) -> FusionWeights:
        """The fusion weights in force; the published ones depend on the audio model's classes."""
        choice = self.fusion if self.fusion is not None else IMPLIED[self.models].fusion
        if choice == PUBLISHED.name:
            return PUBLISHED if self.models == "mini" or audio.labels == AUDIO_8 else PUBLISHED_7
        return MEAN if choice == MEAN.name else read_fusion(choice)

    def to_dict(self) -> dict[str, Any]:
        """The choices as they were made, for JSON: ``from_dict`` gives equal options again."""
        return {name: _plain(getattr(self, name)) for name in _names()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Options:
        """The options of such a document; choices that it leaves out are the usual ones.

        Raises:
            UsageError: a name that is no option, or a value that is not one of its choices.
        """
        for name in document:
            if name not in _names():
                raise UsageError(f"{name!r} is no option of an analysis; the options are {', '.join(_names())}")
        values = dict(document)
        if isinstance(values.get("own_models"), list):
            values["own_models"] = tuple(values["own_models"])
        return cls(**values)

    def in_force(self) -> dict[str, Any]:
        """What the choices come to, for the provenance: where none was made, what the setting or family implies."""
        return {
            "models": self.models,
            "own_models": [str(folder) for folder in self.own_models],
            "setting": self.setting,
            "rule": self.decision_rule,
            "baseline": self.baseline,
            "person": None if self.person is None else str(self.person),
            "least_segment": self.least_segment,
            "label_sets": self.label_sets,
            "raw_labels": self.raw_labels,
            "decision": None if self.decision is None else str(self.decision),
            "compounds": str(self.compounds),
            "fusion": None if self.fusion is None else str(self.fusion),
            "device": self.device,
            "longest_side": self.side,
            "precision": self.precision,
            "min_face": self.min_face,
            "sound_for": self.sound_for,
            "detect_every": self.sampling(0.0).detect_every if self.fps is None else None,
            "steady_within": self.sampling(0.0).classify.steady_within if self.fps is None else None,
            "fps": self.fps,
            "audio_window_s": self.windows.length_s,
            "audio_step_s": self.windows.step_s,
            "fill_gaps": self.fill_gaps,
            "threads": self.threads,
            "start": self.start,
            "end": self.end,
            "audio_track": self.audio_track,
            "video_track": self.video_track,
            "times": self.times,
        }


def _names() -> tuple[str, ...]:
    return tuple(one.name for one in fields(Options))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} must be one of {', '.join(known)}, not {value!r}")


def _paths(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, str | Path) for item in value):
        raise UsageError(f"{name} must be a tuple of folders, such as ('runs/static/model',), not {value!r}")


def _number(
    name: str,
    value: object,
    wanted: str,
    low: float,
    high: float = math.inf,
    *,
    whole: bool = False,
    above: bool = False,
    needed: bool = False,
) -> None:
    """Raises UsageError unless ``value`` is a finite number from ``low`` (or ``above`` it) to ``high``; None is fine
    unless it is ``needed``.
    """
    if value is None and not needed:
        return
    kinds = int if whole else int | float
    # A truth value is a number to Python, and never meant as one.
    is_number = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high or (above and value == low):  # type: ignore[operator]
        raise UsageError(f"{name} must be {wanted}, not {value!r}")
