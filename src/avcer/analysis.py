"""``Analysis``: everything that is known of a clip once it has been analysed, in one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avcer.labels import Vocabulary
from avcer.types import Clip, CompoundTimeline, Double, EmotionProbabilities, FaceTrack, Integer, Segment


@dataclass(frozen=True)
class FaceAnalysis:
    """One face, from its first to its last frame; or, with ``track`` None, the frames decided from sound alone.

    ``frames (F,)`` are the frame indices of its rows, rising; every timeline below has F rows. ``audio`` is valid for
    the faces that the sound counts for. ``fused`` holds the undivided weighted sums. ``compound`` is the decision from
    all modalities (AV); ``curves`` are the same rule on one model's own unweighted probabilities: VS, VD, A.
    """

    track: FaceTrack | None
    frames: Integer
    static: EmotionProbabilities
    dynamic: EmotionProbabilities
    audio: EmotionProbabilities
    fused: EmotionProbabilities
    compound: CompoundTimeline
    curves: dict[str, CompoundTimeline]
    segments: tuple[Segment, ...]

    @property
    def id(self) -> int | None:
        """The track's id, or None for the rows without a face."""
        return None if self.track is None else self.track.id


@dataclass(frozen=True)
class Analysis:
    """A clip's tracks, probabilities, decisions and segments, with provenance.

    ``times_s (T,)`` are the times of all decoded frames and ``audio`` has a row for each; ``faces`` are ordered by id,
    the rows without a face last. ``primary`` is the id of the face with the largest area x time; ``leads (T,)`` is the
    id of the face that leads on each frame and that the sound counts for: the primary one where it is alive, else the
    largest that is; -1 where no face is alive. ``provenance`` names the
    package version, the models and their hashes, the options, the fusion weights and the timings.
    """

    clip: Clip
    times_s: Double
    audio: EmotionProbabilities
    faces: tuple[FaceAnalysis, ...]
    primary: int | None
    leads: Integer
    vocabulary: Vocabulary
    provenance: dict[str, Any]
    warnings: tuple[str, ...]

    def face(self, identity: int | None) -> FaceAnalysis | None:
        """The face with that id (None: the rows without a face), or None if there is none."""
        return next((face for face in self.faces if face.id == identity), None)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments of all faces, by start."""
        return tuple(sorted((s for face in self.faces for s in face.segments), key=lambda segment: segment.start_s))

    def save(self, folder: str | Path, formats: Sequence[str] | None = None) -> list[Path]:
        """Writes the result files into ``folder`` and returns their paths.

        Args:
            folder: made if it is missing.
            formats: words of ``output.writers.FORMATS``; None for the usual ones.

        Raises:
            UsageError: an unknown format.
            OutputError: a file cannot be written; what was there before stays.
        """
        from avcer.output.writers import DEFAULT_FORMATS, save  # a door to a later station, opened on demand

        return save(self, Path(folder), DEFAULT_FORMATS if formats is None else formats)

    @classmethod
    def load(cls, path: str | Path) -> Analysis:
        """Reads back an ``analysis.json``.

        Raises:
            InputError: not such a document, or a damaged one.
        """
        from avcer.output.document import load_json  # a door to a later station, opened on demand

        return load_json(Path(path))
