"""What a person said of an analysis: names of faces, faces that are one person or several, labels, markers.

Corrections lie beside the result, in ``corrections.json``, never over it: the machine's own answer stays what it was.
Every export contains them, marked as a person's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.errors import InputError
from avcer.files import atomic_text
from avcer.labels import BASIC, NONE
from avcer.parsing import json_of
from avcer.types import Double, Kind, Segment

FILE: Final = "corrections.json"
FORMAT: Final = "avcer-corrections"
VERSION: Final = 1
_MOST_FACES: Final = 1 << 31
_MOST_SECONDS: Final = 1e12
"""More is no time, and could not be counted in milliseconds."""


@dataclass(frozen=True)
class Correction:
    """A stretch of one face (None: the voice) that a person labelled: seconds of the file's own clock."""

    face: int | None
    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Marker:
    """A moment that a person marked, in seconds of the file's own clock, and what it is."""

    time_s: float
    text: str


@dataclass(frozen=True)
class Split:
    """From ``time_s`` on (seconds of the file's own clock) what was followed as ``face`` is another one, ``into``."""

    face: int
    time_s: float
    into: int


@dataclass(frozen=True)
class Corrections:
    """``names``: face -> its name. ``merged``: face -> the face that it is part of. The rest as the classes say."""

    names: Mapping[int, str] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)
    segments: Sequence[Correction] = ()
    markers: Sequence[Marker] = ()
    splits: Sequence[Split] = ()

    def part(self, face: int | None, time_s: float) -> int | None:
        """The face that a person made of ``face`` at a moment: itself, unless it was split before."""
        seen = set()
        while face not in seen:
            seen.add(face)
            before = [one for one in self.splits if one.face == face and one.time_s <= time_s]
            face = max(before, key=lambda one: one.time_s).into if before else face
        return face

    def person(self, face: int | None) -> int | None:
        """The face that ``face`` is part of: itself, unless a person merged it into another."""
        seen = set()
        while face is not None and face in self.merged and face not in seen:
            seen.add(face)
            face = self.merged[face]
        return face

    def who(self, face: int | None, time_s: float) -> int | None:
        """The person whom a person saw in ``face`` at a moment: split first, then merged."""
        return self.person(self.part(face, time_s))

    def whos(self, face: int | None, times_s: Double) -> Double:
        """The same at each of these moments; NaN for sound alone."""
        cuts = sorted({one.time_s for one in self.splits})
        found = [self.who(face, time_s) for time_s in (-math.inf, *cuts)]
        people: Double = np.array([np.nan if one is None else one for one in found], np.float64)
        return people[np.searchsorted(cuts, times_s, side="right")]

    def name(self, face: int | None) -> str:
        """What the tier of a face is called: the name that a person gave, else its number; 'Voice' for sound alone."""
        if face is None:
            return "Voice"
        return self.names.get(face) or f"Face {face}"


def read_corrections(folder: Path) -> Corrections:
    """The corrections beside a result; none where there is no such file.

    Raises:
        InputError: the file is damaged, or not of this kind.
    """
    path = folder / FILE
    if not path.exists():
        return Corrections()
    try:
        return parse_corrections(json_of(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as corrections ({error}); mend or remove it") from error


def parse_corrections(document: Any, strict: bool = False) -> Corrections:
    """The corrections of a JSON document; ``strict``: keys that say nothing, which may be misspelt, are refused.

    Raises:
        ValueError: it is not such a document.
    """
    if not isinstance(document, Mapping) or not {"format", "version"} <= document.keys():
        raise ValueError("it must be an object with format and version")
    if document["format"] != FORMAT or document["version"] != VERSION:
        told = f"{document['format']!r:.60} {document['version']!r:.60}"
        raise ValueError(f"its format is {told}, not {FORMAT!r} {VERSION}")
    if strict:
        _check_keys(document, ("format", "version", *(one.name for one in fields(Corrections))), "it")
    return Corrections(
        names={_face(face): _text(name) for face, name in _by_face(document, "names")},
        merged={_face(face): _face(into) for face, into in _by_face(document, "merged")},
        segments=tuple(_correction(entry) for entry in _entries(document, "segments", Correction, strict)),
        markers=tuple(
            Marker(_time(entry["time_s"]), _text(entry["text"]))
            for entry in _entries(document, "markers", Marker, strict)
        ),
        splits=tuple(_split(entry) for entry in _entries(document, "splits", Split, strict)),
    )


def write_corrections(corrections: Corrections, folder: Path) -> Path:
    """Writes ``corrections.json`` into the folder of a result.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / FILE
    with atomic_text(path) as file:
        json.dump(as_document(corrections), file, indent=2)
        file.write("\n")
    return path


def as_document(corrections: Corrections) -> dict[str, Any]:
    """The corrections as plain JSON, which ``parse_corrections`` reads."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "names": {str(face): name for face, name in corrections.names.items()},
        "merged": {str(face): into for face, into in corrections.merged.items()},
        "segments": [asdict(one) for one in corrections.segments],
        "markers": [asdict(one) for one in corrections.markers],
        "splits": [asdict(one) for one in corrections.splits],
    }


def corrected(segments: Sequence[Segment], corrections: Corrections) -> list[tuple[Segment, bool]]:
    """Every segment, by start, and whether it is a person's. A person's takes the place of the machine's in its span.

    Faces that were split are several, and those that were merged are one. A person's segment has the probability 1.
    """
    machine = [part for one in segments for part in of_people(one, corrections)]
    people = labelled(corrections)
    kept = [(part, False) for one in machine for part in _outside(one, people)]
    return sorted([*kept, *((one, True) for one in people)], key=lambda item: (item[0].start_s, item[0].end_s))


def labelled(corrections: Corrections) -> list[Segment]:
    """What a person labelled, by person and start. No two of one person overlap: of labels that do (of two faces that
    were then merged, say), the one that starts later counts, and of those that start together the later in the list.
    """
    given = [
        Segment(one.face, one.start_s, one.end_s, one.label, _kind(one.label), None, 1.0)
        for one in corrections.segments
    ]
    parts = [part for one in given for part in of_people(one, corrections)]
    parts.sort(key=lambda one: (-1 if one.face is None else one.face, one.start_s))
    return [one for _, of_one in groupby(parts, key=lambda one: one.face) for one in _apart(of_one)]


def of_people(segment: Segment, corrections: Corrections) -> list[Segment]:
    """A segment of a face as segments of the people whom a person saw in it."""
    if not (corrections.splits or corrections.merged):
        return [segment]  # at once: an hour has tens of thousands
    inside = {one.time_s for one in corrections.splits if segment.start_s < one.time_s < segment.end_s}
    edges = [segment.start_s, *sorted(inside), segment.end_s]
    parts: list[Segment] = []
    for start_s, end_s in pairwise(edges):
        face = corrections.who(segment.face, start_s)
        if parts and parts[-1].face == face:
            parts[-1] = replace(parts[-1], end_s=end_s)
        else:
            parts.append(replace(segment, face=face, start_s=start_s, end_s=end_s))
    return parts


def _check_keys(found: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    """Raises ValueError for a key that is not ``known``."""
    for key in found:
        if key not in known:
            raise ValueError(f"{what} has {key!r:.60}, which says nothing; there are {', '.join(known)}")


def _by_face(document: Mapping[str, Any], part: str) -> Iterable[tuple[str, Any]]:
    """Face and value of each entry of an object."""
    found = document.get(part, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"{part} must be an object with faces as its keys")
    return found.items()


def _entries(document: Mapping[str, Any], part: str, kind: type, strict: bool) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; each has the fields of the class ``kind``."""
    found, keys = document.get(part, []), [one.name for one in fields(kind)]
    if not isinstance(found, list) or not all(isinstance(one, Mapping) and set(keys) <= one.keys() for one in found):
        raise ValueError(f"{part} must be a list of objects with {', '.join(keys)}")
    if strict:
        for one in found:
            _check_keys(one, keys, f"an entry of {part}")
    return found


def _split(entry: Mapping[str, Any]) -> Split:
    return Split(_face(entry["face"]), _time(entry["time_s"]), _face(entry["into"]))


def _correction(entry: Mapping[str, Any]) -> Correction:
    face = None if entry["face"] is None else _face(entry["face"])
    found = Correction(face, _time(entry["start_s"]), _time(entry["end_s"]), _text(entry["label"]))
    if found.start_s >= found.end_s:
        raise ValueError(f"a segment from {found.start_s:g} to {found.end_s:g} s: its start must be before its end")
    return found


def _face(value: Any) -> int:
    try:
        face = -1 if isinstance(value, bool) or not isinstance(value, (int, str)) else int(value)
    except ValueError:  # a text that is no number
        face = -1
    if not 0 <= face < _MOST_FACES:
        raise ValueError(f"{value!r:.60} is no number of a face")
    return face


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _MOST_SECONDS:
        raise ValueError(f"{value!r:.60} is no time in seconds")
    return float(value)


def _kind(label: str) -> Kind:
    """Of a label that a person gave, in a vocabulary of theirs perhaps."""
    if label == BASIC[0]:
        return "neutral"
    return "none" if label == NONE else "basic" if label in BASIC else "compound"


def _outside(segment: Segment, people: Sequence[Segment]) -> list[Segment]:
    """What of a segment no person's segment of the same face covers."""
    parts = [segment]
    for one in people:
        if one.face == segment.face:
            parts = [piece for part in parts for piece in _minus(part, one)]
    return parts


def _apart(parts: Iterable[Segment]) -> list[Segment]:
    """One person's stretches, by start; each cuts those before it."""
    done: list[Segment] = []
    open_still: list[Segment] = []
    for one in parts:
        done += [part for part in open_still if part.end_s <= one.start_s]
        running = [part for part in open_still if part.end_s > one.start_s]
        open_still = [*(piece for part in running for piece in _minus(part, one)), one]
    return sorted(done + open_still, key=lambda one: one.start_s)


def _minus(part: Segment, one: Segment) -> list[Segment]:
    if one.end_s <= part.start_s or one.start_s >= part.end_s:
        return [part]
    before = [replace(part, end_s=one.start_s)] if one.start_s > part.start_s else []
    after = [replace(part, start_s=one.end_s)] if one.end_s < part.end_s else []
    return before + after


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r:.60} is no text, or an empty one")
    return value
