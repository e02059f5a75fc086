"""Late fusion: a weighted sum of three models' probabilities, emotion by emotion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from avcer.decision.align import held_rows, hold_last
from avcer.errors import UsageError
from avcer.labels import BASIC
from avcer.types import MODALITIES, Double, EmotionProbabilities, expect_shape

FILE_FORMAT: Final = "avcer-fusion"


@dataclass(frozen=True)
class FusionWeights:
    """``values (3, 7)``: rows in the order of ``MODALITIES``, columns (adding up to 1) in the order of ``BASIC``."""

    name: str
    values: Double

    def __post_init__(self) -> None:
        expect_shape("FusionWeights.values", self.values, (len(MODALITIES), len(BASIC)))


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

MEAN: Final = _weights("mean", [[1 / 3] * len(BASIC)] * len(MODALITIES))
"""No weights: the plain mean."""

BUILT_IN: Final = {weights.name: weights for weights in (PUBLISHED, MEAN)}


@dataclass(frozen=True)
class Fused:
    """``probabilities``: the weighted sums. ``contributions (T, 3, 7)``: what each modality added; they sum to them."""

    probabilities: EmotionProbabilities
    contributions: Double


def fuse(
    static: EmotionProbabilities, dynamic: EmotionProbabilities, audio: EmotionProbabilities, weights: FusionWeights
) -> Fused:
    """The weighted sum of three models on one clock, each ``(T, 7)``.

    Where a model is not valid, the weights of the others are divided by their own sum, emotion by emotion, so that
    missing is not zero; where all are valid the weights are used as they are. A frame with nothing valid is not valid.
    """
    parts = (static, dynamic, audio)
    present = np.stack([part.valid for part in parts], axis=1)[:, :, np.newaxis]  # (T, 3, 1)
    values = np.stack([part.values for part in parts], axis=1)  # (T, 3, 7)
    used = np.where(present, weights.values, 0.0)
    total = used.sum(axis=1, keepdims=True)
    scale = weights.values.sum(axis=0) / np.where(total > 0, total, np.inf)
    contributions = used * scale * np.where(present, values, 0.0)
    valid = static.valid | dynamic.valid | audio.valid
    return Fused(EmotionProbabilities(static.times_s, contributions.sum(axis=1), valid, "fused"), contributions)


def hold_gaps(fused: Fused) -> Fused:
    """Gaps filled as ``align.hold_last`` does, sums and contributions alike."""
    if not fused.probabilities.valid.any():
        return fused
    rows = held_rows(fused.probabilities.valid)
    return Fused(hold_last(fused.probabilities), fused.contributions[rows])


def read_fusion(choice: str | Path) -> FusionWeights:
    """Built-in weights by name, or the user's own from a JSON file.

    The file is ``{"format": "avcer-fusion", "name": ..., "weights": {"static": [7 numbers], "dynamic": [...],
    "audio": [...]}}``, in the order of ``labels.BASIC``.

    Raises:
        UsageError: unknown name, unreadable file, or weights that are negative or all zero for an emotion.
    """
    if str(choice) in BUILT_IN:
        return BUILT_IN[str(choice)]
    path = Path(choice)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FILE_FORMAT:
            raise ValueError(f"its format is {document['format']!r}, not {FILE_FORMAT!r}")
        values = np.array([document["weights"][modality] for modality in MODALITIES], dtype=np.float64)
        weights = FusionWeights(str(document.get("name", path.stem)), values)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such fusion file; give {', '.join(BUILT_IN)}, or a fusion JSON file") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: cannot be read as fusion weights ({error})") from error
    if not np.isfinite(values).all() or (values < 0).any() or (values.sum(axis=0) <= 0).any():
        raise UsageError(f"{path}: weights must be at least 0, and not all 0 for any emotion")
    return weights


def write_fusion(weights: FusionWeights, path: Path) -> None:
    """Writes weights in the form that ``read_fusion`` reads."""
    rows = dict(zip(MODALITIES, weights.values.tolist(), strict=True))
    document = {"format": FILE_FORMAT, "name": weights.name, "labels": list(BASIC), "weights": rows}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
