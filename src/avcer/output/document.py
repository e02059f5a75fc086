"""``analysis.json`` and the arrays beside it: a whole analysis, written whole and read back as the same record.

The document holds what people and other programs ask for: the clip, who computed what with what, the faces and their
segments. What has a row for each frame lies in ``analysis.npz``, named in the document with its hash. Arrays are
rounded to the steps of ``STEPS``. Left out is what follows from the rest by arithmetic that is not going to change:
the sound of a face (the clip's), fused values (by the weights), scores of the released rules.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.compound import Rule, salience, scores
from avcer.decision.fuse import FusionWeights, fuse, hold_gaps
from avcer.errors import InputError
from avcer.files import atomic, atomic_text
from avcer.labels import BASIC, Compound, Vocabulary
from avcer.modalities import Modality
from avcer.output.document_1 import read_clip, read_version_1
from avcer.output.packing import pack, read_archive, rounded, unpack, write_archive
from avcer.output.record import DOCUMENT as NAME
from avcer.output.record import KEY, Record
from avcer.parsing import json_of
from avcer.provenance import Provenance
from avcer.types import (
    FUSED,
    Boolean,
    Double,
    EmotionProbabilities,
    ExpressionTimeline,
    FaceTrack,
    Segment,
)

FORMAT: Final = "avcer-analysis"
VERSION: Final = 2

STEPS: Final = {
    "times_s": 1e-6,
    "values": 1e-6,
    "boxes": 0.01,
    "landmarks": 0.1,
    "detection": 1e-3,
    "probability": 1e-6,
    "scores": 1e-4,
    "salience": 1e-2,
    "shares": 1e-3,
    "curve_probability": 1e-4,
    "curve_scores": 1e-2,
    "curve_salience": 1e-1,
}
"""What each array is rounded to; all others are whole numbers. ``curve_``: of a decision from one modality alone."""

_WHOLE: Final = ("classes", "kind", "runner_up")
ASKED: Final = {"raw_labels": "raw", "label_sets": "sets"}
"""Arrays of the decision that are stored where an option asks for them."""
_RELEASED: Final[tuple[Rule, ...]] = ("1", "2", "both", "sum", "gated", "geometric")
"""Rules whose scores can be computed again from the emotions, in this and in any later version."""
_MANY: Final = 1 / 8
"""Where more of the rows than this differ from what follows from the rest, an array is stored whole."""


def save_json(analysis: Analysis, path: Path, record: Record | None = None) -> Path:
    """Writes the document to ``path``, and its arrays beside it, with the suffix ``.npz``. Both are complete before
    either takes its place. ``record`` says what the results in the folder are; reading an analysis ignores it.

    Raises:
        OutputError: one of them cannot be written.
    """
    beside = path.with_suffix(".npz")
    packed = _Packing(analysis).arrays
    with atomic(beside) as part, atomic_text(path) as file:
        with part.open("wb") as binary:
            write_archive(packed, binary)
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        arrays = {"arrays": {"file": beside.name, "sha256": found, "steps": STEPS}}
        told = {KEY: record.as_dict()} if record else {}
        faces = {"faces": [_face_facts(face) for face in analysis.faces]}
        file.writelines(_lines(facts(analysis) | told | arrays | faces))
    return path


def facts(analysis: Analysis) -> dict[str, Any]:
    """What the document says of the whole clip, as plain JSON."""
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "clip": {**asdict(analysis.clip), "path": str(analysis.clip.path)},
        "provenance": analysis.provenance.to_dict(),
        "warnings": analysis.warnings,
        "labels": BASIC,
        "vocabulary": {
            "name": analysis.vocabulary.name,
            "compounds": [[c.name, c.first, c.second] for c in analysis.vocabulary.compounds],
        },
        "decisions": analysis.labels,
        "modalities": [asdict(modality) for modality in analysis.modalities],
        "frames": len(analysis.times_s),
        "primary": analysis.primary,
    }
    return dict(_plain(facts))


def load_json(path: Path, labels_alone: bool = False) -> Analysis:
    """Reads a document that ``save_json`` wrote, or one of version 1. ``path`` may be the folder that holds it.

    With ``labels_alone``, the curves of single modalities have labels and kinds but no numbers (zeros, and no
    salience): less memory, for readers that do not want those.

    Raises:
        InputError: no such file, a foreign or damaged document or its arrays, or one of a newer version.
    """
    path = path / NAME if path.is_dir() else path
    try:
        document = json_of(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        if document["version"] == 1:
            return read_version_1(document)
        if document["version"] != VERSION:
            raise ValueError(f"its version is {document['version']}, this avcer reads 1 and {VERSION}")
        return _Unpacking(document, _arrays(document["arrays"], path), labels_alone).analysis()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give an analysis.json") from error
    except RecursionError as error:
        raise InputError(f"{path}: not an analysis of avcer (nested too deeply); analyse the clip again") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise InputError(f"{path}: not a whole analysis of avcer ({reason}); analyse the clip again") from error


def _arrays(stored: Mapping[str, Any], document: Path) -> dict[str, NDArray[np.uint8]]:
    """The arrays beside a document.

    Raises:
        InputError: they are missing, damaged, or those of another analysis.
    """
    path = document.with_name(Path(stored["file"]).name)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be read ({reason}); it belongs beside {document.name}") from error
    if hashlib.sha256(content).hexdigest() != stored["sha256"]:
        raise InputError(f"{path}: is damaged, or of another analysis than {document.name}; analyse the clip again")
    return read_archive(content)


# What follows from the rest ------------------------------------------------------------------------------------------


class _Implied:
    """What the stored emotions imply, as far as the provenance says how it was decided."""

    def __init__(self, provenance: Provenance, modalities: tuple[Modality, ...], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.weights: FusionWeights | None = None
        self.fill_gaps = bool(provenance.options.get("fill_gaps"))
        self.rule: Rule | None = next((rule for rule in _RELEASED if rule == provenance.options.get("rule")), None)
        if "weights" in provenance.fusion:
            self.weights = FusionWeights.of_dict(dict(provenance.fusion), modalities)

    def fused(self, said: Mapping[str, EmotionProbabilities]) -> Double | None:
        """``(F, 7)``; None where the weights are not known."""
        if self.weights is None:
            return None
        found = fuse(said, self.weights)
        return (hold_gaps(found) if self.fill_gaps else found).probabilities.values

    def scores(self, emotions: EmotionProbabilities) -> Double | None:
        """``(F, L)``; None where the rule is not one of the released ones."""
        if self.rule is None:
            return None
        return np.where(emotions.valid[:, np.newaxis], scores(emotions.values, self.vocabulary, self.rule), 0.0)

    def probability(self, classes: NDArray[np.int64], table: Double) -> Double | None:
        """``(F,)``: the winner's score."""
        if self.rule is None:
            return None
        return np.where(classes >= 0, table[np.arange(len(table)), classes], 0.0)

    def salience(self, emotions: EmotionProbabilities, classes: NDArray[np.int64]) -> Double | None:
        """``(F,)`` percent; -1 where there is none."""
        if self.rule is None:
            return None
        share = salience(emotions.values, self.vocabulary)[np.arange(len(classes)), classes]
        return np.where(classes >= 0, 100 * share, -1.0)


# Writing -------------------------------------------------------------------------------------------------------------


class _Packing:
    """Gathers the arrays of an analysis, each packed, by their names."""

    def __init__(self, analysis: Analysis) -> None:
        self.arrays: dict[str, NDArray[np.uint8]] = {}
        self._implied = _Implied(analysis.provenance, analysis.modalities, analysis.vocabulary)
        self._put("times_s", analysis.times_s)
        self._put("leads", analysis.leads)
        for name, part in analysis.said.items():
            self._put(f"said/{name}/valid", part.valid)
            self._put(f"said/{name}/values", part.values)
        for place, face in enumerate(analysis.faces):
            self._face(f"faces/{place}", face, analysis)

    def _face(self, where: str, face: FaceAnalysis, analysis: Analysis) -> None:
        self._put(f"{where}/frames", face.frames)
        if face.track is not None:
            self._put(f"{where}/track/frames", face.track.frames)
            self._put(f"{where}/track/boxes", face.track.boxes)
            self._put(f"{where}/track/landmarks", face.track.landmarks)
            self._put(f"{where}/track/detection", face.track.scores)
        said = {}
        for name, part in face.said.items():
            whole = analysis.said.get(name)
            implied = (
                None
                if whole is None
                else rounded(whole.values, STEPS["values"])[face.frames] * part.valid[:, np.newaxis]
            )
            said[name] = self._emotions(f"{where}/said/{name}", part, implied)
        fused = self._emotions(f"{where}/fused", face.fused, self._implied.fused(said))
        self._timeline(f"{where}/expression/", face.expression, fused)
        for option, name in ASKED.items():
            if analysis.provenance.options.get(option):
                self._put(f"{where}/expression/{name}", getattr(face.expression, name))
        headings = {modality.curve: modality.name for modality in analysis.modalities}
        for heading, curve in face.curves.items():
            self._timeline(f"{where}/curves/{heading}/", curve, said[headings[heading]], "curve_")

    def _emotions(self, where: str, part: EmotionProbabilities, implied: Double | None) -> EmotionProbabilities:
        """Packs emotions and returns them as they will be read."""
        self._put(f"{where}/valid", part.valid)
        return _with_values(part, self._differing(f"{where}/values", part.values, implied, 2 * STEPS["values"]))

    def _timeline(
        self, where: str, timeline: ExpressionTimeline, emotions: EmotionProbabilities, prefix: str = ""
    ) -> None:
        for name in (*_WHOLE, "valid", "shares"):
            self._put(f"{where}{name}", getattr(timeline, name))
        where += prefix
        implied, classes, near = self._implied, timeline.classes, 4 * STEPS["values"]
        table = self._differing(f"{where}scores", timeline.scores, implied.scores(emotions), near)
        self._differing(f"{where}probability", timeline.probability, implied.probability(classes, table), near)
        percent = np.nan_to_num(timeline.salience, nan=-1.0)
        self._differing(f"{where}salience", percent, implied.salience(emotions, classes), STEPS["salience"])

    def _differing(self, name: str, values: Double, implied: Double | None, near: float) -> Double:
        """Packs an array as far as it differs from what is implied: wholly, in a few rows, or not at all. Returns it as
        it will be read.
        """
        if implied is None or implied.shape != values.shape:
            return self._put(name, values)
        far = np.abs(values - implied).reshape(len(values), -1).max(axis=1, initial=0.0) > near if len(values) else []
        if np.count_nonzero(far) > _MANY * len(values):
            return self._put(name, values)
        if np.any(far):
            self._put(f"{name}/rows", np.flatnonzero(far))
            implied[far] = self._put(f"{name}/instead", values[far], _step(name))
        return implied

    def _put(self, name: str, values: NDArray[Any], step: float | None = None) -> Double:
        """Packs an array and returns it as it will be read."""
        step = _step(name) if step is None else step
        self.arrays[name] = pack(values, step)
        return rounded(values, step)


def _step(name: str) -> float:
    return STEPS.get(name.rpartition("/")[2], 1.0)


def _with_values(part: EmotionProbabilities, values: Double) -> EmotionProbabilities:
    return EmotionProbabilities(part.times_s, values, part.valid, part.source)


def _face_facts(face: FaceAnalysis) -> dict[str, Any]:
    return {
        "id": face.id,
        "first_frame": int(face.frames[0]) if len(face.frames) else None,
        "last_frame": int(face.frames[-1]) if len(face.frames) else None,
        "seen_frames": 0 if face.track is None else len(face.track.frames),
        "said": list(face.said),
        "curves": list(face.curves),
        "segments": [_segment_facts(segment) for segment in face.segments],
    }


def _segment_facts(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": round(segment.start_s, 6),
        "end_s": round(segment.end_s, 6),
        "label": segment.label,
        "kind": segment.kind,
        "salience": None if segment.salience is None else round(segment.salience, 2),
        "probability": round(segment.probability, 6),
    }


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The JSON text: a line a key, and a line a face."""
    last = len(document) - 1
    yield "{\n"
    for place, (key, value) in enumerate(document.items()):
        if key == "faces":
            text = "[\n " + ",\n ".join(json.dumps(face, allow_nan=False) for face in value) + "\n]" if value else "[]"
        else:
            text = json.dumps(value, allow_nan=False)
        yield f'"{key}": {text}{"," if place < last else ""}\n'
    yield "}\n"


def _plain(value: Any) -> Any:
    """A value as JSON knows it: paths as text, arrays as lists, null for what is no number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


# Reading -------------------------------------------------------------------------------------------------------------


class _Unpacking:
    """Makes an analysis of a document and its arrays."""

    def __init__(
        self, document: Mapping[str, Any], arrays: Mapping[str, NDArray[np.uint8]], labels_alone: bool
    ) -> None:
        self._document, self._arrays, self._labels_alone = document, arrays, labels_alone
        self._steps: Mapping[str, float] = document["arrays"]["steps"]
        stored = document["vocabulary"]
        self._vocabulary = Vocabulary(stored["name"], tuple(Compound(*entry) for entry in stored["compounds"]))
        self._modalities = tuple(Modality(**row) for row in document["modalities"])
        self._labels = tuple(document["decisions"])
        self._provenance = Provenance.of_dict(document["provenance"])
        self._implied = _Implied(self._provenance, self._modalities, self._vocabulary)
        self._times_s = self._get("times_s")

    def analysis(self) -> Analysis:
        document = self._document
        said = {}
        for modality in self._modalities:
            if f"said/{modality.name}/valid" in self._arrays:
                said[modality.name] = self._emotions(f"said/{modality.name}", self._times_s, modality.name, None)
        return Analysis(
            clip=read_clip(document["clip"]),
            times_s=self._times_s,
            said=said,
            faces=tuple(self._face(f"faces/{n}", face, said) for n, face in enumerate(document["faces"])),
            primary=document["primary"],
            leads=self._whole("leads"),
            vocabulary=self._vocabulary,
            provenance=self._provenance,
            warnings=tuple(document["warnings"]),
            modalities=self._modalities,
            labels=self._labels,
        )

    def _face(self, where: str, stored: Mapping[str, Any], clip: Mapping[str, EmotionProbabilities]) -> FaceAnalysis:
        frames = self._whole(f"{where}/frames")
        times_s = self._times_s[frames]
        said = {}
        for name in stored["said"]:
            valid = self._valid(f"{where}/said/{name}")
            implied = clip[name].values[frames] * valid[:, np.newaxis] if name in clip else None
            said[name] = self._emotions(f"{where}/said/{name}", times_s, name, lambda implied=implied: implied)  # type: ignore[misc]
        fused = self._emotions(f"{where}/fused", times_s, FUSED, lambda: self._implied.fused(said))
        names = {modality.curve: modality.name for modality in self._modalities}
        return FaceAnalysis(
            track=None if stored["id"] is None else self._track(f"{where}/track", stored["id"]),
            frames=frames,
            said=said,
            fused=fused,
            expression=self._timeline(f"{where}/expression/", fused),
            curves={
                heading: self._timeline(f"{where}/curves/{heading}/", said[names[heading]], "curve_")
                for heading in stored["curves"]
            },
            segments=tuple(Segment(face=stored["id"], **segment) for segment in stored["segments"]),
        )

    def _track(self, where: str, identity: int) -> FaceTrack:
        return FaceTrack(
            id=identity,
            frames=self._whole(f"{where}/frames"),
            boxes=self._get(f"{where}/boxes").astype(np.float32),
            landmarks=self._get(f"{where}/landmarks").astype(np.float32).reshape(-1, 5, 2),
            scores=self._get(f"{where}/detection").astype(np.float32),
        )

    def _emotions(
        self, where: str, times_s: Double, source: str, implied: Callable[[], Double | None] | None
    ) -> EmotionProbabilities:
        values = self._differing(f"{where}/values", implied)
        return EmotionProbabilities(times_s, values, self._valid(where), source)

    def _timeline(self, where: str, emotions: EmotionProbabilities, prefix: str = "") -> ExpressionTimeline:
        if prefix and self._labels_alone:
            return self._labelled(where, emotions)
        classes, implied, own = self._whole(f"{where}classes"), self._implied, where + prefix
        table = self._differing(f"{own}scores", lambda: implied.scores(emotions))
        percent = self._differing(f"{own}salience", lambda: implied.salience(emotions, classes))
        return ExpressionTimeline(
            times_s=emotions.times_s,
            classes=classes,
            kind=self._whole(f"{where}kind"),
            salience=np.where(percent < 0, np.nan, percent),
            probability=self._differing(f"{own}probability", lambda: implied.probability(classes, table)),
            runner_up=self._whole(f"{where}runner_up"),
            scores=table,
            shares=self._table(f"{where}shares"),
            valid=self._valid(where.rstrip("/")),
            labels=self._labels,
            vocabulary=self._vocabulary,
            **self._asked(where, len(classes)),
        )

    def _asked(self, where: str, rows: int) -> dict[str, NDArray[Any]]:
        """Arrays that were stored on request."""
        found: dict[str, NDArray[Any]] = {}
        if f"{where}raw" in self._arrays:
            found["raw"] = self._whole(f"{where}raw")
        if f"{where}sets" in self._arrays:
            found["sets"] = self._table(f"{where}sets").reshape(rows, -1) > 0
        return found

    def _labelled(self, where: str, emotions: EmotionProbabilities) -> ExpressionTimeline:
        """A timeline without numbers; its zeros take no room."""
        frames = len(emotions.times_s)
        zeros = np.broadcast_to(np.float64(0), (frames,))
        return ExpressionTimeline(
            times_s=emotions.times_s,
            classes=self._whole(f"{where}classes"),
            kind=self._whole(f"{where}kind"),
            salience=np.broadcast_to(np.float64(np.nan), (frames,)),
            probability=zeros,
            runner_up=self._whole(f"{where}runner_up"),
            scores=np.broadcast_to(np.float64(0), (frames, len(self._labels))),
            shares=np.broadcast_to(np.float64(0), (frames, 0)),
            valid=self._valid(where.rstrip("/")),
            labels=self._labels,
            vocabulary=self._vocabulary,
        )

    def _differing(self, name: str, implied: Callable[[], Double | None] | None) -> Double:
        if name in self._arrays or implied is None:
            return self._get(name) if name.endswith(("probability", "salience")) else self._table(name)
        values = implied()
        if values is None:
            raise ValueError(f"{name} is missing")
        if f"{name}/rows" in self._arrays:
            instead = unpack(self._arrays[f"{name}/instead"], self._steps[name.rpartition("/")[2]])
            values[self._whole(f"{name}/rows")] = instead[:, 0] if values.ndim == 1 else instead
        return values

    def _table(self, name: str) -> Double:
        """``(T, K)``."""
        return unpack(self._arrays[name], self._steps.get(name.rpartition("/")[2], 1.0))

    def _get(self, name: str) -> Double:
        """``(T,)``, or ``(T, K)`` where it has more columns than one."""
        values = self._table(name)
        return values[:, 0].copy() if values.shape[1] == 1 else values

    def _whole(self, name: str) -> NDArray[np.int64]:
        return self._get(name).astype(np.int64)

    def _valid(self, where: str) -> Boolean:
        return self._get(f"{where}/valid") > 0
