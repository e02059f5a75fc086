"""The segments as subtitles, SubRip and WebVTT: one cue for each stretch of an emotion or a blend.

``none`` and ``Neutral`` get no cue: most of most videos is neutral, and a caption all the time would hide the changes.

Times count from the start of the clip, as players do, unless ``--times file`` was asked for. Corrections of a person
that lie beside the file go before the machine's labels.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.output.corrections import corrected, read_corrections
from avcer.output.times import zero

_SILENT: Final = ("none", "neutral")
"""The kinds of segments that get no cue."""


def write_srt(analysis: Analysis, path: Path) -> Path:
    """Writes SubRip subtitles to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_text(path) as file:
        for number, (start_s, end_s, text) in enumerate(_cues(analysis, path.parent), start=1):
            file.write(f"{number}\n{_clock(start_s, ',')} --> {_clock(end_s, ',')}\n{text}\n\n")
    return path


def write_vtt(analysis: Analysis, path: Path) -> Path:
    """Writes WebVTT subtitles to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_text(path) as file:
        file.write("WEBVTT\n\n")
        for start_s, end_s, text in _cues(analysis, path.parent):
            file.write(f"{_clock(start_s, '.')} --> {_clock(end_s, '.')}\n{html.escape(text, quote=False)}\n\n")
    return path


def _cues(analysis: Analysis, folder: Path) -> Iterator[tuple[float, float, str]]:
    """Start and end in seconds, and the text, with the corrections in ``folder``; several faces are told apart by the
    name that a person gave, or their number.
    """
    several = len(analysis.faces) > 1
    zero_s = zero(analysis, "start")
    said = read_corrections(folder)
    for segment, _ in corrected(analysis.segments, said):
        if segment.kind in _SILENT:
            continue
        speaker = said.name(segment.face)
        name = " ".join(segment.label.split())
        text = f"{name} ({segment.probability:.2f})"
        yield segment.start_s - zero_s, segment.end_s - zero_s, f"{speaker}: {text}" if several else text


def _clock(time_s: float, point: str) -> str:
    milliseconds = max(round(time_s * 1000), 0)  # a player knows nothing before 0
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{milliseconds:03d}"
