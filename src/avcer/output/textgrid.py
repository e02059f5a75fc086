"""``segments.TextGrid`` for Praat: an interval tier for each face, gaps filled, and a point tier of markers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avcer.analysis import Analysis
from avcer.files import atomic
from avcer.output.record import announce
from avcer.output.tiers import MARKERS, Interval, Tiers

PERSON = "*"
"""Behind a label that a person gave."""


def write_textgrid(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes Praat's long text format. All tiers begin at 0 and end together; where nobody named anything, the interval
    is empty.

    Raises:
        OutputError: the file cannot be written.
    """
    path = folder / "segments.TextGrid"
    with atomic(path) as part:
        with part.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.writelines(f"{line}\n" for line in _lines(tiers))
        announce(part, path)
    return [path]


def _lines(tiers: Tiers) -> Iterator[str]:
    end = _seconds(tiers.end_ms)
    count = len(tiers.tiers) + bool(tiers.markers)
    yield from ('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}")
    yield from ("tiers? <exists>", f"size = {count}", "item []:")
    for number, tier in enumerate(tiers.tiers, start=1):
        filled = list(_filled(tier.intervals, tiers.end_ms))
        yield from _head(number, "IntervalTier", tier.name, end)
        yield f"        intervals: size = {len(filled)}"
        for place, (start_ms, end_ms, text) in enumerate(filled, start=1):
            yield f"        intervals [{place}]:"
            yield f"            xmin = {_seconds(start_ms)}"
            yield f"            xmax = {_seconds(end_ms)}"
            yield f"            text = {_quoted(text)}"
    if tiers.markers:
        yield from _head(count, "TextTier", MARKERS, end)
        yield f"        points: size = {len(tiers.markers)}"
        for place, (time_ms, text) in enumerate(tiers.markers, start=1):
            yield f"        points [{place}]:"
            yield f"            number = {_seconds(min(time_ms, tiers.end_ms))}"
            yield f"            mark = {_quoted(text)}"


def _head(number: int, kind: str, name: str, end: str) -> Iterator[str]:
    yield f"    item [{number}]:"
    yield f'        class = "{kind}"'
    yield f"        name = {_quoted(name)}"
    yield "        xmin = 0"
    yield f"        xmax = {end}"


def _filled(intervals: tuple[Interval, ...], end_ms: int) -> Iterator[tuple[int, int, str]]:
    reached_ms = 0
    for one in intervals:
        if one.start_ms > reached_ms:
            yield reached_ms, one.start_ms, ""
        yield one.start_ms, one.end_ms, one.label + (PERSON if one.by_person else "")
        reached_ms = one.end_ms
    if reached_ms < end_ms:
        yield reached_ms, end_ms, ""


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
