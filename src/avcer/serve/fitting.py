"""Whether corrections are of a clip: faces that it has, times inside it, and nobody who is part of himself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from avcer.analysis import Analysis
from avcer.decision.segments import frame_ends
from avcer.output.corrections import Corrections


@dataclass(frozen=True)
class _Span:
    """From where to where corrections may be, in seconds of the file's own clock; ``frame_s``: less is rounding."""

    start_s: float
    end_s: float
    frame_s: float

    @classmethod
    def of(cls, analysis: Analysis) -> _Span:
        """The clip, and all of its frames."""
        clip, times_s = analysis.clip, analysis.times_s
        start_s, end_s, frame_s = clip.start_s, clip.start_s + clip.duration_s, 0.0
        if len(times_s):
            last_s = float(frame_ends(times_s, clip)[-1])
            start_s, end_s = min(start_s, float(times_s[0])), max(end_s, last_s)
            frame_s = last_s - float(times_s[-1])
        return cls(start_s, end_s, frame_s)

    def near(self, time_s: float) -> float:
        """The time, or the edge of the clip that it is less than a frame beyond."""
        if self.start_s - self.frame_s <= time_s <= self.end_s + self.frame_s:
            return min(max(time_s, self.start_s), self.end_s)
        return time_s

    def __contains__(self, time_s: float) -> bool:
        return self.start_s <= time_s <= self.end_s


def fitted(said: Corrections, before: Corrections, analysis: Analysis) -> Corrections:
    """The corrections; times that are beyond the clip by rounding are those of its edges.

    What is wrong with ``before``, too, is let pass: otherwise nothing could be changed beside it any more.

    Raises:
        ValueError: they are not of this clip.
    """
    span = _Span.of(analysis)
    faces = {face.id for face in analysis.faces if face.id is not None}
    near = _clamped(said, span)
    known = set(_faults(before, faces, span))
    for fault in _faults(near, faces, span):
        if fault not in known:
            raise ValueError(fault)
    return near


def _clamped(said: Corrections, span: _Span) -> Corrections:
    near = span.near
    return replace(
        said,
        segments=tuple(replace(one, start_s=near(one.start_s), end_s=near(one.end_s)) for one in said.segments),
        markers=tuple(replace(one, time_s=near(one.time_s)) for one in said.markers),
        splits=tuple(replace(one, time_s=near(one.time_s)) for one in said.splits),
    )


def _faults(said: Corrections, faces: set[int], span: _Span) -> Iterator[str]:
    """What is wrong, in words."""
    known = faces | {one.into for one in said.splits}
    labelled = (one.face for one in said.segments if one.face is not None)
    for face in (*said.names, *said.merged, *said.merged.values(), *(one.face for one in said.splits), *labelled):
        if face not in known:
            yield f"it has no face {face}"
    edges = (time_s for one in said.segments for time_s in (one.start_s, one.end_s))
    cuts = (one.time_s for one in said.splits)
    for time_s in (*edges, *cuts, *(one.time_s for one in said.markers)):
        if time_s not in span:
            yield f"{time_s:g} s is outside what was analysed, {span.start_s:g} to {span.end_s:g} s"
    for one in said.segments:
        if one.start_s >= one.end_s:
            yield f"a segment at {one.start_s:g} s has no length inside it"
    yield from _circles("merged", said.merged.items())
    yield from _circles("split", ((one.face, one.into) for one in said.splits))


def _circles(word: str, ways: Iterable[tuple[int, int]]) -> Iterator[str]:
    into: dict[int, set[int]] = defaultdict(set)
    for face, other in ways:
        into[face].add(other)
    try:
        TopologicalSorter(into).prepare()
    except CycleError as error:
        yield f"face {error.args[1][0]} is {word} into itself"
