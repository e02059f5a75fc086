"""Summaries of a batch: the tables of all clips and of all faces.

They are made of the record alone, so that a corpus of any size is summarised without opening a result.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from avcer.batch.record import ClipRecord, plain
from avcer.files import atomic, atomic_text
from avcer.labels import BASIC

SUMMARIES: Final = ("summary.csv", "summary.parquet", "faces.csv", "faces.parquet")
_PART: Final = {
    "start": "the manifest's start in seconds; empty for the beginning of the clip",
    "end": "the manifest's end in seconds; empty for the end of the clip",
}
CLIP_COLUMNS: Final = {
    "id": "name of the clip's folder of results",
    "path": "the file",
    "state": "queued, running, done, failed or skipped",
    "error": "why it failed, with the remedy",
    "attempts": "how often it was tried",
    "seconds": "seconds of work of the last attempt",
    "duration_s": "length of the clip, or of the part that was analysed, in seconds",
    "real_time_factor": "seconds of work per second of the clip",
    "faces": "number of faces",
    "frames": "number of frames",
    "face_share": "share of the frames on which a face was seen",
    "sound_share": "share of the frames for which the voice says anything",
    "segments": "number of segments of all faces",
    "label": "the label of the primary face that takes most of its time",
    "label_share": "the share of its time that it takes",
    "warnings": "notes on the clip, separated by semicolons",
    **_PART,
}
"""The columns of ``summary.csv`` in order, with what they mean; the manifest's own columns follow."""
FACE_COLUMNS: Final = {
    "id": "name of the clip's folder of results",
    "path": "the file",
    "face": "number of the face; empty for what is decided from sound alone",
    "primary": "1 for the face with the largest area x time",
    "seconds_seen": "seconds that the face's segments last; a gap in which it is hidden counts",
    "segments": "number of segments of this face",
    "probability": "mean probability of the decided frames",
    **_PART,
}
"""The first columns of ``faces.csv``; after them those of ``MADE_COLUMNS``, then the manifest's own."""
MADE_COLUMNS: Final = {
    "share of ": "share of this face's time whose label is {}",
    "segments of ": "number of segments of this face whose label is {}",
    "mean ": "mean probability of {} on the frames of this face on which anything is known",
}
"""How the names of columns begin that are made of labels, or of the seven emotions, and what they mean."""


def clip_rows(clips: Iterable[ClipRecord]) -> list[dict[str, Any]]:
    """A row a clip, with the columns of ``CLIP_COLUMNS`` and the manifest's own."""
    return [_clip_row(clip) for clip in clips]


def _clip_row(clip: ClipRecord) -> dict[str, Any]:
    known = clip.facts
    faces = [face for face in known.get("faces", []) if face["face"] is not None]
    lead = next((face for face in faces if face["primary"]), None)
    shares = lead["shares"] if lead else {}
    label = max(shares, key=lambda name: shares[name]) if shares else None
    duration_s = known.get("duration_s")
    return {
        "id": clip.entry.id,
        "path": str(clip.entry.path),
        "state": clip.state,
        "error": clip.error,
        "attempts": clip.attempts,
        "seconds": None if clip.seconds is None else round(clip.seconds, 3),
        "duration_s": duration_s,
        "real_time_factor": round(clip.seconds / duration_s, 4) if clip.seconds and duration_s else None,
        "faces": len(faces) if known else None,
        "frames": known.get("frames"),
        "face_share": known.get("face_share"),
        "sound_share": known.get("sound_share"),
        "segments": sum(face["segments"] for face in known["faces"]) if known else None,
        "label": label,
        "label_share": shares[label] if label else None,
        "warnings": "; ".join(known.get("warnings", [])),
        **_part(clip),
        **_own(clip),
    }


def face_rows(clips: Sequence[ClipRecord]) -> list[dict[str, Any]]:
    """A row for each face of each clip that is done; all rows have the same columns."""
    done = [clip for clip in clips if clip.state == "done"]
    labels = sorted({label for clip in done for face in clip.facts["faces"] for label in face["shares"]})
    return [_face_row(clip, face, labels) for clip in done for face in clip.facts["faces"]]


def _face_row(clip: ClipRecord, face: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    return {
        "id": clip.entry.id,
        "path": str(clip.entry.path),
        "face": face["face"],
        "primary": int(face["primary"]),
        **{name: face[name] for name in ("seconds_seen", "segments", "probability")},
        **_part(clip),
        **{f"share of {label}": face["shares"].get(label, 0.0) for label in labels},
        **{f"segments of {label}": face["counts"].get(label, 0) for label in labels},
        **{f"mean {emotion}": face["means"].get(emotion) for emotion in BASIC},
        **_own(clip),
    }


def _part(clip: ClipRecord) -> dict[str, float | None]:
    return {"start": clip.entry.start_s, "end": clip.entry.end_s}


def _own(clip: ClipRecord) -> dict[str, str]:
    """The manifest's own columns; one that bears the name of a column of ours is set apart from it."""
    return {f"manifest_{name}" if _is_ours(name) else name: value for name, value in clip.entry.extra.items()}


def _is_ours(name: str) -> bool:
    return name in CLIP_COLUMNS or name in FACE_COLUMNS or name.startswith(tuple(MADE_COLUMNS))


def write_summaries(clips: Sequence[ClipRecord], out: Path) -> list[Path]:
    """Writes ``summary`` (a row a clip) and ``faces`` (a row a clip and face), each as CSV and Parquet.

    Raises:
        OutputError: a file cannot be written.
    """
    paths = []
    for name, rows, columns in (
        ("summary", clip_rows(clips), CLIP_COLUMNS),
        ("faces", face_rows(clips), FACE_COLUMNS),
    ):
        header = list(dict.fromkeys([*columns, *(column for row in rows for column in row)]))
        paths.append(_write_csv(out / f"{name}.csv", header, rows))
        paths.append(_write_parquet(out / f"{name}.parquet", header, rows, columns))
    return paths


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Path:
    with atomic_text(path) as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _write_parquet(
    path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]], known: Mapping[str, str]
) -> Path:
    import pyarrow as pa  # slow to import
    import pyarrow.parquet as pq

    columns = {name: pa.array([_value(row.get(name)) for row in rows], _type(name)) for name in header}
    fields = [
        pa.field(name, array.type, metadata={"description": known.get(name) or _made(name)})
        for name, array in columns.items()
    ]
    with atomic(path) as part:
        pq.write_table(pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields)), part)
    return path


def _made(name: str) -> str:
    """What a column means that is made of a label; any other one is the user's own."""
    for beginning, meaning in MADE_COLUMNS.items():
        if name.startswith(beginning):
            return meaning.format(name.removeprefix(beginning))
    return "a column of the manifest"


def _value(cell: Any) -> Any:
    return plain(cell) if isinstance(cell, str) and not cell.isascii() else cell


def _type(name: str) -> Any:
    """The same type whatever the rows: a column that is empty today must not change its type tomorrow."""
    import pyarrow as pa

    if name in ("attempts", "faces", "frames", "segments", "face", "primary") or name.startswith("segments of "):
        return pa.int64()
    numbers = ("seconds", "duration_s", "real_time_factor", "face_share", "sound_share", "label_share", "seconds_seen")
    if name in (*numbers, *_PART, "probability") or name.startswith(("share of ", "mean ")):
        return pa.float64()
    return pa.string()
