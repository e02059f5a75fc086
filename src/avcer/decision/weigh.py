"""Face and voice weighed by what each can know: a face that speaks looks otherwise than one that was photographed.

In speech the lips are busy: whatever is felt, a face may look neutral, or its open mouth surprised. So what the face
models see is taken for evidence of what is shown, by four shares that people who were not seen before taught
(``training.weighing``), and the voice for evidence beside it. Evidence multiplies: a modality that does not know has
all labels alike and changes nothing; where face and voice speak against each other, no label is likely.

This applies to the degree that the sound is speech and the mouth moves (``Cues``); otherwise the face counts as
silent and the voice as another person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from avcer.decision.fuse import FusionWeights, pool
from avcer.decision.likely import LABELS, LEAST, PAIRS
from avcer.labels import BASIC
from avcer.types import Boolean, Double

NEUTRAL, SURPRISE = BASIC.index("Neutral"), BASIC.index("Surprise")
_FIRST, _SECOND = (np.array(side) for side in zip(*PAIRS, strict=True))
WITH_SURPRISE: Final = {first: len(BASIC) + place for place, (first, second) in enumerate(PAIRS) if second == SURPRISE}
"""Each emotion's pair with Surprise, by its place among the 22 labels."""


@dataclass(frozen=True)
class Speaking:
    """How often a face that speaks looks as it would in silence (``as_is``), ``neutral``, with the mouth ``opened`` as
    in surprise, or like ``any`` other; shares that add up to 1.
    """

    as_is: float
    neutral: float
    opened: float
    any: float

    def emotions(self, seen: Double) -> Double:
        """What the seven probabilities that a model sees ``(T, 7)`` say of each emotion that may be shown: ``(T, 7)``,
        adding up to 1.
        """
        evidence = self.as_is * seen + self.neutral * seen[:, [NEUTRAL]] + self.opened * seen[:, [SURPRISE]]
        return _share(evidence + self.any / len(BASIC))

    def labels(self, evidence: Double, usual: Double) -> Double:
        """The same of the 22 labels: ``evidence (T, 22)`` for what the face looks like, where ``usual (22,)`` is how
        often each label is shown. An opened mouth makes an emotion its pair with Surprise, half of the time.
        """
        opened = np.repeat(evidence[:, [SURPRISE]], LABELS, axis=1)
        for emotion, pair in WITH_SURPRISE.items():
            opened[:, emotion] = (evidence[:, SURPRISE] + evidence[:, pair]) / 2
        of_any = (evidence @ usual)[:, np.newaxis]
        result: Double = (
            self.as_is * evidence + self.neutral * evidence[:, [NEUTRAL]] + self.opened * opened + self.any * of_any
        )
        return result


@dataclass(frozen=True)
class Cues:
    """From how much a mouth moves to how likely it speaks: even odds at ``middle``, and the odds rise with the power
    ``steepness`` of the movement. From how likely a window of sound holds speech to how far it counts as speech: the
    odds to the power ``sharpness``.
    """

    middle: float
    steepness: float
    sharpness: float = 1.0

    def speaks(self, mouth: Double) -> Double:
        """The chance ``(T,)`` that a mouth speaks that moves so much ``(T,)``; 1 where that is not known."""
        odds = (np.maximum(np.nan_to_num(mouth), 1e-6) / self.middle) ** self.steepness
        return np.where(np.isnan(mouth), 1.0, odds / (1 + odds))

    def is_speech(self, sound: Double) -> Double:
        """How far a sound counts as speech ``(T,)`` that is so likely speech ``(T,)``; 1 where that is not known."""
        known = np.clip(np.nan_to_num(sound), 0.0, 1.0)
        odds_for, odds_against = known**self.sharpness, (1 - known) ** self.sharpness
        return np.where(np.isnan(sound), 1.0, odds_for / (odds_for + odds_against))


@dataclass(frozen=True)
class Weighing:
    """``kinds (3,)``: how often neutral, one emotion and a blend are shown, before anything is seen or heard.
    ``speaking``: how faces look while they speak. ``cues``: how that is told; None in files of before, where any face
    speaks while somebody is heard.
    """

    NAME: ClassVar[str] = "the rule's own weighing of face and voice"

    kinds: tuple[float, float, float]
    speaking: Speaking
    cues: Cues | None = None

    @classmethod
    def of_dict(cls, document: dict[str, Any]) -> Weighing:
        """The weighing that ``as_dict`` gave."""
        neutral, single, blend = document["kinds"]
        cues = Cues(**document["cues"]) if document.get("cues") else None
        return cls((neutral, single, blend), Speaking(**document["speaking"]), cues)

    def as_dict(self) -> dict[str, Any]:
        """The numbers, for their file."""
        cues = {} if self.cues is None else {"cues": dict(vars(self.cues))}
        return {"kinds": list(self.kinds), "speaking": dict(vars(self.speaking))} | cues

    def is_speech(self, sound: Double) -> Double:
        """How far a sound counts as speech ``(T,)``, by its activity ``(T,)``; 1 where that is not known."""
        return np.ones(len(sound)) if self.cues is None else self.cues.is_speech(sound)

    def speaks(self, mouth: Double) -> Double:
        """The chance ``(T,)`` that a face speaks while somebody does, by how much its mouth moves ``(T,)``."""
        return np.ones(len(mouth)) if self.cues is None else self.cues.speaks(mouth)

    @property
    def usual(self) -> Double:
        """``(22,)``: how often each label is shown; emotions, and pairs, alike."""
        neutral, single, blend = self.kinds
        six, pairs = len(BASIC) - 1, len(PAIRS)
        return np.array([neutral, *[single / six] * six, *[blend / pairs] * pairs])

    def likely(self, seen: Double, voices: Double, speaks: Double) -> Double:
        """``(T, 22)``, adding up to 1: how likely each label is of faces that speak, or of voices without a face.

        Args:
            seen: ``(T, 22)``, what a face in silence would be that looks like this; ``usual`` where there is none.
            voices: ``(T, 7)``, what is heard, adding up to 1.
            speaks: ``(T,)``, the chance that the face speaks, and that the voice is its own.
        """
        told = _share(self.usual * self.speaking.labels(seen / self.usual, self.usual) * heard(voices))
        return _between(seen, told, speaks)


def heard(voices: Double) -> Double:
    """The evidence ``(T, 22)`` of voices ``(T, 7)``: a voice has one emotion, and of a pair either."""
    return np.column_stack([voices, (voices[:, _FIRST] + voices[:, _SECOND]) / 2])


@dataclass(frozen=True)
class Weighed:
    """``fused (T, 7)`` and ``contributions (T, M, 7)`` as ``fuse.pool`` gives them; ``own (T, M, 7)``: what each
    modality says by itself, as it counts; ``faces``, ``voices (T, 7)``: what all faces' modalities say together, before
    that, and all the clip's, as far as they are speech, 0 where none is ``seen`` or ``heard (T,)``; ``speaks (T,)``:
    the chance that the face speaks, 0 where none is seen or nobody heard.
    """

    fused: Double
    contributions: Double
    own: Double
    faces: Double
    voices: Double
    seen: Boolean
    heard: Boolean
    speaks: Double


def weigh(
    values: Double, present: Boolean, weights: FusionWeights, weighing: Weighing, activity: Double | None = None
) -> Weighed:
    """What the modalities say ``(T, M, 7)`` where they are ``present (T, M)``, as one.

    The faces' are pooled by ``weights``, as are those of the clip; where both are there, evidence multiplies, as far as
    the face speaks: see ``EmotionProbabilities.activity (T, M)``, None where nothing is known of it.
    """
    of_clip = np.array([one.speaks_for == "clip" for one in weights.modalities])
    seen, speaking = (present & part for part in (~of_clip, of_clip))
    known = np.full(present.shape, np.nan) if activity is None else np.where(present, activity, np.nan)
    both = seen.any(axis=1) & speaking.any(axis=1)
    speech = weighing.is_speech(_first(known[:, of_clip]))
    speaks = np.where(both, speech * weighing.speaks(_first(known[:, ~of_clip])), 0.0)
    own = values.copy()
    own[:, of_clip] = _between(np.full(own[:, of_clip].shape, 1 / len(BASIC)), own[:, of_clip], speech)
    own[~present] = values[~present]
    faces, _ = pool(values, seen, weights)
    voices, _ = pool(own, speaking, weights)
    fused, contributions = pool(own, present, weights)
    for place in np.flatnonzero(~of_clip):
        rows = both & present[:, place]
        alone = _share(values[rows, place])
        own[rows, place] = _between(alone, weighing.speaking.emotions(alone), speaks[rows])
    alone, heard_too = _share(faces[both]), pool(values, speaking, weights)[0][both]
    told = _share(weighing.speaking.emotions(alone) * np.maximum(_share(heard_too), LEAST))
    fused[both] = _between(alone, told, speaks[both])
    # A product has no summands: each modality is given its share of what they say of the emotion.
    counts = np.where(of_clip, speaks[both, np.newaxis], 1.0)[:, :, np.newaxis]
    parts = np.where(present[both, :, np.newaxis], own[both] * weights.values * counts, 0.0)
    contributions[both] = fused[both, np.newaxis] * parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)
    return Weighed(fused, contributions, own, faces, voices, seen.any(axis=1), speaking.any(axis=1), speaks)


def _first(values: Double) -> Double:
    """``(T, K)`` -> ``(T,)``: the first that is known; NaN where none is."""
    found = np.full(len(values), np.nan)
    for column in values.T[::-1]:
        found = np.where(np.isnan(column), found, column)
    return found


def _between(less: Double, more: Double, share: Double) -> Double:
    """``more`` as far as ``share (T,)``, ``less`` for the rest."""
    part = share.reshape(-1, *[1] * (more.ndim - 1))
    result: Double = (1 - part) * less + part * more
    return result


def _share(values: Double) -> Double:
    total = values.sum(axis=-1, keepdims=True)
    shares: Double = np.where(total > 0, values / np.where(total > 0, total, 1.0), 1 / values.shape[-1])
    return shares
