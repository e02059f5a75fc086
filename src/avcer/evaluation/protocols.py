"""What an installed family of models scores on labelled tables, as ``avcer evaluate`` prints it.

Tables have the columns that ``evaluation.tables.faces``, ``speech`` and ``detection`` document. Needs the extra
``torch`` (soundfile), though not PyTorch itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import cv2
import numpy as np

from avcer.decision.express import read_open
from avcer.decision.policy import Policy
from avcer.emotion.audio import AudioModel
from avcer.emotion.probabilities import softmax
from avcer.emotion.static import StaticModel
from avcer.errors import InputError, MissingExtraError
from avcer.evaluation.side_by_side import score_table
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.detection import match_faces, read_scenes
from avcer.evaluation.tables.faces import FaceTable, doubt_faces, read_faces, score_expressions, score_faces
from avcer.evaluation.tables.frames import read_frames
from avcer.evaluation.tables.speech import SpeechTable, full_names, read_speech, windows
from avcer.faces.detect import Detector, DetectorOptions
from avcer.labels import BASIC
from avcer.models.card import Family, ModelCard, Role
from avcer.models.choice import choose, expect_roles
from avcer.models.engine import Engine, Precision
from avcer.models.runtime import load_engine
from avcer.options import Options
from avcer.types import Boolean, Double, Image

Part = Literal["all", "train", "validation"]
Table = TypeVar("Table", FaceTable, SpeechTable)
BATCH: Final = 64


@dataclass(frozen=True)
class Subject:
    """What is judged: a family of models, ``own_models`` in their places; at a precision, on a part of the rows; with
    ``threads`` of the processor a call, None for all that the process may use.
    """

    models: Family = "mini"
    precision: Precision = "default"
    part: Part = "all"
    own_models: tuple[str | Path, ...] = ()
    threads: int | None = None

    def load(self, role: Role) -> tuple[ModelCard, Engine]:
        """One model of the family, ready to run on the processor."""
        model = choose(self.models, role, self.own_models)
        return model.card, load_engine(model, "cpu", self.precision, self.threads)

    def rows(self, validation: Boolean) -> Boolean:
        """Which rows of a table belong to the part."""
        if self.part == "all":
            return np.ones_like(validation)
        return validation if self.part == "validation" else ~validation


def evaluate(protocol: str, files: Sequence[Path], subject: Subject) -> dict[str, Any]:
    """The scores of one protocol over all ``files`` together, and of each, under ``files``, if there are several.

    Raises:
        UsageError: one of the subject's own models is of a role that the protocol does not use.
        InputError: a file is not such a table, or has no row of the part.
        ModelError: the model is not installed.
        MissingExtraError: soundfile is not installed.
    """
    expect_roles(subject.own_models, ROLES[protocol], f"evaluate {protocol}")
    try:
        return PROTOCOLS[protocol](files, subject)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'reading tables needs {error.name}: pip install "avcer[torch]"') from error


def classify_faces(files: Sequence[Path], subject: Subject) -> list[tuple[FaceTable, Double]]:
    """The rows of each table of faces, and the static model's probabilities ``(N, 7)``, without detection."""
    model = StaticModel(*subject.load("static"))
    tables = [_rows(path, table := read_faces(path), subject.rows(table.validation)) for path in files]
    return [(table, _classify_faces(model, table)) for table in tables]


def classify_voices(files: Sequence[Path], subject: Subject) -> list[tuple[SpeechTable, Double]]:
    """The rows of each table of speech, and the audio model's probabilities ``(N, 7)``: a recording is answered by the
    mean logits over its windows.
    """
    model = AudioModel(*subject.load("audio"))
    tables = [_rows(path, table := read_speech(path), subject.rows(table.validation)) for path in files]
    return [(table, _classify_voices(model, table)) for table in tables]


def score_face_tables(files: Sequence[Path], subject: Subject) -> dict[str, Any]:
    """FER+ and pictures with one label."""
    seen = classify_faces(files, subject)
    rule = read_open()
    scores = [
        score_faces(said, table) | score_expressions(said, table, rule) | doubt_faces(said, table)
        for table, said in seen
    ]
    if len(files) == 1:
        return scores[0]
    joined, said = _joined([table for table, _ in seen]), np.concatenate([said for _, said in seen])
    together = score_faces(said, joined) | score_expressions(said, joined, rule) | doubt_faces(said, joined)
    return together | _by_file(files, scores)


def score_speech_tables(files: Sequence[Path], subject: Subject) -> dict[str, Any]:
    """Recordings with one label; the intervals are over speakers."""
    heard = classify_voices(files, subject)
    scores = [classification(table.labels, said) | doubts(table.labels, said, table.speakers) for table, said in heard]
    if len(files) == 1:
        return scores[0]
    labels, said = (
        np.concatenate(parts) for parts in zip(*[(table.labels, said) for table, said in heard], strict=True)
    )
    speakers = np.concatenate([full_names(table) for table, _ in heard])
    return classification(labels, said) | doubts(labels, said, speakers) | _by_file(files, scores)


def score_scene_tables(files: Sequence[Path], subject: Subject) -> dict[str, Any]:
    """Pictures with known faces: the detector at the score from which on it reports. Knows no parts."""
    if subject.part != "all":
        raise InputError(f"{files[0]}: scenes are not split; leave --part out")
    card, engine = subject.load("detector")
    detector = Detector(card, engine, DetectorOptions(least_side=0))
    scenes = [scene for path in files for scene in read_scenes(path)]
    found = [detector.detect(scene.image()) for scene in scenes]
    matches = match_faces(found, [scene.faces for scene in scenes])
    scores = matches.at(detector.options.min_score)
    return {
        "n": len(scenes),
        "faces": scores.faces,
        "detections": scores.detections,
        "recall": scores.recall,
        "precision": scores.precision,
        "f1": scores.f1,
        "intervals": matches.intervals_at(detector.options.min_score),
    }


def score_frame_tables(files: Sequence[Path], subject: Subject) -> dict[str, Any]:
    """Labelled frames with what the models said of them; fused and decided as the family does. Knows no parts."""
    if subject.part != "all":
        raise InputError(f"{files[0]}: frames are not split; leave --part out")
    options = Options(models=subject.models, own_models=subject.own_models)
    weights = options.weights(choose(subject.models, "audio", subject.own_models).card)
    return score_table(read_frames(files), Policy(weights, rule=options.decision_rule))


PROTOCOLS: Final[dict[str, Callable[[Sequence[Path], Subject], dict[str, Any]]]] = {
    "ferplus": score_face_tables,
    "affect7": score_face_tables,
    "speech": score_speech_tables,
    "scenes": score_scene_tables,
    "frames": score_frame_tables,
}
"""Each protocol by its word of ``avcer evaluate``."""
ROLES: Final[dict[str, tuple[Role, ...]]] = {
    "ferplus": ("static",),
    "affect7": ("static",),
    "speech": ("audio",),
    "scenes": ("detector",),
    "frames": ("audio",),
}
"""The models that each uses; ``frames`` asks the audio model's card which published weights go with it."""


def _rows(path: Path, table: Table, chosen: Boolean) -> Table:
    if not chosen.any():
        raise InputError(f"{path}: has no row of that part; leave --part out")
    return table.rows(chosen)


def _classify_faces(model: StaticModel, table: FaceTable) -> Double:
    """Probabilities ``(N, 7)`` of the pictures of a table."""
    parts = []
    for start in range(0, len(table), BATCH):
        prepared = [model.prepare_face(_colour(picture)) for picture in table.pictures[start : start + BATCH]]
        parts.append(model.predict(np.stack(prepared)).probabilities)
    return np.concatenate(parts)


def _colour(picture: Image) -> Image:
    return picture if picture.shape[2] == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)


def _classify_voices(model: AudioModel, table: SpeechTable) -> Double:
    """Probabilities ``(N, 7)`` of the recordings of a table."""
    logits = [model.predict(list(windows(recording))).mean(axis=0) for recording in table.recordings]
    return softmax(np.stack(logits)[:, : len(BASIC)])


def _joined(tables: Sequence[FaceTable]) -> FaceTable:
    """All rows in one table; the pictures, which may differ in size, are left behind."""
    votes, everything, validation = (
        np.concatenate([getattr(table, name) for table in tables]) for name in ("votes", "all_votes", "validation")
    )
    return FaceTable("all", np.zeros((len(votes), 0, 0, 1), np.uint8), votes, everything, validation)


def _by_file(files: Sequence[Path], scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"files": {path.name: one for path, one in zip(files, scores, strict=True)}}
