"""Exports that are tables of segments: BORIS (aggregated events), BIDS (events), audformat, and boxes as MOT."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer import __version__
from avcer.analysis import Analysis
from avcer.files import atomic_text, make_folder
from avcer.output.corrections import read_corrections
from avcer.output.rows import write_rows
from avcer.output.tiers import Tier, Tiers, one_line
from avcer.types import Double, FaceTrack

_BORIS: Final = (
    "Observation id", "Observation date", "Description", "Observation duration", "Observation type", "Source",
    "Time offset (s)", "Coding duration", "Media duration (s)", "FPS (frame/s)", "Subject",
    "Observation duration by subject by observation", "Behavior", "Behavioral category", "Modifiers", "Behavior type",
    "Start (s)", "Stop (s)", "Duration (s)", "Media file name", "Image index start", "Image index stop",
    "Image file path start", "Image file path stop", "Comment start", "Comment stop",
)  # fmt: skip
"""The columns of BORIS 8's aggregated events."""
_EVENTS: Final[Mapping[str, Any]] = {
    "onset": {"Description": "Start of the segment, from the first frame of the clip", "Units": "s"},
    "duration": {"Description": "Length of the segment", "Units": "s"},
    "trial_type": {"Description": "What the expression looks like, as avcer or a person says; or a person's mark"},
    "face": {"Description": "The face: its number, or the name that a person gave; Voice: from sound alone"},
    "probability": {"Description": "Probability that most people would say the same; 1 where a person said it"},
    "source": {
        "Description": "Who named it",
        "Levels": {"avcer": "the program", "person": "a person who corrected it"},
    },
}


def write_boris(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes ``boris.tsv``: a state event for each segment, a point event for each marker of a person.

    Raises:
        OutputError: the file cannot be written.
    """
    length = f"{tiers.end_ms / 1000:.3f}"
    clip = analysis.clip
    whole = {
        "Observation id": clip.path.stem, "Observation duration": length, "Observation type": "Media file(s)",
        "Source": f"player #1:{clip.path.name}", "Time offset (s)": "0", "Coding duration": length,
        "Media duration (s)": length, "FPS (frame/s)": f"{clip.average_rate:.3f}",
        "Observation duration by subject by observation": length, "Behavioral category": "expression",
        "Behavior type": "STATE", "Media file name": clip.path.name,
    }  # fmt: skip
    rows = [
        {**whole, "Subject": tier.name, "Behavior": one.label, "Start (s)": f"{one.start_ms / 1000:.3f}",
         "Stop (s)": f"{one.end_ms / 1000:.3f}", "Duration (s)": f"{(one.end_ms - one.start_ms) / 1000:.3f}",
         "Comment start": "corrected by a person" if one.by_person else f"probability {one.probability:.3f}"}
        for tier in tiers.tiers for one in tier.intervals
    ]  # fmt: skip
    rows += [
        {**whole, "Subject": "No focal subject", "Behavior": text, "Behavioral category": "marker",
         "Behavior type": "POINT", "Start (s)": f"{time_ms / 1000:.3f}", "Stop (s)": f"{time_ms / 1000:.3f}",
         "Duration (s)": "NA", "Comment start": "marked by a person"}
        for time_ms, text in tiers.markers
    ]  # fmt: skip
    return [_write(folder / "boris.tsv", _BORIS, rows, "\t")]


def write_bids(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes ``<clip>_events.tsv`` and the description of its columns, ``<clip>_events.json``.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [
        {"onset": f"{start_ms / 1000:.3f}", "duration": f"{(end_ms - start_ms) / 1000:.3f}", "trial_type": label,
         "face": name, "probability": f"{probability:.4f}", "source": source}
        for start_ms, end_ms, label, name, probability, source in _by_time(tiers)
    ] + [
        {"onset": f"{time_ms / 1000:.3f}", "duration": "0", "trial_type": text, "face": "n/a", "probability": "n/a",
         "source": "person"}
        for time_ms, text in tiers.markers
    ]  # fmt: skip
    rows.sort(key=lambda row: float(row["onset"]))
    stem = re.sub(r"[^A-Za-z0-9_\-]+", "", analysis.clip.path.stem) or "clip"
    with atomic_text(folder / f"{stem}_events.json") as file:
        json.dump(_EVENTS, file, indent=2)
        file.write("\n")
    return [_write(folder / f"{stem}_events.tsv", tuple(_EVENTS), rows, "\t"), folder / f"{stem}_events.json"]


def write_audformat(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes a database of audEERING's audformat into ``audformat/``: a segmented table, and its header.

    Raises:
        OutputError: a file cannot be written.
    """
    into = make_folder(folder / "audformat")
    rows = [
        {"file": analysis.clip.path.name, "start": _delta(start_ms), "end": _delta(end_ms), "label": label,
         "face": name, "probability": f"{probability:.4f}", "source": source}
        for start_ms, end_ms, label, name, probability, source in _by_time(tiers)
    ]  # fmt: skip
    columns = ("file", "start", "end", "label", "face", "probability", "source")
    paths = [_write(into / "db.segments.csv", columns, rows, ",")]
    with atomic_text(into / "db.yaml") as file:
        # JSON is YAML: quoting is right whatever a label holds.
        json.dump(_audformat_header(tiers), file, indent=2)
        file.write("\n")
    return [*paths, into / "db.yaml"]


def _audformat_header(tiers: Tiers) -> dict[str, Any]:
    text = {"dtype": "str"}
    return {
        "name": "avcer",
        "source": f"avcer {__version__}",
        "usage": "unrestricted",
        "languages": [],
        "description": "What faces look like, segment by segment",
        "schemes": {
            "label": {"dtype": "str", "labels": list(tiers.labels)},
            "face": text,
            "probability": {"dtype": "float", "minimum": 0.0},
            "source": {"dtype": "str", "labels": ["avcer", "person"]},
        },
        "tables": {
            "segments": {
                "type": "segmented",
                "columns": {name: {"scheme_id": name} for name in ("label", "face", "probability", "source")},
            }
        },
    }


def write_mot(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes ``boxes.mot.txt``, the boxes of all faces in the form of the MOT challenge, which TrackEval reads: frame
    (from 1), face, left, top, width, height in pixels of the shown picture, score, and three unused fields. Faces that
    a person merged are one, and those that were split are several. That form has no names, so ``boxes.names.csv`` says
    who each face is.

    Raises:
        OutputError: a file cannot be written.
    """
    corrections = read_corrections(folder)
    tracks = [face.track for face in analysis.faces if face.track]
    boxes = [_boxes(corrections.whos(track.id, analysis.times_s[track.frames]), track) for track in tracks]
    rows = np.concatenate([np.zeros((0, 7)), *boxes])
    # One box a frame and face: of two faces that are one person, that of the lower number.
    _, firsts = np.unique(rows[:, :2], axis=0, return_index=True)
    line = "%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n"
    with atomic_text(folder / "boxes.mot.txt") as file:
        write_rows(file, line, rows[firsts])
    faces = dict.fromkeys(rows[:, 1].astype(int).tolist())
    names = [
        {"face": face, "name": one_line(corrections.name(face)),
         "named_by": "person" if face in corrections.names else "avcer"}
        for face in faces
    ]  # fmt: skip
    return [
        folder / "boxes.mot.txt",
        _write(folder / "boxes.names.csv", ("face", "name", "named_by"), names, ","),
    ]


def _boxes(people: Double, track: FaceTrack) -> Double:
    """``(N, 7)``: frame from 1, face, left, top, width, height, score."""
    boxes = track.boxes.astype(np.float64)
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return np.column_stack([track.frames + 1, people, sides, track.scores])


def _by_time(tiers: Tiers) -> Iterable[tuple[int, int, str, str, float, str]]:
    def row(tier: Tier, place: int) -> tuple[int, int, str, str, float, str]:
        one = tier.intervals[place]
        return one.start_ms, one.end_ms, one.label, tier.name, one.probability, "person" if one.by_person else "avcer"

    return sorted(row(tier, place) for tier in tiers.tiers for place in range(len(tier.intervals)))


def _delta(milliseconds: int) -> str:
    """As pandas writes a duration, which audformat reads."""
    days, rest = divmod(milliseconds, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, rest = divmod(rest, 1000)
    return f"{days} days {hours:02}:{minutes:02}:{seconds:02}.{rest:03}000"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], delimiter: str) -> Path:
    with atomic_text(path) as file:
        writer = csv.DictWriter(file, columns, restval="", delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
