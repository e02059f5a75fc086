"""The segments as subtitles, SubRip and WebVTT: one cue for each stretch of an emotion or a blend.

``none`` and ``Neutral`` get no cue: most of most videos is neutral, and a caption all the time would hide the changes.

What a person corrected is marked so, and faces have the names that a person gave.

Times count from the start of the clip, as players do, unless ``--times file`` was asked for.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.labels import BASIC
from avcer.output.corrections import read_corrections
from avcer.output.tiers import Tiers


def write_srt(analysis: Analysis, path: Path, tiers: Tiers) -> Path:
    """Writes SubRip subtitles to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_text(path) as file:
        for number, (start_ms, end_ms, text) in enumerate(_cues(analysis, path.parent, tiers), start=1):
            file.write(f"{number}\n{_clock(start_ms, ',')} --> {_clock(end_ms, ',')}\n{text}\n\n")
    return path


def write_vtt(analysis: Analysis, path: Path, tiers: Tiers) -> Path:
    """Writes WebVTT subtitles to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_text(path) as file:
        file.write("WEBVTT\n\n")
        for start_ms, end_ms, text in _cues(analysis, path.parent, tiers):
            file.write(f"{_clock(start_ms, '.')} --> {_clock(end_ms, '.')}\n{html.escape(text, quote=False)}\n\n")
    return path


def _cues(analysis: Analysis, folder: Path, tiers: Tiers) -> Iterator[tuple[int, int, str]]:
    """Start and end in milliseconds, and the text; several faces, and those with a name, are told apart by it."""
    named = bool(read_corrections(folder).names) or max(len(analysis.faces), len(tiers.tiers)) > 1
    cues = [(one, tier.name) for tier in tiers.tiers for one in tier.intervals]
    for one, name in sorted(cues, key=lambda cue: cue[0].start_ms):
        if one.label == BASIC[0]:
            continue
        text = f"{one.label} ({'corrected' if one.by_person else f'{one.probability:.2f}'})"
        yield one.start_ms, one.end_ms, (f"{name}: {text}" if named else text).replace("-->", "->")


def _clock(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{milliseconds:03d}"
