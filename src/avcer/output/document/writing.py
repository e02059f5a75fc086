"""Writing ``analysis.json`` and the arrays beside it: only what does not follow from the rest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.files import atomic, atomic_text
from avcer.labels import BASIC
from avcer.output.document.implied import FORMAT, VERSION, Implied
from avcer.output.packing import pack, rounded, write_archive
from avcer.output.record import KEY, Record
from avcer.types import Double, EmotionProbabilities, ExpressionTimeline, Segment

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
        "usual": {name: np.round(one, 6) for name, one in analysis.usual.items()},
    }
    return dict(_plain(facts))


class _Packing:
    """Gathers the arrays of an analysis, each packed, by their names."""

    def __init__(self, analysis: Analysis) -> None:
        self.arrays: dict[str, NDArray[np.uint8]] = {}
        self._implied = Implied(analysis.provenance, analysis.modalities, analysis.vocabulary)
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
