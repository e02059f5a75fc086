"""What the models usually say of one person, taken off what they say of the same person: speaker normalisation.

Faces at rest, mouths in speech and voices differ between people more than between emotions. The mean of a model's
log-probabilities over several clips of a person is what it says of that person whatever they show. Without it, each
model says every emotion alike on average, so the clips should show the emotions about evenly, as those of an acted
corpus do. No label is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from avcer.analysis import Analysis
from avcer.decision.baseline import NO_BASELINE, Baseline
from avcer.decision.likely import logarithms
from avcer.emotion.probabilities import softmax
from avcer.errors import InputError, UsageError
from avcer.files import atomic_text
from avcer.labels import BASIC
from avcer.modalities import AUDIO
from avcer.parsing import json_of
from avcer.types import Double, expect_shape

FILE_FORMAT: Final = "avcer-person"
LEAST_CLIPS: Final = 3
"""With fewer clips, what they happen to show is taken for the person."""

Said = Mapping[str, Double]
"""What each modality says, by its name: rows ``(N, 7)``; or means of it ``(7,)``."""


@dataclass(frozen=True)
class Person:
    """What the models usually say of one person.

    ``usual``: of each modality that said anything, by its name, the mean of its log-probabilities ``(7,)``, each clip
    counting the same. ``clips``: how many there were. ``models``: the SHA-256 of each model's graph, by its role.
    """

    usual: Said
    clips: int
    models: Mapping[str, str]
    causal = True
    """It is known before a clip begins."""

    def __post_init__(self) -> None:
        for name, one in self.usual.items():
            expect_shape(f"Person.usual of {name}", one, (len(BASIC),))

    @classmethod
    def of(cls, clips: Sequence[Said], models: Mapping[str, str]) -> Self:
        """The person whom ``clips`` show, of each of which this is what is ``usual_in`` it.

        Raises:
            InputError: there are fewer than ``LEAST_CLIPS`` clips.
        """
        if len(clips) < LEAST_CLIPS:
            raise InputError(f"{len(clips)} clips are too few to know a person by; give {LEAST_CLIPS} or more")
        names = dict.fromkeys(name for one in clips for name in one)
        usual = {name: np.mean([one[name] for one in clips if name in one], axis=0) for name in names}
        return cls(usual, len(clips), dict(models))

    @classmethod
    def of_dict(cls, document: Mapping[str, Any]) -> Self:
        """The person that ``as_dict`` gave."""
        usual = {name: np.array(one, dtype=np.float64) for name, one in document["usual"].items()}
        if not all(np.isfinite(one).all() for one in usual.values()):
            raise ValueError("a mean is no number")
        return cls(usual, int(document["clips"]), dict(document["models"]))

    def as_dict(self) -> dict[str, Any]:
        """For the file."""
        usual = {name: np.round(one, 6).tolist() for name, one in self.usual.items()}
        return {"format": FILE_FORMAT, "clips": self.clips, "models": dict(self.models), "usual": usual}

    def write(self, path: Path) -> Path:
        """Writes the file that ``read_person`` reads."""
        with atomic_text(path) as file:
            json.dump(self.as_dict(), file, indent=2)
            file.write("\n")
        return path

    def without(self, name: str, values: Double) -> Double:
        """``values (N, 7)`` of the modality of that name, with what is usual taken off; each row adds up to 1."""
        return softmax(logarithms(values) - self.usual[name]) if name in self.usual and len(values) else values

    def faces(self, said: Said, times_s: Double, starts_s: float) -> dict[str, Double]:
        """What the face models say of a whole face, with what is usual taken off."""
        return {name: self.without(name, values) for name, values in said.items()}

    def running(self) -> Callable[[Said, Double, int], dict[str, Double]]:
        """The same for a face whose rows come in parts."""
        return self.faces

    def voice(self, values: Double) -> Double:
        """What the audio model says ``(N, 7)`` where it says anything, with what is usual taken off."""
        return self.without(AUDIO.name, values)


def usual_in(said: Said) -> Said:
    """The mean of the log-probabilities ``(7,)`` of each modality that says anything in a clip."""
    return {name: logarithms(rows).mean(axis=0) for name, rows in said.items() if len(rows)}


def person_of(analyses: Iterable[Analysis]) -> Person:
    """The person who is the primary face of every one of ``analyses``, and whose voice is heard in it.

    Raises:
        InputError: there are too few, their models differ, or something was taken off what the models said.
    """
    clips: list[Said] = []
    models: dict[str, str] = {}
    for analysis in analyses:
        clips.append(usual_in(_said(analysis)))
        own = {role: str(one.get("sha256")) for role, one in analysis.provenance.models.items()}
        if models and own != models:
            raise InputError(
                f"{analysis.clip.path}: was analysed with other models than the clips before; use the same"
            )
        models = own
    return Person.of(clips, models)


def _said(analysis: Analysis) -> Said:
    """What the models say of the primary face, and of the sound."""
    options = analysis.provenance.options
    if options.get("person") or options.get("baseline", NO_BASELINE) != NO_BASELINE:
        raise InputError(f"{analysis.clip.path}: was analysed with --person or --baseline; analyse it without")
    heard = analysis.said[AUDIO.name]
    said = {AUDIO.name: heard.values[heard.valid]}
    face = None if analysis.primary is None else analysis.face(analysis.primary)
    if face is not None:
        said |= {name: one.values[one.valid] for name, one in face.said.items() if name != AUDIO.name}
    return said


Reference = Baseline | Person
"""What a person's faces and voice are held against."""


def read_person(path: Path) -> Person:
    """The person in a file that ``avcer person`` wrote.

    Raises:
        UsageError: no such file, or another kind of file.
    """
    try:
        status = path.stat()
        return _read_person(path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file of a person; write one with avcer person") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError(f"{path}: is no file of a person ({error}); write one with avcer person") from error


@cache
def _read_person(path: Path, size: int, modified_ns: int) -> Person:
    """Read once, and again when the file has changed."""
    document = json_of(path.read_text(encoding="utf-8"))
    if document["format"] != FILE_FORMAT:
        raise ValueError(f"its format is {document['format']!r}, not {FILE_FORMAT!r}")
    return Person.of_dict(document)
