"""What the record of a batch keeps of an analysis. It is found in the worker, while the analysis is at hand."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from avcer.labels import BASIC

if TYPE_CHECKING:
    from avcer.analysis import Analysis, FaceAnalysis


def facts(analysis: Analysis) -> dict[str, Any]:
    """What the record keeps of an analysis, as JSON: quality, and for each face shares, counts and means."""
    frames = len(analysis.times_s)
    seen = np.zeros(frames, np.bool_)
    for face in analysis.faces:
        if face.track is not None:
            seen[face.track.frames] = True
    return {
        "duration_s": round(float(analysis.clip.duration_s), 3),
        "frames": frames,
        "face_share": round(float(seen.mean()), 4) if frames else 0.0,
        "sound_share": round(float(analysis.audio.valid.mean()), 4) if frames else 0.0,
        "warnings": list(analysis.warnings),
        "work_s": round(analysis.provenance.timings.get("seconds", 0.0), 3),
        "faces": [_of_face(face, face.id == analysis.primary) for face in analysis.faces],
    }


def _of_face(face: FaceAnalysis, primary: bool) -> dict[str, Any]:
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for segment in face.segments:
        seconds[segment.label] += segment.end_s - segment.start_s
        counts[segment.label] += 1
    total_s = sum(seconds.values())
    decided, known = face.expression.valid, face.fused.valid
    means = face.fused.values[known].mean(axis=0) if known.any() else np.zeros(len(BASIC))
    means = means / means.sum() if means.sum() > 0 else means
    return {
        "face": face.id,
        "primary": primary and face.id is not None,
        "seconds_seen": round(total_s, 3),
        "segments": len(face.segments),
        "probability": round(float(face.expression.probability[decided].mean()), 4) if decided.any() else None,
        "shares": {label: round(part_s / total_s, 4) for label, part_s in seconds.items()} if total_s else {},
        "counts": dict(counts),
        "means": {name: round(float(mean), 4) for name, mean in zip(BASIC, means, strict=True)} if known.any() else {},
    }
