"""Smoothing of decisions over time: the seam between a session and whatever does it.

A smoothing has two forms. The whole-clip one sees a face's whole timeline; the causal one sees its rows as they settle,
and may look at the rows before, not at later ones. A session takes the form that goes with its leadership.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeAlias

from avcer.analysis import FaceAnalysis
from avcer.decision.segments import find_segments
from avcer.types import Double, ExpressionTimeline

Smoother: TypeAlias = Callable[[ExpressionTimeline], ExpressionTimeline]
"""Takes the next rows of one face's decision, and gives as many rows back."""


class Smoothing(Protocol):
    """How decisions are smoothed."""

    def whole(self) -> Smoother:
        """For a face's whole timeline, given at once."""
        ...

    def causal(self) -> Smoother:
        """For one face whose rows come in parts, however they are cut; it keeps what it needs of the rows before."""
        ...


def smoothed(face: FaceAnalysis, smoother: Smoother, ends_s: Double, least_s: float = 0.0) -> FaceAnalysis:
    """A whole face with another decision, and the segments of that. ``ends_s (T,)``: when each frame gives way;
    ``least_s``: how long a segment is at least.
    """
    expression = smoother(face.expression)
    segments = find_segments(expression, face.frames, ends_s, face.id, least_s)
    return replace(face, expression=expression, segments=segments)
