"""What a timeline tells of an analysis: whoever leads, each face by its time on screen, and what there is no room for.

Nothing here draws. All is cut down to what the page can show, so that ten hours take no more than ten seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.segments import frame_ends
from avcer.faces.leadership import NOBODY
from avcer.labels import BASIC, NONE
from avcer.modalities import FUSED
from avcer.output.colours import Label, colours_of
from avcer.output.columns import COLUMNS, Profile, profile
from avcer.output.runs import Runs, find_runs, in_columns, joined
from avcer.output.shares import share_text
from avcer.types import Boolean, Double

MOST_PANELS: Final = 6

Part = tuple[FaceAnalysis, Boolean | None]
"""A face, and which of its rows ``(F,)``; None for all."""


@dataclass(frozen=True, eq=False)
class Told:
    """What one panel tells: whose it is, what takes how much of the decided time, the stretches of AV and of each
    modality alone by its heading, and the fused probabilities of the seven. ``face`` is None for what is told of
    whoever leads.
    """

    name: str
    face: int | None
    on_screen_s: float
    summary: str
    runs: Mapping[str, Runs]
    emotions: Profile


@dataclass(frozen=True, eq=False)
class Story:
    """``leading``: whoever leads, the sound alone where no face is there. ``panels``: one face each, longest on screen
    first; one of no face where there is none. ``rest``: the names of the faces that have no panel. ``limits_s`` are
    those of the time axis. ``together``: whether one face leads all the time, so that its panel is the leading story.
    """

    leading: Told
    panels: tuple[Told, ...]
    rest: tuple[str, ...]
    labels: tuple[Label, ...]
    moments_s: Double
    ends_s: Double
    limits_s: tuple[float, float]
    together: bool


def tell(analysis: Analysis) -> Story:
    """Gathers what is to be drawn."""
    ends_s = frame_ends(analysis.times_s, analysis.clip)
    # Recordings of broadcasts begin at any time of their clock, hours after 0.
    first = float(analysis.times_s[0]) if len(ends_s) else 0.0
    last = float(ends_s[-1]) if len(ends_s) else analysis.clip.duration_s
    limits_s = (first, last if last > first else first + 1.0)
    teller = _Teller(analysis, ends_s, limits_s)
    faces = sorted(
        (face for face in analysis.faces if face.track), key=lambda face: (-round(teller.seen_s(face), 3), face.id)
    )
    together = set(analysis.leads.tolist()) <= {analysis.primary, NOBODY}
    leading = teller.leading(together)
    panels = [
        leading if together and face.id == analysis.primary else teller.face(face) for face in faces[:MOST_PANELS]
    ]
    return Story(
        leading=leading,
        panels=tuple(panels) or (leading,),
        rest=tuple(str(face.id) for face in faces[MOST_PANELS:]),
        labels=tuple(Label(name, colours_of(name, analysis.vocabulary)) for name in analysis.labels),
        moments_s=(analysis.times_s + ends_s) / 2,
        ends_s=ends_s,
        limits_s=limits_s,
        together=together,
    )


class _Teller:
    """Makes the panels' contents of the rows of one or several faces."""

    def __init__(self, analysis: Analysis, ends_s: Double, limits_s: tuple[float, float]) -> None:
        self._analysis, self._ends_s, self._limits_s = analysis, ends_s, limits_s
        self._headings = (FUSED, *(modality.curve for modality in analysis.modalities))

    def seen_s(self, face: FaceAnalysis) -> float:
        """How long a face is on screen."""
        if face.track is None:
            return 0.0
        seen = face.track.frames
        return float((self._ends_s[seen] - self._analysis.times_s[seen]).sum())

    def face(self, face: FaceAnalysis) -> Told:
        """One face alone."""
        return self._told(f"Face {face.id}", face.id, self.seen_s(face), [(face, None)])

    def leading(self, together: bool) -> Told:
        """Whoever leads, and what is decided without a face."""
        analysis = self._analysis
        parts = [(face, analysis.led(face)) for face in analysis.faces]
        if analysis.primary is None:
            return self._told("No face", None, 0.0, parts)
        if not together:
            return self._told("Leading face", None, 0.0, parts)
        return self._told(f"Face {analysis.primary}", analysis.primary, self.seen_s(analysis[analysis.primary]), parts)

    def _told(self, name: str, face: int | None, seen_s: float, parts: Sequence[Part]) -> Told:
        runs = {heading: self._runs(heading, parts) for heading in self._headings}
        return Told(
            name=name,
            face=face,
            on_screen_s=seen_s,
            summary=share_text(self._seconds(runs[FUSED])),
            runs={heading: in_columns(one, self._limits_s, COLUMNS) for heading, one in runs.items()},
            emotions=self._emotions(parts),
        )

    def _runs(self, heading: str, parts: Sequence[Part]) -> Runs:
        found = []
        for face, chosen in parts:
            timeline, frames = face.curve(heading), face.frames
            if chosen is not None and not chosen.all():
                timeline, frames = timeline.rows(chosen), frames[chosen]
            found.append(find_runs(timeline, frames, self._ends_s))
        return joined(found)

    def _seconds(self, runs: Runs) -> dict[str, float]:
        names = (*self._analysis.labels, NONE)
        return {
            names[place]: float(runs.durations_s[runs.classes == place].sum())
            for place in np.unique(runs.classes).tolist()
        }

    def _emotions(self, parts: Sequence[Part]) -> Profile:
        """The fused values, divided by their total, on all frames of the clip."""
        times_s = self._analysis.times_s
        rows = np.full((len(times_s), len(BASIC)), np.nan)
        for face, chosen in parts:
            told = face.fused.valid if chosen is None else face.fused.valid & chosen
            values = face.fused.values[told]
            total = values.sum(axis=1, keepdims=True)
            rows[face.frames[told]] = values / np.where(total > 0, total, 1.0)
        return profile(np.stack([times_s, self._ends_s], axis=1), rows, COLUMNS)
