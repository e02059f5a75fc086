"""``Analysis``: everything that is known of a clip once it has been analysed, in one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avcer.errors import UsageError
from avcer.faces.leadership import NOBODY
from avcer.labels import BASIC, Vocabulary
from avcer.modalities import AUDIO, DYNAMIC, FUSED, MODALITIES, STATIC, Modality
from avcer.provenance import Provenance
from avcer.types import FUSED as FUSED_SOURCE
from avcer.types import (
    PER_FRAME,
    Boolean,
    Clip,
    Double,
    EmotionProbabilities,
    ExpressionTimeline,
    FaceTrack,
    Image,
    Integer,
    Segment,
)

if TYPE_CHECKING:
    import pandas

    from avcer.plotting import Figure


@dataclass(frozen=True, eq=False, repr=False)
class FaceAnalysis:
    """One face, from its first to its last frame; or, with ``track`` None, the frames decided from sound alone.

    ``frames (F,)`` are the frame indices of its rows, rising; every timeline below has F rows. ``said`` holds what each
    modality says of the face, by its name; what speaks for the clip is valid for the faces that it counts for.
    ``fused`` holds the undivided weighted sums. ``expression`` is the decision from all modalities (AV); ``curves``
    are decisions from one modality's own unweighted probabilities, by its heading: VS, VD, A.
    """

    track: FaceTrack | None
    frames: Integer
    said: Mapping[str, EmotionProbabilities]
    fused: EmotionProbabilities
    expression: ExpressionTimeline
    curves: Mapping[str, ExpressionTimeline]
    segments: tuple[Segment, ...]

    @property
    def static(self) -> EmotionProbabilities:
        """What the static face model says."""
        return self.said[STATIC.name]

    @property
    def dynamic(self) -> EmotionProbabilities:
        """What the dynamic face model says."""
        return self.said[DYNAMIC.name]

    @property
    def audio(self) -> EmotionProbabilities:
        """What the audio model says, where it counts for this face."""
        return self.said[AUDIO.name]

    @property
    def compound(self) -> ExpressionTimeline:
        """The same as ``expression``: the name that it had when nothing but compounds was decided."""
        return self.expression

    def curve(self, heading: str) -> ExpressionTimeline:
        """The decision under a heading: ``AV`` for all modalities together, or one's own, such as ``VS``.

        Raises:
            UsageError: no such heading.
        """
        if heading != FUSED and heading not in self.curves:
            raise UsageError(f"no heading {heading!r}; there are: {', '.join((FUSED, *self.curves))}")
        return self.expression if heading == FUSED else self.curves[heading]

    def __repr__(self) -> str:
        """A line: the id, how many rows, and what is said most often."""
        named = "without a face" if self.id is None else str(self.id)
        known = self.expression.classes[self.expression.valid]
        labels, counts = np.unique(known, return_counts=True)
        most = f", mostly {self.expression.label(int(labels[counts.argmax()]))}" if len(known) else ""
        return f"<FaceAnalysis {named}: {len(self.frames)} frames{most}>"

    @property
    def id(self) -> int | None:
        """The track's id, or None for the rows without a face."""
        return None if self.track is None else self.track.id


def _called(face: FaceAnalysis, identity: object) -> bool:
    return face.id == identity or (face.id is not None and str(face.id) == identity)


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """A clip's tracks, probabilities, decisions and segments, with provenance.

    ``times_s (T,)`` are the times of all decoded frames. ``modalities`` are those that were asked, in the order of the
    fusion weights and of every ``shares``; ``said`` holds what those that speak for the clip say, a row for each frame.
    ``labels`` are those that could be said (by default, the compounds of ``vocabulary``).
    ``usual``: of each modality whose model has an output for speaker normalisation (that of the sound), by its name,
    the mean of its log-probabilities over the clip ``(7,)``: see ``decision.person``.
    ``faces`` are ordered by id, the rows without a face last. ``primary`` is the id of the face with the largest
    area x time; ``leads (T,)`` is the id of the face that leads on each frame and that the sound counts for: the
    primary one where it is alive, else the largest that is; -1 where no face is alive. ``provenance`` names the
    package version, the models and their hashes, the options, the fusion weights and the timings.

    Under the causal leadership of a live session, ``leads`` is the largest face by then, see
    ``faces.leadership.LargestNow``. ``portraits`` (track id -> frame index -> BGR picture) are kept in memory for a
    source that cannot be read a second time, so that a timeline can still show faces; they are written into no
    document.
    """

    clip: Clip
    times_s: Double
    said: Mapping[str, EmotionProbabilities]
    faces: tuple[FaceAnalysis, ...]
    primary: int | None
    leads: Integer
    vocabulary: Vocabulary
    provenance: Provenance
    warnings: tuple[str, ...]
    modalities: tuple[Modality, ...] = MODALITIES
    labels: tuple[str, ...] = ()
    usual: Mapping[str, Double] = field(default_factory=dict)
    portraits: Mapping[int, Mapping[int, Image]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", self.vocabulary.names)
        if not isinstance(self.provenance, Provenance):
            object.__setattr__(self, "provenance", Provenance.of_dict(self.provenance))

    def __repr__(self) -> str:
        """A line: the clip, its length, how many faces, what analysed it."""
        people = sum(face.track is not None for face in self.faces)
        faces = "no face" if not people else "1 face" if people == 1 else f"{people} faces"
        told = [f"{self.clip.duration_s:.1f} s", f"{len(self.times_s)} frames", faces, f"rule {self.provenance.rule}"]
        return f"<Analysis of {self.clip.path.name}: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        """For notebooks: the timeline without pictures of faces, and the segments."""
        from avcer.output.notebook import to_html  # a door to a later station, opened on demand

        return to_html(self)

    def __iter__(self) -> Iterator[FaceAnalysis]:
        """The faces, by id; what is decided without a face comes last."""
        return iter(self.faces)

    def __len__(self) -> int:
        return len(self.faces)

    def __contains__(self, item: object) -> bool:
        """Whether it is one of the faces, or what ``[]`` finds a face by."""
        return any(item is face or _called(face, item) for face in self.faces)

    def __getitem__(self, identity: int | str | None) -> FaceAnalysis:
        """The face with that id, a number or its digits; None for what is decided without a face.

        Raises:
            KeyError: there is none.
        """
        for face in self.faces:
            if _called(face, identity):
                return face
        known = ", ".join(str(face.id) for face in self.faces) or "none at all"
        raise KeyError(f"no face {identity!r} in {self.clip.path.name}; there are: {known}")

    @property
    def audio(self) -> EmotionProbabilities:
        """What the audio model says on every frame, whomever it counts for."""
        return self.said[AUDIO.name]

    def face(self, identity: int | None) -> FaceAnalysis | None:
        """The face with that id (None: the rows without a face), or None if there is none."""
        return next((face for face in self.faces if face.id == identity), None)

    @property
    def tracks(self) -> tuple[FaceTrack, ...]:
        """The tracks of all faces, by id."""
        return tuple(face.track for face in self.faces if face.track is not None)

    @property
    def timelines(self) -> tuple[ExpressionTimeline, ...]:
        """The decisions of all faces, in the order of ``faces``."""
        return tuple(face.expression for face in self.faces)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments of all faces, by start."""
        return tuple(sorted((s for face in self.faces for s in face.segments), key=lambda segment: segment.start_s))

    def led(self, face: FaceAnalysis) -> Boolean:
        """``(F,)``: the rows of a face on which it leads. No frame has two leaders."""
        leads: Boolean = self.leads[face.frames] == (NOBODY if face.id is None else face.id)
        return leads

    def leader(self, heading: str = FUSED) -> ExpressionTimeline:
        """The decision for whoever leads, a row for every frame of the clip: the primary face wherever it is alive,
        else the largest that is, else what the clip's own modalities say alone.

        Args:
            heading: ``AV`` for all modalities together, or one's own, such as ``VS``.
        """
        rows = [(face, self.led(face)) for face in self.faces]
        return self.on_every_frame([(face.frames[led], face.curve(heading).rows(led)) for face, led in rows])

    def leader_fused(self) -> EmotionProbabilities:
        """The undivided weighted sums of whoever leads, a row for every frame of the clip ``(T, 7)``."""
        frames = len(self.times_s)
        values, valid = np.zeros((frames, len(BASIC))), np.zeros(frames, dtype=np.bool_)
        for face in self.faces:
            led = self.led(face)
            rows = face.frames[led]
            values[rows], valid[rows] = face.fused.values[led], face.fused.valid[led]
        return EmotionProbabilities(self.times_s, values, valid, FUSED_SOURCE)

    def on_every_frame(self, parts: Sequence[tuple[Integer, ExpressionTimeline]]) -> ExpressionTimeline:
        """Timelines on rows ``frames (F,)`` of their own, laid on all T frames; the other frames are not valid."""
        frames = len(self.times_s)
        labels = parts[0][1].labels if parts else self.labels
        modalities = parts[0][1].shares.shape[1] if parts else len(self.modalities)
        whole = ExpressionTimeline(
            times_s=self.times_s,
            classes=np.full(frames, -1),
            kind=np.zeros(frames, np.int64),
            salience=np.full(frames, np.nan),
            probability=np.zeros(frames),
            runner_up=np.full(frames, -1),
            scores=np.zeros((frames, len(labels))),
            shares=np.zeros((frames, modalities)),
            valid=np.zeros(frames, dtype=np.bool_),
            labels=labels,
            vocabulary=self.vocabulary,
        )
        for rows, part in parts:
            for name in PER_FRAME:
                getattr(whole, name)[rows] = getattr(part, name)
        return whole

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

    def to_pandas(self, table: str = "compound") -> pandas.DataFrame:
        """One of the tables as a data frame; empty cells are missing values.

        Args:
            table: ``compound``, ``segments``, ``fused``, or a modality's name, such as ``static``.

        Raises:
            UsageError: no such table.
            MissingExtraError: pandas is not installed.
        """
        from avcer.output.table_files import named, to_pandas  # a door to a later station, opened on demand

        return to_pandas(named(self, table))

    def plot(self, faces: bool = True) -> Figure:
        """The timeline as a Matplotlib figure, as ``timeline.png`` has it.

        Args:
            faces: with pictures of the faces, for which the clip is opened again; where it is gone, they are left out.
        """
        from avcer.output.timeline import plot  # a door to a later station, opened on demand

        return plot(self, faces)

    @classmethod
    def load(cls, path: str | Path) -> Analysis:
        """Reads back an ``analysis.json``, given itself or the folder that it is in.

        Raises:
            InputError: not such a document, or a damaged one.
        """
        from avcer.output.document import load_json  # a door to a later station, opened on demand

        return load_json(Path(path))
