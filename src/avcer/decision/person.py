"""Speaker normalisation: the mean of what the models say of one person is subtracted from what they say of that person.

Faces at rest, mouths in speech and voices differ between people more than between emotions. The mean of a model's
log-probabilities over several clips of a person is what it says of that person whatever they show. Without it, each
model says every emotion alike on average, so the clips should show the emotions about evenly, as those of an acted
corpus do. No label is needed.

Of clips in which the person is known to speak neutrally, one is enough, for the face alone: what the face models say of
it is subtracted, and what they say of a usual face that speaks neutrally is added.

For voices, the audio model's second output is used (``emotion.audio.AudioOutput``), if it has one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from avcer.analysis import Analysis
from avcer.decision.baseline import NO_BASELINE, SPEAKS_NEUTRALLY, Baseline, without
from avcer.decision.likely import logarithms
from avcer.errors import InputError, UsageError
from avcer.files import atomic_text
from avcer.identity import summary
from avcer.labels import BASIC
from avcer.modalities import AUDIO, MODALITIES
from avcer.parsing import json_of
from avcer.types import Double, expect_shape

FILE_FORMAT: Final = "avcer-person"
NEUTRAL: Final = "neutral"
"""What the clips show, in a file of neutral ones."""
VOICES: Final = tuple(one.name for one in MODALITIES if one.speaks_for == "clip")
LEAST_CLIPS: Final = 3
"""With fewer clips that a modality says anything of, what these happen to show would be taken for the person."""
EVEN: Final = np.zeros(len(BASIC))
"""Every emotion alike, in logarithms."""

Said = Mapping[str, Double]
"""What each modality says, by its name: rows ``(N, 7)``; or means of it ``(7,)``."""


@dataclass(frozen=True)
class Person:
    """What the models usually say of one person.

    ``usual``: of each modality that said anything of enough clips, by its name, the mean of its log-probabilities
    ``(7,)``, each clip counting the same. ``clips``: how many there were. ``models``: a digest of the model of each of
    these modalities, by its role. ``neutral``: the person speaks neutrally in these clips; then ``usual`` is of the
    face alone, for neutral clips are no reliable reference for a voice.
    """

    usual: Said
    clips: int
    models: Mapping[str, str]
    neutral: bool = False
    causal = True
    """It is known before a clip begins."""

    def __post_init__(self) -> None:
        for name, one in self.usual.items():
            expect_shape(f"Person.usual of {name}", one, (len(BASIC),))

    @classmethod
    def of(cls, clips: Sequence[Said], models: Mapping[str, str], neutral: bool = False) -> Self:
        """The person whom ``clips`` show, of each of which this is what is ``usual_in`` it.

        Raises:
            InputError: no modality says anything of ``LEAST_CLIPS`` clips; of ``neutral`` ones, no face is in any.
        """
        names = dict.fromkeys(name for one in clips for name in one if not (neutral and name in VOICES))
        means = {name: [one[name] for one in clips if name in one] for name in names}
        most = max(map(len, means.values()), default=0)
        usual = {name: np.mean(one, axis=0) for name, one in means.items() if neutral or len(one) >= LEAST_CLIPS}
        if neutral and not usual:
            raise InputError("no face is in any of these clips; give one in which the person is seen")
        if not usual:
            raise InputError(
                f"too few clips: a face or a voice is in {most} of them; give {LEAST_CLIPS} or more, or a neutral one "
                "with --neutral"
            )
        own = {role: models[role] for role in usual if role in models}
        return cls(usual, most if neutral else len(clips), own, neutral)

    @classmethod
    def of_dict(cls, document: Mapping[str, Any]) -> Self:
        """The person that ``as_dict`` gave."""
        usual = {name: np.array(one, dtype=np.float64) for name, one in document["usual"].items()}
        if not usual or not set(usual) <= {one.name for one in MODALITIES}:
            raise ValueError(f"it has means of {', '.join(usual) or 'nothing'}")
        if not all(np.isfinite(one).all() for one in usual.values()):
            raise ValueError("a mean is not a finite number")
        if (shows := document.get("shows", NEUTRAL)) != NEUTRAL:
            raise ValueError(f"its clips show {shows!r}, not {NEUTRAL!r}")
        if "shows" in document and set(usual) & set(VOICES):
            raise ValueError("a neutral person has means of the face alone")
        models = {role: str(digest) for role, digest in document["models"].items()}
        return cls(usual, int(document["clips"]), models, "shows" in document)

    def as_dict(self) -> dict[str, Any]:
        """For the file."""
        usual = {name: np.round(one, 6).tolist() for name, one in self.usual.items()}
        shows = {"shows": NEUTRAL} if self.neutral else {}
        return {"format": FILE_FORMAT, "clips": self.clips, **shows, "models": dict(self.models), "usual": usual}

    def write(self, path: Path) -> Path:
        """Writes the file that ``read_person`` reads."""
        with atomic_text(path) as file:
            json.dump(self.as_dict(), file, indent=2)
            file.write("\n")
        return path

    def without(self, name: str, values: Double) -> Double:
        """``values (N, 7)`` of the modality of that name without the person's mean, and of a neutral one with a usual
        neutral face instead; each row adds up to 1.
        """
        if name not in self.usual or not len(values):
            return values
        return without(values, self.usual[name], SPEAKS_NEUTRALLY if self.neutral else EVEN)

    @property
    def knows_voice(self) -> bool:
        """Whether the voice is normalised, too."""
        return AUDIO.name in self.usual

    def faces(self, said: Said, times_s: Double, starts_s: float) -> dict[str, Double]:
        """What the face models say of a whole face, without the person's mean."""
        return {name: self.without(name, values) for name, values in said.items()}

    def running(self) -> Callable[[Said, Double, int], dict[str, Double]]:
        """The same for a face whose rows come in parts."""
        return self.faces

    def voice(self, values: Double) -> Double:
        """The audio model's relative answer ``(N, 7)`` where it says anything, without the person's mean."""
        return self.without(AUDIO.name, values)


def usual_in(said: Said) -> Said:
    """The mean of the log-probabilities ``(7,)`` of each modality that says anything in a clip."""
    return {name: logarithms(rows).mean(axis=0) for name, rows in said.items() if len(rows)}


def person_of(analyses: Iterable[Analysis], neutral: bool = False) -> Person:
    """The person who is the primary face of every one of ``analyses``, and whose voice is heard in it; ``neutral``: who
    speaks neutrally in all of them.

    Raises:
        InputError: there are too few, their models differ or are not known, or they were made with ``person`` or
            ``baseline``.
    """
    clips: list[Said] = []
    models: dict[str, str] = {}
    for analysis in analyses:
        clips.append({**usual_in(_said(analysis)), **analysis.usual})
        own = digests(analysis.provenance.models)
        if not own:
            raise InputError(f"{analysis.clip.path}: the result does not say which models made it; analyse it again")
        if models and own != models:
            raise InputError(
                f"{analysis.clip.path}: was analysed with other models than the clips before; use the same"
            )
        models = own
    return Person.of(clips, models, neutral)


def digests(models: Mapping[str, Any]) -> dict[str, str]:
    """A digest of each model that says anything of an emotion, by its role, from their records in a provenance."""
    return {one.name: summary(models[one.name]) for one in MODALITIES if one.name in models}


def _said(analysis: Analysis) -> Said:
    """What the models say of the primary face, and of the sound."""
    options = analysis.provenance.options
    if options.get("person") or options.get("baseline", NO_BASELINE) != NO_BASELINE:
        raise InputError(f"{analysis.clip.path}: was analysed with --person or --baseline; analyse it without")
    said = {name: one.values[one.valid] for name, one in analysis.said.items()}
    face = None if analysis.primary is None else analysis.face(analysis.primary)
    if face is not None:
        said |= {name: one.values[one.valid] for name, one in face.said.items() if name not in said}
    return said


Reference = Baseline | Person
"""What a person's faces and voice are held against."""


def read_person(path: Path) -> Person:
    """The person in a file that ``avcer person`` wrote.

    Raises:
        UsageError: no such file, or another kind of file.
    """
    try:
        document = json_of(path.read_text(encoding="utf-8"))
        if document["format"] != FILE_FORMAT:
            raise ValueError(f"its format is {document['format']!r}, not {FILE_FORMAT!r}")
        return Person.of_dict(document)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such person file; write one with avcer person") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError(f"{path}: is not a person file ({error}); write one with avcer person") from error
