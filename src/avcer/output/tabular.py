"""Exports that are tables of segments: BORIS (aggregated events), BIDS (events), audformat, and boxes as MOT."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from avcer import __version__
from avcer.analysis import Analysis
from avcer.files import atomic_text, make_folder
from avcer.output.tiers import Tier, Tiers, tiers_of

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
    "trial_type": {"Description": "What the expression looks like, as avcer or a person names it"},
    "face": {"Description": "The face, by number or by the name that a person gave; Voice: decided from sound alone"},
    "probability": {"Description": "Probability that most people would say the same; 1 where a person said it"},
    "source": {
        "Description": "Who named it",
        "Levels": {"avcer": "the program", "person": "a person who corrected it"},
    },
}


def write_boris(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes ``boris.tsv``: a state event for each segment.

    Raises:
        OutputError: the file cannot be written.
    """
    tiers = tiers_of(analysis, folder)
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
    return [_write(folder / "boris.tsv", _BORIS, rows, "\t")]


def write_bids(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes ``<clip>_events.tsv`` and the description of its columns, ``<clip>_events.json``.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [
        {"onset": f"{start_ms / 1000:.3f}", "duration": f"{(end_ms - start_ms) / 1000:.3f}", "trial_type": label,
         "face": name, "probability": f"{probability:.4f}", "source": source}
        for start_ms, end_ms, label, name, probability, source in _by_time(tiers_of(analysis, folder))
    ]  # fmt: skip
    stem = re.sub(r"[^A-Za-z0-9_\-]+", "", analysis.clip.path.stem) or "clip"
    with atomic_text(folder / f"{stem}_events.json") as file:
        json.dump(_EVENTS, file, indent=2)
        file.write("\n")
    return [_write(folder / f"{stem}_events.tsv", tuple(_EVENTS), rows, "\t"), folder / f"{stem}_events.json"]


def write_audformat(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes a database of audEERING's audformat into ``audformat/``: a segmented table, and its header.

    Raises:
        OutputError: a file cannot be written.
    """
    into = make_folder(folder / "audformat")
    tiers = tiers_of(analysis, folder)
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
            "label": {"dtype": "str", "labels": list(tiers.labels) or ["Neutral"]},
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
    (from 1), face, left, top, width, height in pixels of the shown picture, score, and three unused fields.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = []
    for face in analysis.faces:
        if face.track is None:
            continue
        for frame, box, score in zip(face.track.frames, face.track.boxes, face.track.scores, strict=True):
            left, top, right, bottom = (float(side) for side in box)
            sides = ",".join(f"{value:.2f}" for value in (left, top, right - left, bottom - top))
            rows.append(
                (int(frame), face.track.id, f"{int(frame) + 1},{face.track.id},{sides},{float(score):.4f},-1,-1,-1")
            )
    with atomic_text(folder / "boxes.mot.txt") as file:
        file.writelines(f"{line}\n" for _, _, line in sorted(rows))
    return [folder / "boxes.mot.txt"]


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
