"""Tables of labelled face pictures, and the scores of a static model on them.

Two kinds of table are known by their columns: FER+ (the votes of ten annotators; Barsoum et al., ICMI 2016) and
pictures with one label each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avcer.decision.express import OpenRule
from avcer.errors import InputError
from avcer.evaluation.expressions import score_votes
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.parquet import read_columns
from avcer.labels import BASIC, C_EXPR_DB
from avcer.types import Boolean, Double, Float, Integer

EMOTION_COLUMNS: Final = tuple(emotion.lower() for emotion in BASIC)
OTHER_COLUMNS: Final = ("contempt", "unknown", "NF")
MIN_BLEND_VOTES, MIN_BLEND_SUM, MIN_BLEND_ROWS = 3, 7, 10
"""A blend: two emotions of a compound with at least 3 votes each and 7 together; compounds with 10 rows are scored."""
VALIDATION_SHARE: Final = 0.1
"""Of a table that has no split of its own, by the hash of the picture."""


@dataclass(frozen=True)
class FaceTable:
    """N labelled faces: ``pictures (N, S, S, C)`` BGR or grey; ``votes (N, 7)`` counts in the order of ``BASIC``;
    ``all_votes (N,)`` also counts votes for anything else; ``validation (N,)`` marks the rows kept from training.
    """

    name: str
    pictures: NDArray[np.uint8]
    votes: Float
    all_votes: Float
    validation: Boolean

    def __len__(self) -> int:
        return len(self.pictures)

    def rows(self, chosen: Boolean) -> FaceTable:
        """The chosen rows."""
        return FaceTable(
            self.name, self.pictures[chosen], self.votes[chosen], self.all_votes[chosen], self.validation[chosen]
        )

    @property
    def clear(self) -> Boolean:
        """Rows whose largest vote is one of the seven emotions and holds more than half of all votes."""
        best: Boolean = self.votes.max(axis=1) > self.all_votes / 2
        return best

    @property
    def labels(self) -> Integer:
        """The emotion with the most votes, as an index of ``BASIC``."""
        most: Integer = self.votes.argmax(axis=1)
        return most

    @property
    def blends(self) -> Integer:
        """The compound expression (index of ``C_EXPR_DB``) that the votes of a row name, or -1."""
        found = np.full(len(self), -1)
        for index, compound in enumerate(C_EXPR_DB.compounds):
            pair = self.votes[:, compound.indices]
            found[(pair.min(axis=1) >= MIN_BLEND_VOTES) & (pair.sum(axis=1) >= MIN_BLEND_SUM)] = index
        return found


def read_faces(path: Path) -> FaceTable:
    """The labelled faces in a Parquet file, decoded. Pictures of the validation part do not occur in the other.

    Raises:
        InputError: not a table of labelled faces.
    """
    columns = read_columns(path)
    of_votes = ("split", *EMOTION_COLUMNS, *OTHER_COLUMNS)
    if "image" not in columns or not ("label" in columns or set(of_votes) <= set(columns)):
        raise InputError(f"{path}: needs the columns image and label, or image, {', '.join(of_votes)}")
    name = path.stem.split("-")[0]
    keys = [hashlib.sha1(image, usedforsecurity=False).hexdigest() for image in columns["image"]]
    pictures = _decode(columns["image"], path)
    if "label" in columns:
        return _labelled(name, pictures, _labels(columns["label"], path), keys)
    return _voted(name, pictures, columns, keys)


def _labels(words: list[str], path: Path) -> list[int]:
    strange = sorted({str(word) for word in words if str(word).capitalize() not in BASIC})
    if strange:
        raise InputError(f"{path}: has the label {strange[0]!r}; the labels are {', '.join(BASIC)}")
    return [BASIC.index(word.capitalize()) for word in words]


def _labelled(name: str, pictures: NDArray[np.uint8], labels: list[int], keys: list[str]) -> FaceTable:
    votes = np.eye(len(BASIC), dtype=np.float32)[labels]
    validation = np.array([int(key[:8], 16) < VALIDATION_SHARE * 2**32 for key in keys])
    return FaceTable(name, pictures, votes, votes.sum(axis=1), validation)


def _voted(name: str, pictures: NDArray[np.uint8], columns: dict[str, list[Any]], keys: list[str]) -> FaceTable:
    votes = np.array([columns[column] for column in EMOTION_COLUMNS], np.float32).T
    others = np.array([columns[column] for column in OTHER_COLUMNS], np.float32).sum(axis=0)
    validation = np.array(columns["split"]) == "valid"
    kept_aside = {key for key, aside in zip(keys, validation, strict=True) if aside}
    repeated = np.array([key in kept_aside for key in keys]) & ~validation
    return FaceTable(name, pictures, votes, votes.sum(axis=1) + others, validation).rows(~repeated)


def _decode(images: list[bytes], path: Path) -> NDArray[np.uint8]:
    decoded: list[Any] = [cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED) for image in images]
    if not decoded or any(picture is None for picture in decoded):
        raise InputError(f"{path}: holds no pictures, or one that cannot be decoded")
    if len({picture.shape for picture in decoded}) > 1:
        raise InputError(f"{path}: pictures differ in size; make them all one square size")
    stacked: NDArray[np.uint8] = np.stack(decoded)
    return stacked if stacked.ndim == 4 else stacked[..., None]


def score_faces(probabilities: Double, table: FaceTable) -> dict[str, Any]:
    """Scores of ``probabilities (N, 7)`` on the clear rows of a table, and on its blends where it has any."""
    scores = classification(table.labels[table.clear], probabilities[table.clear])
    if np.any(table.blends >= 0):
        scores["blends"] = score_blends(probabilities, table.blends)
    return scores


def score_expressions(probabilities: Double, table: FaceTable, rule: OpenRule) -> dict[str, Any]:
    """``{"expressions": ...}``: what the rule ``open`` makes of them, against the votes; empty for a table without."""
    if np.all(table.all_votes == 1):
        return {}
    scores = score_votes(probabilities, table.votes.astype(np.float64), rule)
    return {"expressions": scores} if scores else {}


def doubt_faces(probabilities: Double, table: FaceTable) -> dict[str, Any]:
    """Confusion matrix and intervals for the clear rows; nobody is known to occur twice, so each row is a group."""
    clear = np.flatnonzero(table.clear)
    return doubts(table.labels[clear], probabilities[clear], clear)


def score_blends(probabilities: Double, blends: Integer) -> dict[str, Any]:
    """How well sums over pairs (no mask) name the compound of the rows where ``blends (N,)`` is one.

    The macro F1 is over the compounds with at least ten rows; the decision is always over all seven.
    """
    rows = blends >= 0
    labels = blends[rows]
    sums = np.stack([probabilities[rows][:, pair.indices].sum(axis=1) for pair in C_EXPR_DB.compounds], axis=1)
    frequent = [index for index in range(len(C_EXPR_DB)) if np.sum(labels == index) >= MIN_BLEND_ROWS]
    return {
        "n": len(labels),
        "macro_f1": metrics.macro_f1(labels, sums.argmax(axis=1), frequent),
        "rank2": metrics.rank_accuracy(labels, sums, 2),
    }
