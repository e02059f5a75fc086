"""An analysis as the studio draws it: a header in JSON, and behind it the columns that have a row for each frame.

The layout: four bytes, little-endian, the length of the header; the header; zeros up to a multiple of eight; the
columns, each at a multiple of eight. The header names a column as ``{"type", "at", "length"}``: ``at`` counts bytes
from the end of those zeros. An hour of one face at 30 frames a second takes about 6 MB.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.segments import frame_ends
from avcer.labels import BASIC, Vocabulary
from avcer.output.colours import EMOTIONS
from avcer.types import Boolean, Double

SHARE: Final = 250
"""A probability of 1; it is stored in steps of 0.004."""
MISSING: Final = 255
NO_BOX: Final = 0xFFFF
BOX_STEPS: Final = 4
"""Steps of a pixel in which boxes are stored."""
NOT_DECIDED: Final = -2
"""Where a frame has no decision; -1 is the label 'none'."""


def coloured(vocabulary: Vocabulary) -> dict[str, Any]:
    """What the page colours labels by: the colour of each emotion, and the two emotions of each compound."""
    compounds = [[one.name, one.first, one.second] for one in vocabulary.compounds]
    return {"colours": EMOTIONS, "compounds": compounds}


def pack(analysis: Analysis, name: str, first_s: float) -> bytes:
    """The analysis of the clip ``name``, whose first frame is shown at ``first_s``, seconds of the file's own clock."""
    columns = _Columns()
    clip = analysis.clip
    head = {
        "name": name,
        "rule": analysis.provenance.rule,
        "labels": analysis.labels,
        "basic": BASIC,
        **coloured(analysis.vocabulary),
        "modalities": [{"name": one.name, "title": one.title} for one in analysis.modalities],
        "zero_s": clip.start_s,
        "first_s": first_s,
        "sizes": clip.sizes or ((0, clip.width, clip.height),),
        "primary": analysis.primary,
        "warnings": analysis.warnings,
        "times": columns.add(analysis.times_s.astype("<f8")),
        "ends": columns.add(frame_ends(analysis.times_s, clip).astype("<f8")),
        "faces": [_face(face, columns) for face in analysis.faces],
    }
    text = json.dumps(head).encode()
    return b"".join((struct.pack("<I", len(text)), text, bytes(-(4 + len(text)) % 8), *columns.parts))


class _Columns:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = 0

    def add(self, values: NDArray[Any]) -> dict[str, Any]:
        """Keeps a column; how the header names it."""
        stored = np.ascontiguousarray(values).tobytes()
        told = {"type": values.dtype.name, "at": self._at, "length": values.size}
        self.parts += [stored, bytes(-len(stored) % 8)]
        self._at += len(stored) + -len(stored) % 8
        return told


def _face(face: FaceAnalysis, columns: _Columns) -> dict[str, Any]:
    shown = face.expression
    classes = np.where(shown.valid, shown.classes, NOT_DECIDED)
    fused = face.fused.values
    total = fused.sum(axis=1, keepdims=True)
    divided = np.divide(fused, total, out=np.zeros_like(fused), where=total > 0)
    curves = {"fused": columns.add(_shares(divided, face.fused.valid))}
    for name, said in face.said.items():
        curves[name] = columns.add(_shares(said.values, said.valid))
    return {
        "id": face.id,
        "frames": columns.add(face.frames.astype("<u4")),
        "classes": columns.add(classes.astype("<i2")),
        "probability": columns.add(_shares(shown.probability[:, np.newaxis], shown.valid)),
        "boxes": columns.add(_boxes(face)),
        "curves": curves,
    }


def _shares(values: Double, valid: Boolean) -> NDArray[np.uint8]:
    """``(F, K)`` probabilities as steps, one emotion after another ``(K, F)``."""
    steps = np.rint(np.clip(values, 0, 1) * SHARE)
    return np.where(valid[:, np.newaxis], steps, MISSING).astype(np.uint8).T


def _boxes(face: FaceAnalysis) -> NDArray[np.uint16]:
    """``(F, 4)``: x1, y1, x2, y2; what lies left of or above the picture is at its edge."""
    found = np.full((len(face.frames), 4), NO_BOX, "<u2")
    if face.track is not None:
        rows = np.searchsorted(face.frames, face.track.frames)
        found[rows] = np.clip(np.rint(face.track.boxes * BOX_STEPS), 0, NO_BOX - 1)
    return found
