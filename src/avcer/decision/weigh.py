"""Face and voice weighed by what each can know: a face that speaks looks otherwise than one that was photographed.

In speech the lips are busy: whatever is felt, a face may look neutral, or its open mouth surprised. So what the face
models see is taken for evidence of what is shown, by four shares that people who were not seen before taught
(``training.weighing``), and the voice for evidence beside it. Evidence multiplies: a modality that does not know has
all labels alike and changes nothing; where face and voice speak against each other, no label is likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from avcer.decision.fuse import FusionWeights, pool
from avcer.decision.likely import LABELS, LEAST, PAIRS
from avcer.labels import BASIC
from avcer.types import Boolean, Double

NEUTRAL, SURPRISE = BASIC.index("Neutral"), BASIC.index("Surprise")
_FIRST, _SECOND = (np.array(side) for side in zip(*PAIRS, strict=True))
_WITH_SURPRISE: Final = {first: len(BASIC) + place for place, (first, second) in enumerate(PAIRS) if second == SURPRISE}
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
        for emotion, pair in _WITH_SURPRISE.items():
            opened[:, emotion] = (evidence[:, SURPRISE] + evidence[:, pair]) / 2
        of_any = (evidence @ usual)[:, np.newaxis]
        result: Double = (
            self.as_is * evidence + self.neutral * evidence[:, [NEUTRAL]] + self.opened * opened + self.any * of_any
        )
        return result


@dataclass(frozen=True)
class Weighing:
    """``kinds (3,)``: how often neutral, one emotion and a blend are shown, before anything is seen or heard.
    ``speaking``: how faces look while somebody is heard.
    """

    kinds: tuple[float, float, float]
    speaking: Speaking

    @classmethod
    def of_dict(cls, document: dict[str, Any]) -> Weighing:
        """The weighing that ``as_dict`` gave."""
        neutral, single, blend = document["kinds"]
        return cls((neutral, single, blend), Speaking(**document["speaking"]))

    def as_dict(self) -> dict[str, Any]:
        """The numbers, for their file."""
        return {"kinds": list(self.kinds), "speaking": dict(vars(self.speaking))}

    @property
    def usual(self) -> Double:
        """``(22,)``: how often each label is shown; emotions, and pairs, alike."""
        neutral, single, blend = self.kinds
        six, pairs = len(BASIC) - 1, len(PAIRS)
        return np.array([neutral, *[single / six] * six, *[blend / pairs] * pairs])

    def likely(self, seen: Double, voices: Double) -> Double:
        """``(T, 22)``, adding up to 1: how likely each label is of faces that speak, or of voices without a face.

        Args:
            seen: ``(T, 22)``, what a face in silence would be that looks like this; ``usual`` where there is none.
            voices: ``(T, 7)``, what is heard, adding up to 1.
        """
        return _share(self.usual * self.speaking.labels(seen / self.usual, self.usual) * heard(voices))


def heard(voices: Double) -> Double:
    """The evidence ``(T, 22)`` of voices ``(T, 7)``: a voice has one emotion, and of a pair either."""
    return np.column_stack([voices, (voices[:, _FIRST] + voices[:, _SECOND]) / 2])


@dataclass(frozen=True)
class Weighed:
    """``fused (T, 7)`` and ``contributions (T, M, 7)`` as ``fuse.pool`` gives them; ``own (T, M, 7)``: what each
    modality says by itself, as it counts; ``faces``, ``voices (T, 7)``: what all faces' modalities say together, before
    that, and all the clip's, 0 where none is ``seen`` or ``heard (T,)``.
    """

    fused: Double
    contributions: Double
    own: Double
    faces: Double
    voices: Double
    seen: Boolean
    heard: Boolean


def weigh(values: Double, present: Boolean, weights: FusionWeights, weighing: Weighing) -> Weighed:
    """What the modalities say ``(T, M, 7)`` where they are ``present (T, M)``, as one.

    The faces' are pooled by ``weights``, as are those of the clip; where both are there, evidence multiplies.
    """
    of_clip = np.array([one.speaks_for == "clip" for one in weights.modalities])
    seen, speaking = (present & part for part in (~of_clip, of_clip))
    faces, _ = pool(values, seen, weights)
    voices, _ = pool(values, speaking, weights)
    both = seen.any(axis=1) & speaking.any(axis=1)
    own = values.copy()
    for place in np.flatnonzero(~of_clip):
        rows = both & present[:, place]
        own[rows, place] = weighing.speaking.emotions(_share(values[rows, place]))
    fused, contributions = pool(values, present, weights)
    evidence = np.maximum(_share(voices[both]), LEAST)
    fused[both] = _share(weighing.speaking.emotions(_share(faces[both])) * evidence)
    # A product has no summands: each modality is given its share of what they say of the emotion.
    parts = np.where(present[both, :, np.newaxis], own[both] * weights.values, 0.0)
    contributions[both] = fused[both, np.newaxis] * parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)
    return Weighed(fused, contributions, own, faces, voices, seen.any(axis=1), speaking.any(axis=1))


def _share(values: Double) -> Double:
    total = values.sum(axis=-1, keepdims=True)
    shares: Double = np.where(total > 0, values / np.where(total > 0, total, 1.0), 1 / values.shape[-1])
    return shares
