"""What a file of annotations holds, once read, whatever program wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stretch:
    """A stretch of time and what was written on it: seconds of the clip as a player shows it, from 0 at its start."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class AnnotatedTier:
    """The stretches of one tier, by start. ``person``: who is annotated. ``annotator``: who annotated; both may be
    empty. ``dependent``: the tier hangs below another one and says something of that one's annotations. ``damage``:
    why some of its stretches are not known, in words; empty where all are.
    """

    name: str
    stretches: tuple[Stretch, ...]
    person: str = ""
    annotator: str = ""
    dependent: bool = False
    damage: str = ""


@dataclass(frozen=True)
class Annotation:
    """The tiers of a file, and the clip that it names (None: it names none)."""

    path: Path
    clip: Path | None
    tiers: tuple[AnnotatedTier, ...]
