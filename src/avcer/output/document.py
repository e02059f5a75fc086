"""``analysis.json``: a whole analysis in one document, written slice by slice and read back as an equal record.

Numbers have seven significant digits, times and segment ends six decimals; a row that is not valid is null. Rows of
all faces lie on the clip's own ``times_s`` by their frame indices, so times are stored once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.errors import InputError
from avcer.files import atomic_text
from avcer.labels import BASIC, Compound, Vocabulary
from avcer.modalities import Modality
from avcer.types import (
    FUSED,
    Boolean,
    Clip,
    Double,
    EmotionProbabilities,
    ExpressionTimeline,
    FaceTrack,
    Integer,
    Segment,
)

FORMAT: Final = "avcer-analysis"
VERSION: Final = 2

_SLICE: Final = 1024
_SIGNIFICANT: Final = ".7g"
_DECIMALS: Final = ".6f"
_TRACK: Final = ("frames", "boxes", "landmarks", "scores")
_DECISION: Final = ("classes", "kind", "salience", "probability", "runner_up", "scores", "shares")


def save_json(analysis: Analysis, path: Path) -> Path:
    """Writes the document to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_text(path) as file:
        file.writelines(_pieces(_document(analysis)))
        file.write("\n")
    return path


def load_json(path: Path) -> Analysis:
    """Reads a document that ``save_json`` wrote.

    Raises:
        InputError: no such file, a foreign or damaged document, or one of a newer version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        if document["version"] != VERSION:
            raise ValueError(f"its version is {document['version']}, this avcer reads {VERSION}")
        return _analysis(document)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give an analysis.json") from error
    except RecursionError as error:
        raise InputError(f"{path}: not an analysis of avcer (nested too deeply); analyse the clip again") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise InputError(f"{path}: not a whole analysis of avcer ({reason}); analyse the clip again") from error


# Writing -------------------------------------------------------------------------------------------------------------


class _Numbers:
    """An array to be written slice by slice: numbers ``(T,)`` or rows ``(T, ...)``; rows not valid become null."""

    def __init__(self, values: NDArray[Any], valid: Boolean | None = None, style: str = _SIGNIFICANT) -> None:
        self.values, self.valid = values, valid
        self.style = "d" if np.issubdtype(values.dtype, np.integer) else style

    def texts(self) -> Iterator[str]:
        """The elements of the JSON list, a slice at a time."""
        for start in range(0, len(self.values), _SLICE):
            part = slice(start, start + _SLICE)
            rows = self.values[part].tolist()
            valid = [True] * len(rows) if self.valid is None else self.valid[part].tolist()
            write = self._writer(bool(np.isfinite(self.values[part]).all()))
            yield ",".join(write(row) if there else "null" for row, there in zip(rows, valid, strict=True))

    def _writer(self, finite: bool) -> Callable[[Any], str]:
        """How a row becomes text: by one template where the row is flat and finite, which is nearly always."""
        if not finite or self.values.ndim > 2:
            return self._text
        if self.values.ndim == 1:
            return ("%" + self.style).__mod__
        template = "[" + ",".join(["%" + self.style] * self.values.shape[1]) + "]"
        return lambda row: template % tuple(row)

    def _text(self, value: Any) -> str:
        if isinstance(value, list):
            return "[" + ",".join(self._text(item) for item in value) + "]"
        return format(value, self.style) if math.isfinite(value) else "null"


def _pieces(value: Any) -> Iterator[str]:
    """The JSON text of a document, piece by piece: never NaN, always ASCII (so that any file name survives)."""
    if isinstance(value, np.ndarray):
        value = _Numbers(value)
    if isinstance(value, _Numbers):
        yield from _joined("[", ((text,) for text in value.texts()), "]")
    elif isinstance(value, dict):
        members = (chain((json.dumps(str(key)), ":"), _pieces(item)) for key, item in value.items())
        yield from _joined("{", members, "}\n")
    elif isinstance(value, list | tuple):
        yield from _joined("[", map(_pieces, value), "]")
    else:
        yield json.dumps(_plain(value), allow_nan=False)


def _joined(opening: str, items: Iterable[Iterable[str]], closing: str) -> Iterator[str]:
    yield opening
    for number, item in enumerate(items):
        if number:
            yield ","
        yield from item
    yield closing


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _document(analysis: Analysis) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "clip": {**asdict(analysis.clip), "path": str(analysis.clip.path)},
        "provenance": analysis.provenance,
        "warnings": analysis.warnings,
        "labels": BASIC,
        "vocabulary": {
            "name": analysis.vocabulary.name,
            "compounds": [[c.name, c.first, c.second] for c in analysis.vocabulary.compounds],
        },
        "primary": analysis.primary,
        "leads": analysis.leads,
        "times_s": _Numbers(analysis.times_s, style=_DECIMALS),
        "modalities": [asdict(modality) for modality in analysis.modalities],
        "said": {name: _Numbers(part.values, part.valid) for name, part in analysis.said.items()},
        "faces": [_face_document(face) for face in analysis.faces],
    }


def _face_document(face: FaceAnalysis) -> dict[str, Any]:
    return {
        "id": face.id,
        "track": None if face.track is None else {name: getattr(face.track, name) for name in _TRACK},
        "frames": face.frames,
        "said": {name: _Numbers(part.values, part.valid) for name, part in face.said.items()},
        "fused": _Numbers(face.fused.values, face.fused.valid),
        "expression": _timeline_document(face.expression),
        "curves": {name: _timeline_document(curve) for name, curve in face.curves.items()},
        "segments": [{**asdict(s), "start_s": round(s.start_s, 6), "end_s": round(s.end_s, 6)} for s in face.segments],
    }


def _timeline_document(timeline: ExpressionTimeline) -> dict[str, Any]:
    arrays = {name: _Numbers(getattr(timeline, name), timeline.valid) for name in _DECISION}
    return {"labels": timeline.labels, **arrays}


# Reading -------------------------------------------------------------------------------------------------------------


def _analysis(document: dict[str, Any]) -> Analysis:
    times_s = _array(document["times_s"])
    stored = document["vocabulary"]
    vocabulary = Vocabulary(stored["name"], tuple(Compound(*entry) for entry in stored["compounds"]))
    return Analysis(
        clip=Clip(**{**document["clip"], "path": Path(document["clip"]["path"])}),
        times_s=times_s,
        said={name: _emotions(rows, times_s, name) for name, rows in document["said"].items()},
        faces=tuple(_face(face, times_s, vocabulary) for face in document["faces"]),
        primary=document["primary"],
        leads=np.array(document["leads"], dtype=np.int64),
        vocabulary=vocabulary,
        provenance=document["provenance"],
        warnings=tuple(document["warnings"]),
        modalities=tuple(Modality(**row) for row in document["modalities"]),
    )


def _face(stored: dict[str, Any], times_s: Double, vocabulary: Vocabulary) -> FaceAnalysis:
    frames = np.array(stored["frames"], dtype=np.int64)
    rows = times_s[frames]
    return FaceAnalysis(
        track=None if stored["track"] is None else _track(stored["id"], stored["track"]),
        frames=frames,
        said={name: _emotions(part, rows, name) for name, part in stored["said"].items()},
        fused=_emotions(stored["fused"], rows, FUSED),
        expression=_timeline(stored["expression"], rows, vocabulary),
        curves={name: _timeline(curve, rows, vocabulary) for name, curve in stored["curves"].items()},
        segments=tuple(Segment(**segment) for segment in stored["segments"]),
    )


def _track(identity: int, stored: dict[str, Any]) -> FaceTrack:
    seen = len(stored["frames"])
    return FaceTrack(
        id=identity,
        frames=np.array(stored["frames"], dtype=np.int64),
        boxes=np.array(stored["boxes"], dtype=np.float32).reshape(seen, 4),
        landmarks=np.array(stored["landmarks"], dtype=np.float32).reshape(seen, 5, 2),
        scores=np.array(stored["scores"], dtype=np.float32),
    )


def _emotions(rows: list[Any], times_s: Double, source: str) -> EmotionProbabilities:
    return EmotionProbabilities(times_s, _array(rows, len(BASIC)), _valid(rows), source)


def _timeline(stored: dict[str, Any], times_s: Double, vocabulary: Vocabulary) -> ExpressionTimeline:
    return ExpressionTimeline(
        times_s=times_s,
        classes=_indices(stored["classes"]),
        kind=np.maximum(_indices(stored["kind"]), 0),
        salience=np.array([np.nan if row is None else row for row in stored["salience"]], np.float64),
        probability=_array(stored["probability"]),
        runner_up=_indices(stored["runner_up"]),
        scores=_array(stored["scores"], len(stored["labels"])),
        shares=_shares(stored["shares"]),
        valid=_valid(stored["classes"]),
        labels=tuple(stored["labels"]),
        vocabulary=vocabulary,
    )


def _shares(rows: list[Any]) -> Double:
    columns = max((len(row) for row in rows if row is not None), default=0)
    return _array(rows, columns) if columns else np.zeros((len(rows), 0))


def _valid(rows: list[Any]) -> Boolean:
    return np.array([row is not None for row in rows], dtype=np.bool_)


def _array(rows: list[Any], columns: int = 0) -> Double:
    """Numbers ``(T,)``, or with ``columns`` ``(T, columns)``; zero where a row is null."""
    empty: Any = [0.0] * columns if columns else 0.0
    values = np.array([empty if row is None else row for row in rows], dtype=np.float64)
    return values.reshape(len(rows), columns) if columns else values


def _indices(rows: list[Any]) -> Integer:
    return np.array([-1 if row is None else row for row in rows], dtype=np.int64)
