"""The machine against the annotator: frame by frame, segment by segment, and where they differ most.

The label of a frame is the one that the annotator's stretch has in the middle of the time that the frame is shown:
annotation programs keep whole milliseconds, and a frame's first moment may fall on either side of an edge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis
from avcer.annotations.labels import Label
from avcer.decision.segments import frame_ends
from avcer.errors import InputError
from avcer.labels import NONE
from avcer.output.corrections import read_corrections
from avcer.output.document import load_json
from avcer.output.many import clip_of, documents
from avcer.output.tiers import PROGRAM, tiers_of
from avcer.output.times import zero
from avcer.types import Double, ExpressionTimeline

Names = NDArray[Any]
"""``(T,)``: a label, or None where nothing is said."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One tier of one clip, T frames: what the annotator and the machine say ``(T,)``; from when to when each frame is
    shown ``(T,)``; which of the annotator's stretches it lies in ``(T,)``, -1 for none. ``by`` is the
    annotator and the file; ``face`` is whom the machine speaks of, in words. ``own``: how many of the annotator's
    ``stretches`` are an export's, with nobody's name on them and unchanged: there the machine meets itself.
    """

    clip: str
    tier: str
    by: tuple[str, str]
    face: str
    said: Names
    machine: Names
    starts_s: Double
    ends_s: Double
    stretch: NDArray[np.int64]
    stretches: int
    own: int

    @property
    def both(self) -> NDArray[np.bool_]:
        """``(T,)``: frames on which both say something."""
        return known(self.said) & known(self.machine)


def compare(labels: Iterable[Label], results: Sequence[Path]) -> tuple[list[Compared], list[str]]:
    """Every tier of the labels beside the stored analysis of its clip, and the clips of which there is none.

    Raises:
        InputError: a result cannot be read, or two are of clips with one name.
    """
    by_clip: dict[Path, list[Label]] = defaultdict(list)
    for label in labels:
        by_clip[label.clip].append(label)
    stored = _Stored(results)
    found: list[Compared] = []
    left_out: list[str] = []
    for clip, rows in by_clip.items():
        document = stored.of(clip)
        if document is None:
            left_out.append(str(clip))
        else:
            found += _of_clip(document, rows)
    return found, left_out


class _Stored:
    """Stored analyses by the clip that they are of."""

    def __init__(self, results: Sequence[Path]) -> None:
        self._by_path: dict[Path, list[Path]] = defaultdict(list)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for place in results:
            for document in documents(place):
                described = clip_of(document)
                clip = load_json(document).clip.path if described is None else described.path
                self._by_path[clip.absolute().resolve()].append(document)
                for name in {clip.name, clip.stem}:
                    self._by_name[name].append(document)

    def of(self, clip: Path) -> Path | None:
        """The document of a clip: by its path, else by its name, else by its name without suffix."""
        for found in (self._by_path.get(clip.absolute().resolve()), *map(self._by_name.get, (clip.name, clip.stem))):
            if found and len(found) > 1:
                raise InputError(f"{found[1]}: is of a clip named {clip.name}, and so is {found[0]}; give one RESULT")
            if found:
                return found[0]
        return None


def _of_clip(document: Path, labels: Sequence[Label]) -> Iterator[Compared]:
    analysis = load_json(document)
    people = _People(analysis, document.parent)
    starts_s = analysis.times_s - analysis.clip.start_s
    ends_s = frame_ends(analysis.times_s, analysis.clip) - analysis.clip.start_s
    tiers: dict[tuple[str, str, str, str], list[Label]] = defaultdict(list)
    for one in labels:
        tiers[one.annotator, one.source, one.tier, one.speaker].append(one)
    people.check(tiers, document)
    for (annotator, source, tier, speaker), rows in tiers.items():
        said, stretch = _on_frames(rows, (starts_s + ends_s) / 2)
        face, machine = people.machine(tier, speaker)
        clip = analysis.clip.path.name
        yield Compared(clip, tier, (annotator, source), face, said, machine, starts_s, ends_s, stretch, len(rows),
                       sum(map(people.unchanged, rows)))  # fmt: skip


def _on_frames(labels: Sequence[Label], middles_s: Double) -> tuple[Names, NDArray[np.int64]]:
    """The label of each frame, and the number of its stretch. Of stretches that overlap, the later one counts."""
    said, stretch = np.full(len(middles_s), None, object), np.full(len(middles_s), -1)
    for number, one in enumerate(sorted(labels, key=lambda one: one.start_s)):
        first, last = np.searchsorted(middles_s, (one.start_s, one.end_s))
        said[first:last], stretch[first:last] = one.label, number
    return said, stretch


class _People:
    """What the machine says of whom, by the names of the tiers that an export writes."""

    def __init__(self, analysis: Analysis, folder: Path) -> None:
        self._analysis = analysis
        self._corrections = read_corrections(folder)
        tiers = tiers_of(analysis, folder).tiers
        self._faces = {tier.name.casefold(): (tier.name, tier.face) for tier in tiers}
        for tier in tiers:  # where an export had to change a name that a person gave: under that, too
            self._faces.setdefault(self._corrections.name(tier.face).casefold(), (tier.name, tier.face))
        self._exported = {
            (tier.face, one.start_ms, one.end_ms, one.label)
            for tier in tiers for one in tier.intervals if not one.by_person
        }  # fmt: skip
        self._export_s = analysis.clip.start_s - zero(analysis, "start")

    def check(self, tiers: Iterable[tuple[str, str, str, str]], document: Path) -> None:
        """Two tiers of one file that name no face may be two people, of whom only one can lead.

        Raises:
            InputError: there are such tiers, and more than one face.
        """
        nameless: dict[tuple[str, str], list[str]] = defaultdict(list)
        for annotator, source, tier, speaker in tiers:
            if self._face(tier, speaker) is None:
                nameless[annotator, source].append(repr(tier))
        many = next((names for names in nameless.values() if len(names) > 1), None)
        if many and len(self._analysis.faces) > 1:
            faces = ", ".join(name for name, _ in self._faces.values())
            raise InputError(
                f"{document}: which face are the tiers {', '.join(many)} of? Import one with --tier, or write the name "
                f"of a face into the column 'speaker' of the labels ({faces})"
            )

    def unchanged(self, label: Label) -> bool:
        """Whether a label is one that an export wrote, as it was, and no person's name is on it."""
        face = self._face(label.tier, label.speaker)
        if face is None or label.annotator not in ("", PROGRAM):
            return False
        start_ms, end_ms = (round((time_s + self._export_s) * 1000) for time_s in (label.start_s, label.end_s))
        return (face[1], start_ms, end_ms, label.label) in self._exported

    def machine(self, tier: str, speaker: str) -> tuple[str, Names]:
        """The face with the name of the speaker or of the tier, and its labels ``(T,)``; under any other name, whoever
        leads. They are the machine's own labels, whatever a person corrected.
        """
        frames = len(self._analysis.times_s)
        found = self._face(tier, speaker)
        if found is None:
            return "whoever leads", _names(self._analysis.leader(), np.arange(frames), frames)
        name, wanted = found
        said = np.full(frames, None, object)
        for face in self._analysis.faces:
            people = self._corrections.whos(face.id, self._analysis.times_s[face.frames])
            theirs = np.full(frames, False)
            theirs[face.frames] = np.isnan(people) if wanted is None else people == wanted
            of_face = _names(face.expression, face.frames, frames)
            said = np.where(theirs & ~known(said), of_face, said)
        return name, said

    def _face(self, tier: str, speaker: str) -> tuple[str, int | None] | None:
        return self._faces.get(speaker.casefold()) or self._faces.get(tier.casefold())


def _names(timeline: ExpressionTimeline, rows: NDArray[np.int64], frames: int) -> Names:
    labels = np.array([*timeline.labels, NONE], object)
    said = np.full(frames, None, object)
    said[rows[timeline.valid]] = labels[timeline.classes[timeline.valid]]
    return said


def known(said: Names) -> NDArray[np.bool_]:
    """``(T,)``: where something is said."""
    return np.asarray(said != None, np.bool_)  # noqa: E711 - of each element
