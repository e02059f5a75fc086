"""Mini face models that know faces that speak: last layers fitted anew on pictures and on clips, people left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from avcer.emotion.probabilities import softmax
from avcer.evaluation.statistics import metrics
from avcer.evaluation.tables.speaking import Speaking
from avcer.files import atomic, make_folder
from avcer.labels import BASIC
from avcer.training.finish import rounded
from avcer.training.loop import device
from avcer.training.readout import Layer, Lesson, Settings, fit, lesson_of_clips
from avcer.types import Boolean, Double, Float

FOLDS: Final = 4
"""People of a set are left out in so many groups at most."""
LEFT_OUT: Final = "left-out.json"
NEUTRAL: Final = BASIC.index("Neutral")


@dataclass(frozen=True)
class Watched:
    """A set of clips as a network sees it: ``features (L, D)``, what its last layer gets of each frame."""

    clips: Speaking
    features: Float


@dataclass(frozen=True)
class Material:
    """What a last layer is fitted on: the layer ``before``, lessons of ``pictures``, and ``watched`` sets of clips."""

    before: Layer
    pictures: Sequence[Lesson]
    watched: Sequence[Watched]


@dataclass(frozen=True)
class Row:
    """A set of clips: the mean recall of its emotions and the ECE of the clips' mean probabilities, by layers fitted
    without the people (``people``) and without the set (``corpus``); None where there is one emotion, or no such fit.
    ``other`` is the share of frames of clips labelled Neutral that get another label, people left out.
    """

    corpus: str
    clips: int
    people: int
    uar_before: float | None
    ece_before: float | None
    uar_people: float | None
    ece_people: float | None
    uar_corpus: float | None
    ece_corpus: float | None
    other_before: float | None
    other: float | None


@torch.no_grad()
def before_last(last: nn.Linear, ask: Callable[[Tensor], Any], inputs: Float) -> Float:
    """What the layer ``last`` of a network gets when it is asked about each of ``inputs``."""
    grabbed: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda own, given: grabbed.append(given[0].cpu()))
    for part in torch.split(torch.from_numpy(np.ascontiguousarray(inputs)), 256):
        ask(part.to(device()))
    hook.remove()
    features: Float = torch.cat(grabbed).numpy()
    return features


def folds(speakers: Sequence[str]) -> Iterator[Boolean]:
    """The clips of each group of people: everybody is in one of them."""
    names, numbers = np.unique(np.asarray(speakers), return_inverse=True)
    count = min(FOLDS, len(names))
    for group in range(count):
        yield numbers % count == group


def halves(clips: Speaking) -> tuple[Boolean, Boolean]:
    """The clips of one half of the people and those of the other; a single person is in neither."""
    names, numbers = np.unique(clips.speakers, return_inverse=True)
    if len(names) == 1:
        return np.zeros(len(clips), np.bool_), np.zeros(len(clips), np.bool_)
    return numbers % 2 == 0, numbers % 2 == 1


def lessons(material: Material, settings: Settings, chosen: Sequence[Boolean | None]) -> list[Lesson]:
    """All pictures, and the ``chosen`` clips of each set: None for all; of a set with none chosen nothing."""
    made = list(material.pictures)
    for one, rows in zip(material.watched, chosen, strict=True):
        if settings.weight_of(one.clips) and (rows is None or rows.any()):
            made.append(lesson_of_clips(one.clips, one.features, settings, rows))
    return made


def without_people(material: Material, place: int, settings: Settings) -> Double:
    """Probabilities ``(L, 7)`` of the frames of one set, each by a layer fitted without its person, but with the others
    of the set, and with the other sets.
    """
    own = material.watched[place]
    said = np.zeros((len(own.features), len(BASIC)))
    for group in folds(own.clips.speakers.tolist()):
        chosen: list[Boolean | None] = [None] * len(material.watched)
        chosen[place] = ~group
        crops = group[own.clips.owners]
        layer = fit(lessons(material, settings, chosen), material.before, settings)
        said[crops] = softmax(layer(own.features[crops]))
    return said


def without_corpus(material: Material, place: int, settings: Settings) -> Double:
    """As ``without_people``, by a layer fitted without the set."""
    own = material.watched[place]
    chosen: list[Boolean | None] = [None] * len(material.watched)
    chosen[place] = np.zeros(len(own.clips), np.bool_)
    return softmax(fit(lessons(material, settings, chosen), material.before, settings)(own.features))


def judge(material: Material, settings: Settings) -> list[Row]:
    """How layers fitted by ``settings`` do on people and sets that they have not seen, a row each set of clips."""
    rows = []
    for place, one in enumerate(material.watched):
        before = softmax(material.before(one.features))
        people, corpus = without_people(material, place, settings), without_corpus(material, place, settings)
        rows.append(
            Row(
                one.clips.name,
                len(one.clips),
                len(np.unique(one.clips.speakers)),
                *scores(one.clips, before),
                *scores(one.clips, people),
                *scores(one.clips, corpus),
                other(one.clips, before),
                other(one.clips, people),
            )
        )
    return rows


def scores(clips: Speaking, said: Double) -> tuple[float | None, float | None]:
    """Mean recall and ECE of the clips' mean probabilities; None where all clips show the same."""
    if len(np.unique(clips.labels)) < 2:
        return None, None
    means = clips.means(said)
    return metrics.uar(clips.labels, means.argmax(axis=1)), metrics.ece(clips.labels, means)


def other(clips: Speaking, said: Double) -> float | None:
    """The share of the crops of clips labelled Neutral that get another label; None where there are none."""
    calm = (clips.labels == NEUTRAL)[clips.owners]
    return float(np.mean(said[calm].argmax(axis=1) != NEUTRAL)) if calm.any() else None


def table_text(rows: Sequence[Row]) -> str:
    """The rows as lines of text."""
    heads = ("before", "ECE", "people out", "ECE", "set out", "ECE", "not neutral", "was")
    lines = [f"{'clips':14}{'n':>5}{'people':>8}" + "".join(f"{head:>13}" for head in heads)]
    for row in rows:
        values = (
            row.uar_before, row.ece_before, row.uar_people, row.ece_people, row.uar_corpus, row.ece_corpus, row.other,
            row.other_before,
        )  # fmt: skip
        shown = "".join(f"{'-' if value is None else f'{value:.3f}':>13}" for value in values)
        lines.append(f"{row.corpus:14}{row.clips:>5}{row.people:>8}{shown}")
    return "\n".join(lines)


def write(rows: Sequence[Row], out: Path) -> None:
    """``out/left-out.json``."""
    make_folder(out)
    with atomic(out / LEFT_OUT) as part:
        part.write_text(json.dumps(rounded({"clips": [asdict(row) for row in rows]}), indent=2) + "\n", "utf-8")
