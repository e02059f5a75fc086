"""What is to be drawn: of every frame the faces on it, who leads, what is said; of every person the stretches of time.

Corrections of a person go before what the machine says, as in every export.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.labels import BASIC, NONE
from avcer.output.annotated.ink import Colour
from avcer.output.colours import EMOTIONS, UNKNOWN, bgr
from avcer.output.corrections import Corrections, corrected, labelled
from avcer.types import Double, Float, Segment

FAINT: Final = (90, 86, 82)
"""Where no label can be said."""


@dataclass(frozen=True)
class Said:
    """A label: its text, the share of its first emotion (1 for a single one), the colours of its emotions, how likely
    it is (None where a person said it).
    """

    label: str
    share: float
    colours: tuple[Colour, ...]
    probability: float | None

    @property
    def text(self) -> str:
        """The label; with a star where a person said it."""
        return self.label if self.probability is not None else f"{self.label}*"

    @property
    def percent(self) -> str:
        """How likely it is, in words; nothing of 'none'."""
        return "" if self.probability is None or self.label == NONE else f"{100 * self.probability:.0f} %"


@dataclass(frozen=True)
class Seen:
    """A face on a frame: who it is, its box in pixels of the frame, whether it leads, what is said of it."""

    name: str
    box: Float
    leads: bool
    said: Said | None


@dataclass(frozen=True)
class Moment:
    """A frame: its faces; of whoever leads the name, what is said, what each curve says, and the seven ``(7,)``."""

    faces: tuple[Seen, ...]
    name: str
    said: Said | None
    curves: tuple[tuple[str, str], ...]
    seven: Double | None


@dataclass(frozen=True)
class Stretch:
    """A stretch of a ribbon, in seconds of the recording."""

    start_s: float
    end_s: float
    said: Said


@dataclass(frozen=True)
class Ribbon:
    """The stretches of a person, by start, and the name."""

    name: str
    stretches: tuple[Stretch, ...]


class Facts:
    """Looks up what an analysis, and a person's corrections of it, say."""

    def __init__(self, analysis: Analysis, corrections: Corrections) -> None:
        self._analysis = analysis
        self._corrections = corrections
        self._emotions = {one.name: (one.first, one.second) for one in analysis.vocabulary.compounds}
        tracks = [face.track for face in analysis.faces if face.track is not None]
        # Clipped: an analysis of other frames is refused later, in words.
        times = [(track.id, analysis.times_s.take(track.frames, mode="clip")) for track in tracks]
        people = {one for face, times_s in times for one in corrections.whos(face, times_s).tolist()}
        self._named = len(people) > 1 or bool(corrections.names)
        self._labelled: dict[int | None, list[Segment]] = {}
        for one in labelled(corrections):
            self._labelled.setdefault(one.face, []).append(one)

    def moments(self) -> Iterator[Moment]:
        """Every frame, in order."""
        coming = sorted(self._analysis.faces, key=lambda face: int(face.frames[0]) if len(face.frames) else 0)
        alive: list[FaceAnalysis] = []
        for frame in range(len(self._analysis.times_s)):
            while coming and (not len(coming[0].frames) or coming[0].frames[0] <= frame):
                alive.append(coming.pop(0))
            alive = [face for face in alive if len(face.frames) and face.frames[-1] >= frame]
            rows = [(face, int(np.searchsorted(face.frames, frame))) for face in alive]
            yield self._moment(frame, [(face, row) for face, row in rows if face.frames[row] == frame])

    def ribbons(self, most: int) -> tuple[Ribbon, ...]:
        """Those of the persons of whom something is said for the longest time, at most so many, by id."""
        stretches: dict[int | None, list[Stretch]] = {}
        for segment, by_person in corrected(self._analysis.segments, self._corrections):
            if segment.label != NONE:
                said = self._said(segment.label, segment.salience, None if by_person else segment.probability)
                stretches.setdefault(segment.face, []).append(Stretch(segment.start_s, segment.end_s, said))
        longest = sorted(stretches, key=lambda one: -sum(part.end_s - part.start_s for part in stretches[one]))[:most]
        longest.sort(key=lambda one: (one is None, one))
        return tuple(Ribbon(self._corrections.name(one), tuple(stretches[one])) for one in longest)

    def _moment(self, frame: int, rows: list[tuple[FaceAnalysis, int]]) -> Moment:
        time_s, leads = float(self._analysis.times_s[frame]), int(self._analysis.leads[frame])
        seen, leader = [], None
        for face, row in rows:
            said = self._said_of(face, row, time_s)
            if (face.id if face.id is not None else -1) == leads:
                leader = (face, row, said)
            if face.track is not None:
                place = int(np.searchsorted(face.track.frames, frame))
                if place < len(face.track.frames) and face.track.frames[place] == frame:
                    name = self._name(face, time_s) if self._named else ""
                    seen.append(Seen(name, face.track.boxes[place], face.id == leads, said))
        seen.sort(key=lambda one: one.leads)  # drawn last, above the others
        if leader is None:
            return Moment(tuple(seen), "", None, (), None)
        face, row, said = leader
        return Moment(tuple(seen), self._name(face, time_s), said, self._curves(face, row), _seven(face, row))

    def _name(self, face: FaceAnalysis, time_s: float) -> str:
        return self._corrections.name(self._corrections.who(face.id, time_s))

    def _said_of(self, face: FaceAnalysis, row: int, time_s: float) -> Said | None:
        if (person := self._correction(face, time_s)) is not None:
            return self._said(person.label, None, None)
        line = face.expression
        if not line.valid[row]:
            return None
        salience = float(line.salience[row])
        label = line.label(int(line.classes[row]))
        return self._said(label, None if np.isnan(salience) else salience, float(line.probability[row]))

    def _correction(self, face: FaceAnalysis, time_s: float) -> Segment | None:
        said = self._labelled.get(self._corrections.who(face.id, time_s), ())
        return next((one for one in said if one.start_s <= time_s < one.end_s), None)

    def _said(self, label: str, salience: float | None, probability: float | None) -> Said:
        emotions = self._emotions.get(label, (label,))
        colours = tuple(bgr(EMOTIONS.get(emotion, UNKNOWN)) for emotion in emotions)
        colours = colours if label != NONE else (FAINT,)
        share = 1.0 if len(emotions) == 1 else 0.5 if salience is None else salience / 100
        return Said(label, share, colours, probability)

    def _curves(self, face: FaceAnalysis, row: int) -> tuple[tuple[str, str], ...]:
        return tuple(
            (heading, line.label(int(line.classes[row])) if line.valid[row] else "—")
            for heading, line in face.curves.items()
        )


def _seven(face: FaceAnalysis, row: int) -> Double | None:
    total = float(face.fused.values[row].sum())
    if not face.fused.valid[row] or total <= 0 or face.fused.values.shape[1] != len(BASIC):
        return None
    seven: Double = face.fused.values[row] / total
    return seven
