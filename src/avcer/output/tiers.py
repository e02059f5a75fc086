"""Tiers: the segments of an analysis as annotation programs want them, one row of intervals for each face.

Times are whole milliseconds on the clock of a player, which shows the first frame at 0. In a tier no interval is empty,
none overlaps another, and they rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from avcer.analysis import Analysis
from avcer.labels import NONE
from avcer.output.corrections import Corrections, corrected, read_corrections
from avcer.output.times import zero
from avcer.types import Double

PROGRAM: Final = "avcer"
"""Who annotated what no person did."""
MARKERS: Final = "Markers"
"""The tier of what a person marked."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch with one label: whole milliseconds, and whether a person said it."""

    start_ms: int
    end_ms: int
    label: str
    probability: float
    by_person: bool


@dataclass(frozen=True)
class Tier:
    """The intervals of one face (None: what was decided from sound alone), under its name."""

    face: int | None
    name: str
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class Tiers:
    """All tiers of a clip, the markers of a person (milliseconds, text), and where all tiers end.

    ``labels``: what annotators can choose from. It is alike for all clips that were analysed alike: every label that
    the analysis could say, in its order, then those that a person added.
    """

    tiers: tuple[Tier, ...]
    markers: tuple[tuple[int, str], ...]
    end_ms: int
    labels: tuple[str, ...]


def tiers_of(analysis: Analysis, folder: Path) -> Tiers:
    """The tiers of an analysis, with the corrections that lie in ``folder``.

    Raises:
        InputError: the corrections cannot be read.
    """
    corrections = read_corrections(folder)
    zero_s = zero(analysis, "start")
    rows: dict[int | None, list[Interval]] = {one: [] for one in _people(analysis, corrections)}
    for segment, by_person in corrected(analysis.segments, corrections):
        if segment.label == NONE:
            continue
        start_ms, end_ms = _whole_ms(segment.start_s - zero_s), _whole_ms(segment.end_s - zero_s)
        rows.setdefault(segment.face, []).append(
            Interval(start_ms, end_ms, one_line(segment.label), segment.probability, by_person)
        )
    names = _names(rows, corrections)
    tiers = tuple(Tier(face, names[face], tuple(_apart(found))) for face, found in rows.items())
    markers = tuple((_whole_ms(one.time_s - zero_s), one_line(one.text)) for one in corrections.markers)
    last_ms = max((one.end_ms for tier in tiers for one in tier.intervals), default=0)
    end_ms = max(last_ms, round(analysis.clip.duration_s * 1000), 1)
    return Tiers(tiers, tuple(sorted(markers)), end_ms, _labels(analysis, tiers))


def players_ms(analysis: Analysis, times_s: Double) -> Double:
    """Whole milliseconds after the moment that a player shows as 0 (or as ``--times`` says), never below it, of many
    times ``(T,)``.
    """
    milliseconds: Double = np.maximum(np.rint((times_s - zero(analysis, "start")) * 1000), 0.0)
    return milliseconds


def one_line(text: str) -> str:
    """``text`` without line breaks and without the control characters that XML cannot hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _people(analysis: Analysis, corrections: Corrections) -> list[int | None]:
    """Whoever is there on a frame, face by face."""
    found: dict[int | None, None] = {}
    for face in analysis.faces:
        for one in np.unique(corrections.whos(face.id, analysis.times_s[face.frames])).tolist():
            found[None if np.isnan(one) else int(one)] = None
    return list(found)


def _whole_ms(time_s: float) -> int:
    """The same of one time, in seconds from that moment."""
    return max(round(time_s * 1000), 0)


def below(name: str) -> str:
    """What a tier is called that hangs below the tier ``name`` and says how probable its labels are."""
    return f"{name}: probability"


def _names(rows: dict[int | None, list[Interval]], corrections: Corrections) -> dict[int | None, str]:
    """A name for each tier; programs want them to differ, so one that is taken gets the face's number. Taken are the
    names of the markers' tier and of those below, too.
    """
    names: dict[int | None, str] = {}
    taken = {MARKERS}
    for face in rows:
        name = one_line(corrections.name(face)) or f"Face {face}"
        while taken & {name, below(name)}:
            name = f"{name} ({face})"
        names[face] = name
        taken |= {name, below(name)}
    return names


def _labels(analysis: Analysis, tiers: tuple[Tier, ...]) -> tuple[str, ...]:
    could_be = (one_line(label) for label in analysis.labels)
    return tuple(dict.fromkeys([*could_be, *(one.label for tier in tiers for one in tier.intervals)]))


def _apart(intervals: list[Interval]) -> list[Interval]:
    """Rounded intervals that are not empty and do not overlap."""
    found: list[Interval] = []
    for one in sorted(intervals, key=lambda item: item.start_ms):
        start_ms = max(one.start_ms, found[-1].end_ms if found else 0)
        if one.end_ms > start_ms:
            found.append(Interval(start_ms, one.end_ms, one.label, one.probability, one.by_person))
    return found
