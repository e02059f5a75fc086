"""Late fusion: the modalities' probabilities pooled by weights, emotion by emotion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from avcer.decision.align import held_rows, hold_last, nothing
from avcer.errors import UsageError
from avcer.labels import BASIC
from avcer.modalities import MODALITIES, SOURCE_WORK, Modality
from avcer.models.store import MINI
from avcer.parsing import json_of
from avcer.types import FUSED, Double, EmotionProbabilities, expect_shape

FILE_FORMAT: Final = "avcer-fusion"
Pooling = Literal["linear", "log-linear"]
"""``linear``: the weighted sum, as the source work. ``log-linear``: the product of powers, made to add up to 1."""
LEAST: Final = 1e-4
"""Log-linear pooling takes smaller probabilities for this one, so that no model alone can rule an emotion out."""
_USUAL: Final = tuple(modality.name for modality in SOURCE_WORK)


@dataclass(frozen=True)
class FusionWeights:
    """``values (M, 7)``: a row for each of ``modalities``, columns (adding up to 1) in the order of ``BASIC``.

    ``bias (7,)`` is added to the logarithms of log-linear pooling; None is zeros.
    """

    name: str
    values: Double
    pooling: Pooling = "linear"
    bias: Double | None = None
    modalities: tuple[Modality, ...] = SOURCE_WORK

    def __post_init__(self) -> None:
        expect_shape("FusionWeights.values", self.values, (len(self.modalities), len(BASIC)))
        if self.bias is not None:
            expect_shape("FusionWeights.bias", self.bias, (len(BASIC),))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the modalities, in the order of the rows."""
        return tuple(modality.name for modality in self.modalities)

    @classmethod
    def of_dict(cls, document: dict[str, Any], known: Sequence[Modality] = MODALITIES) -> FusionWeights:
        """The weights that ``as_dict`` gave; ``known`` are the modalities that they may speak of."""
        bias = np.array(document["bias"], dtype=np.float64) if "bias" in document else None
        rows = {modality.name: modality for modality in known}
        asked = tuple(rows[name] for name in document.get("modalities", _USUAL))
        return cls(document["name"], np.array(document["weights"]), document.get("pooling", "linear"), bias, asked)

    def as_dict(self) -> dict[str, Any]:
        """The weights for the provenance; all but name and weights only where they are not the usual ones."""
        document: dict[str, Any] = {"name": self.name, "weights": self.values.tolist()}
        document |= {"modalities": list(self.names)} if self.names != _USUAL else {}
        document |= {"pooling": self.pooling} if self.pooling != "linear" else {}
        return document | ({"bias": self.bias.tolist()} if self.bias is not None else {})


def _weights(name: str, rows: list[list[float]]) -> FusionWeights:
    return FusionWeights(name, np.array(rows))


PUBLISHED: Final = _weights(
    "published",
    [
        [0.89900098, 0.10362151, 0.08577635, 0.04428126, 0.89679865, 0.02656456, 0.63040305],
        [0.01223291, 0.21364307, 0.66688002, 0.93791526, 0.03989640, 0.48670648, 0.22089692],
        [0.08876611, 0.68273542, 0.24734363, 0.01780348, 0.06330495, 0.48672896, 0.14870002],
    ],
)
"""The published weights, found with the 8-class audio model (released code of AVCER)."""

PUBLISHED_7: Final = _weights(
    "published-7",
    [
        [0.85806901, 0.25795780, 0.25795780, 0.72010502, 0.62082661, 0.06281922, 0.70875895],
        [0.11491265, 0.46222294, 0.62411413, 0.16716238, 0.31962795, 0.16603196, 0.24433032],
        [0.02701833, 0.27981925, 0.17148297, 0.11273260, 0.05954545, 0.77114883, 0.04691073],
    ],
)
"""The published weights for the 7-class variant of the audio model, as released: Disgust adds up to 1.05, not 1."""

MEAN: Final = FusionWeights("mean", np.full((len(MODALITIES), len(BASIC)), 1 / len(MODALITIES)), modalities=MODALITIES)
"""No weights: the plain mean of all modalities."""

BUILT_IN: Final = {weights.name: weights for weights in (PUBLISHED, MEAN)}

MINI_NAME: Final = "mini"
MINI_FILE: Final = MINI / "fusion.json"
"""Shipped with the mini models, written by ``avcer train fusion``."""

CHOICES: Final = (*BUILT_IN, MINI_NAME)
"""The words of ``--fusion``."""


@dataclass(frozen=True)
class Fused:
    """``probabilities``: the fused values. ``contributions (T, M, 7)``: what each modality added; they sum to them."""

    probabilities: EmotionProbabilities
    contributions: Double


def fuse(said: Mapping[str, EmotionProbabilities], weights: FusionWeights) -> Fused:
    """What the modalities say on one clock, each ``(T, 7)`` by its name, as one. A frame with nothing valid is not
    valid; a modality of the weights that is not in ``said`` is nowhere valid.
    """
    times_s = next(iter(said.values())).times_s
    values, present = stacked(said, weights)
    sums, contributions = pool(values, present, weights)
    return Fused(EmotionProbabilities(times_s, sums, np.any(present, axis=1), FUSED), contributions)


def stacked(said: Mapping[str, EmotionProbabilities], weights: FusionWeights) -> tuple[Double, NDArray[np.bool_]]:
    """What the modalities of the weights say on one clock: ``(T, M, 7)``, and where each is valid, ``(T, M)``."""
    silent = nothing(next(iter(said.values())).times_s, "")
    parts = [said.get(name, silent) for name in weights.names]
    return np.stack([part.values for part in parts], axis=1), np.stack([part.valid for part in parts], axis=1)


def active(said: Mapping[str, EmotionProbabilities], weights: FusionWeights) -> Double:
    """The activity ``(T, M)`` of what the modalities of the weights say on one clock; NaN where it is not known."""
    silent = nothing(next(iter(said.values())).times_s, "")
    return np.stack([said.get(name, silent).activity for name in weights.names], axis=1)


def pool(values: Double, present: NDArray[np.bool_], weights: FusionWeights) -> tuple[Double, Double]:
    """``values (T, M, 7)``, of which those ``present (T, M)`` count -> fused ``(T, 7)``, and what each modality gave to
    it, ``(T, M, 7)``; 0 where nothing is present.

    Where a modality is not present, the weights of the others are divided by their own sum, emotion by emotion, so that
    missing is not zero; where all are, the weights are used as they are.
    """
    there = present[:, :, np.newaxis]
    # Those that are there count alike for an emotion of which all the weight lies with those that are not.
    alone = np.where(there, weights.values, 0.0).sum(axis=1, keepdims=True) <= 0
    used = np.where(there, np.where(alone, 1.0, weights.values), 0.0)
    total = used.sum(axis=1, keepdims=True)
    used = used * (weights.values.sum(axis=0) / np.where(total > 0, total, np.inf))
    if weights.pooling == "linear":
        contributions = used * np.where(there, values, 0.0)
        return contributions.sum(axis=1), contributions
    powers = np.exp(
        (used * np.log(np.maximum(values, LEAST))).sum(axis=1) + (0.0 if weights.bias is None else weights.bias)
    )
    fused = np.where(present.any(axis=1, keepdims=True), powers / powers.sum(axis=1, keepdims=True), 0.0)
    # A product has no summands: each model is given its share of the weight.
    return fused, fused[:, np.newaxis] * used / np.maximum(used.sum(axis=1, keepdims=True), 1e-12)


def hold_gaps(fused: Fused) -> Fused:
    """Gaps filled as ``align.hold_last`` does, sums and contributions alike."""
    if not fused.probabilities.valid.any():
        return fused
    rows = held_rows(fused.probabilities.valid)
    return Fused(hold_last(fused.probabilities), fused.contributions[rows])


def read_fusion(choice: str | Path, known: Sequence[Modality] = MODALITIES) -> FusionWeights:
    """Built-in weights by name (``mini``: those shipped with the mini models), or the user's own from a JSON file.

    The file is ``{"format": "avcer-fusion", "name": ..., "weights": {"static": [7 numbers], "dynamic": [...],
    "audio": [...]}}``, in the order of ``labels.BASIC``, with a row for each of these three; optionally
    rows of others that are ``known``, ``"pooling": "log-linear"`` and ``"bias": [7]``.

    Raises:
        UsageError: unknown name, unreadable file, or weights that are negative or all zero for an emotion.
    """
    if str(choice) in BUILT_IN:
        return BUILT_IN[str(choice)]
    path = MINI_FILE if str(choice) == MINI_NAME else Path(choice)
    try:
        document = json_of(path.read_text(encoding="utf-8"))
        weights = _parsed(document, path.stem, tuple(known))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such fusion file; give {', '.join(CHOICES)}, or a fusion file") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: cannot be read as fusion weights ({error})") from error
    values = weights.values
    if not np.isfinite(values).all() or (values < 0).any() or (values.sum(axis=0) <= 0).any():
        raise UsageError(f"{path}: weights must be at least 0, and not all 0 for any emotion")
    return weights


def _parsed(document: dict[str, Any], name: str, known: tuple[Modality, ...]) -> FusionWeights:
    if document["format"] != FILE_FORMAT:
        raise ValueError(f"its format is {document['format']!r}, not {FILE_FORMAT!r}")
    pooling = document.get("pooling", "linear")
    if pooling not in get_args(Pooling):
        raise ValueError(f"its pooling is {pooling!r}, not one of {', '.join(get_args(Pooling))}")
    strange = sorted(set(document["weights"]) - {modality.name for modality in known})
    if strange:
        raise ValueError(f"it weighs {strange[0]!r}; the modalities are {', '.join(each.name for each in known)}")
    asked = tuple(one for one in known if one in SOURCE_WORK or one.name in document["weights"])
    values = np.array([document["weights"][modality.name] for modality in asked], dtype=np.float64)
    bias = np.array(document["bias"], dtype=np.float64) if "bias" in document else None
    return FusionWeights(str(document.get("name", name)), values, pooling, bias, asked)


def write_fusion(weights: FusionWeights, path: Path, about: dict[str, Any] | None = None) -> None:
    """Writes weights in the form that ``read_fusion`` reads; ``about``, for people, says where they come from."""
    rows = dict(zip(weights.names, weights.values.tolist(), strict=True))
    document = {"format": FILE_FORMAT, "labels": list(BASIC), **weights.as_dict(), "weights": rows}
    document |= {"about": about} if about else {}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
