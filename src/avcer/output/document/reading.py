"""Reading ``analysis.json`` and the arrays beside it, of this version and of the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.errors import InputError
from avcer.labels import BASIC, Compound, Vocabulary
from avcer.modalities import Modality
from avcer.output.document.implied import FORMAT, VERSION, Implied
from avcer.output.document.version_1 import read_clip, read_version_1
from avcer.output.packing import read_archive, unpack
from avcer.output.record import DOCUMENT as NAME
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
    expect_shape,
)


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


def _log_means(row: Any) -> Double:
    """Mean log-probabilities ``(7,)``."""
    values = np.array(row, dtype=np.float64)
    expect_shape("usual", values, (len(BASIC),))
    if not np.isfinite(values).all():
        raise ValueError("usual: a value is not a finite number")
    return values


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
        self._implied = Implied(self._provenance, self._modalities, self._vocabulary)
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
            usual={name: _log_means(row) for name, row in document.get("usual", {}).items()},
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
