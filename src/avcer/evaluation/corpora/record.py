"""What a corpus is, once read: clips, and what people said of them. No clip is opened to make one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["frame", "video"]
Part = Literal["train", "validation", "test", ""]
Side = Literal["left", "right"]


@dataclass(frozen=True)
class Sample:
    """One clip of a corpus, and what people said of it: by one of ``label``, ``frames`` and ``blend``, or nothing.

    Attributes:
        name: unique within the corpus, and fit to name a file: no path separators.
        path: the video; the recording of a corpus without pictures, the picture of one without motion.
        speaker: who is seen or heard; empty where the corpus does not say.
        label: one word for the whole clip, an emotion of ``labels.BASIC`` or a compound's name.
        frames: one emotion a frame, from frame 0 on; None where a frame is left out. Annotations may be a few frames
            longer or shorter than what a decoder finds.
        blend: emotion -> salience in percent, adding up to 100 (BLEMORE).
        wanted: the frames, counted from 0, that a submission must answer; such a sample has no labels (C-EXPR-DB).
        start_s, end_s: the part that is meant, in seconds as a player shows them; None for the beginning, the end.
        side: on which side of the picture the person is, where two are annotated (Aff-Wild2).
        recording: what the clip is a part of; clips of one recording are no independent ones. Its own name if left out.
        part: the corpus' own split; empty where it has none.
    """

    name: str
    path: Path
    speaker: str = ""
    label: str | None = None
    frames: tuple[str | None, ...] | None = None
    blend: Mapping[str, int] | None = None
    wanted: tuple[int, ...] | None = None
    start_s: float | None = None
    end_s: float | None = None
    side: Side | None = None
    part: Part = ""
    recording: str = ""

    def __post_init__(self) -> None:
        if not self.name or re.search(r"[/\\\0]", self.name):
            raise ValueError(f"Sample.name must fit a file name, not {self.name!r}")
        if not self.recording:
            object.__setattr__(self, "recording", self.name)
        if sum(said is not None for said in (self.label, self.frames, self.blend, self.wanted)) > 1:
            raise ValueError(f"{self.name}: must have one of label, frames, blend and wanted, not several")
        if self.blend is not None and sum(self.blend.values()) != 100:
            raise ValueError(f"{self.name}: the saliences of a blend must add up to 100, not {dict(self.blend)}")


@dataclass(frozen=True)
class Corpus:
    """The clips of a corpus that are there, and the names of those that are annotated but ``missing``."""

    name: str
    samples: tuple[Sample, ...]
    missing: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """What a score counts: frames where people labelled frames, else whole clips."""
        by_frame = any(sample.frames is not None or sample.wanted is not None for sample in self.samples)
        return "frame" if by_frame else "video"
