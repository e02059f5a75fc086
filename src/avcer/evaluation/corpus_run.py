"""A corpus through the models, clip by clip: what they said is kept, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.emotion.probabilities import softmax
from avcer.errors import AvcerError, InputError, UnforeseenError, UsageError, one_of_many
from avcer.evaluation.corpora.c_expr_db import fill_sample_file
from avcer.evaluation.corpora.files import PICTURES, SOUNDS
from avcer.evaluation.corpora.record import Corpus, Level, Sample, Side
from avcer.evaluation.report import write_report
from avcer.evaluation.side_by_side import by_video, score_table
from avcer.evaluation.tables.frames import FrameTable, blend_word, read_frames, write_frames
from avcer.files import atomic, atomic_text, make_folder
from avcer.labels import BASIC
from avcer.modalities import AUDIO, MODALITIES, STATIC
from avcer.output.submission import submission_classes
from avcer.parsing import json_of
from avcer.pipeline import Analyzer
from avcer.types import SAME_TIME_S, Boolean, Double, Float

KEY_FILE: Final = "run.json"
Report = Callable[[str | AvcerError], None]
"""Told of each clip before it is analysed, in a line, and of the error of each that is left out."""


def run(corpus: Corpus, analyzer: Analyzer, folder: Path, report: Report = print) -> FrameTable:
    """What the models say of all samples that have labels; ``folder/clips`` gets a table for each.

    Clips that cannot be read, or on which avcer has a fault of its own, are reported and left out.

    Raises:
        UsageError: ``folder`` holds a run of other models, or of another corpus.
        InputError: nothing could be read.
    """
    clips = make_folder(folder / "clips")
    _same_run(folder / KEY_FILE, {"corpus": corpus.name} | key(analyzer))
    tables = []
    for number, sample in enumerate(corpus.samples, start=1):
        path = clips / f"{sample.name}-{_digest(sample)}.csv"
        try:
            if not path.exists():
                report(f"{number}/{len(corpus.samples)} {sample.name}")
                with one_of_many(sample.path):
                    table = answers(sample, analyzer)
                with atomic(path) as part:
                    write_frames(table, part)
            tables.append(_of_recording(read_frames([path]), sample))
        except (InputError, UnforeseenError) as error:
            report(error)
    if not tables:
        raise InputError(f"{folder}: no clip of {corpus.name} could be scored")
    return FrameTable(*(np.concatenate([getattr(table, name) for table in tables]) for name in vars(tables[0])))


def _of_recording(table: FrameTable, sample: Sample) -> FrameTable:
    """Tables of before do not say what recording a clip is a part of."""
    return replace(table, recordings=np.full(len(table), sample.recording))


def _digest(sample: Sample) -> str:
    """Another file for other labels, or for another part of a clip."""
    meant = (sample.label, sample.frames, dict(sample.blend or {}), sample.start_s, sample.end_s, sample.side)
    return hashlib.sha256(repr(meant).encode()).hexdigest()[:8]


def score_corpus(
    corpus: Corpus,
    analyzer: Analyzer,
    folder: Path,
    part: str = "all",
    level: Level | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Runs the models over one part of a corpus and writes the report into ``folder``.

    Returns:
        The scores, and the names of the clips that had to be left out, if any; ``level`` None scores as the corpus is
        labelled, by frame or by video.

    Raises:
        UsageError, InputError: as ``run``; or the corpus has nothing labelled in that part.
    """
    corpus, level = labelled_part(corpus, part, level)
    samples = corpus.samples
    table = run(corpus, analyzer, folder, report)
    scored = by_video(table) if level == "video" else table
    policy = analyzer.policy
    scores = score_table(scored, policy)
    about = {
        "corpus": corpus.name,
        "part": part,
        "level": level,
        "clips": len(set(table.videos.tolist())),
        "missing": len(corpus.missing),
        "left_out": sorted({sample.name for sample in samples} - set(table.videos.tolist())),
        "rule": policy.rule,
        "weighing": None if policy.weighing is None else policy.weighing.as_dict(),
        **analyzer.identity().to_dict(),
    }
    write_report(folder, f"{corpus.name}: {analyzer.options.models} models, by {level}", scored, scores, about)
    return scores | ({"left_out": about["left_out"]} if about["left_out"] else {})


def labelled_part(corpus: Corpus, part: str, level: Level | None) -> tuple[Corpus, Level]:
    """The samples of one part that have labels, and the level at which to score them; None as they are labelled.

    Raises:
        UsageError: videos that are labelled by frame shall be scored by video.
        InputError: the corpus has nothing labelled in that part.
    """
    labelled = (one for one in corpus.samples if one.label or one.frames or one.blend)
    samples = tuple(one for one in labelled if part in ("all", one.part))
    if level == "video" and any(one.frames for one in samples):
        raise UsageError(f"{corpus.name}: is labelled by frame, its videos have no label; use --level frame")
    if not samples:
        raise InputError(f"{corpus.name}: has no labelled clip in the part {part!r}; leave --part out")
    return replace(corpus, samples=samples), level or corpus.level


def answer_corpus(corpus: Corpus, analyzer: Analyzer, sheet: Path, folder: Path, report: Report = print) -> Path:
    """Answers the places that a challenge's sample file ``sheet`` asks for, in ``folder/submission.txt``.

    Raises:
        UsageError: as ``run``.
        InputError: a clip cannot be read; a submission must be whole.
        UnforeseenError: avcer has a fault of its own on a clip.
    """
    clips = make_folder(folder / "clips")
    if corpus.missing:
        raise InputError(f"{sheet}: asks for {corpus.missing[0]}, which is not there; a submission must be whole")
    _same_run(folder / KEY_FILE, {"corpus": corpus.name, "run": analyzer.identity().to_dict()})
    classes = {}
    for number, sample in enumerate(corpus.samples, start=1):
        path = clips / f"{sample.name}.txt"
        if not path.exists():
            report(f"{number}/{len(corpus.samples)} {sample.name}")
            with one_of_many(sample.path):
                decided = submission_classes(analyzer.analyze(sample.path))
            with atomic_text(path) as file:
                file.writelines(f"{index}\n" for index in decided.tolist())
        classes[sample.name] = np.array(path.read_text(encoding="utf-8").split(), np.int64)
    return fill_sample_file(classes, sheet, folder / "submission.txt")


def key(analyzer: Analyzer) -> dict[str, Any]:
    """What makes two runs the same: the models, and how they were run. Rule, fusion and vocabulary may differ."""
    return {"run": analyzer.identity().of_models().to_dict()}


def _same_run(path: Path, wanted: dict[str, Any]) -> None:
    if path.exists():
        try:
            found = json_of(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(f"{path}: is damaged ({error}); choose another folder") from error
        if found != wanted:
            other = "another corpus, version, models or options"
            raise UsageError(f"{path.parent}: holds a run of {other}; choose another folder")
    else:
        with atomic_text(path) as file:
            file.write(json.dumps(wanted, indent=2) + "\n")


def answers(sample: Sample, analyzer: Analyzer) -> FrameTable:
    """What the models say of one sample, with its labels; frames without a label are left out.

    Raises:
        InputError: it cannot be read, or none of its frames has a label.
    """
    return ask(sample, analyzer).table()


@dataclass(frozen=True)
class Told:
    """What the models say of a sample on T rows: ``values (T, M, 7)``, ``valid (T, M)``, ``activity (T, M)``;
    ``frames``: which of the rows belong to the sample; ``relative``: a call that gives the audio model's relative
    output ``(T, 7)``.
    """

    sample: Sample
    values: Double
    valid: Boolean
    activity: Double
    frames: Any
    relative: Callable[[], Double]

    def table(self) -> FrameTable:
        """The rows that have a label.

        Raises:
            InputError: none has.
        """
        words = _words(self.sample, self.frames)
        labelled = np.array([word is not None for word in words], bool)
        if not labelled.any():
            raise InputError(f"{self.sample.path}: none of its frames has a label")
        kept = [word for word in words if word is not None]
        names = np.full(len(kept), self.sample.name)
        values, valid, activity = (part[self.frames][labelled] for part in (self.values, self.valid, self.activity))
        return FrameTable(values, valid, np.array(kept), names, activity)

    def relative_table(self) -> FrameTable:
        """The same with the audio model's relative output, which is to be normalised by the speaker's other clips."""
        values = self.values.copy()
        values[:, MODALITIES.index(AUDIO)] = self.relative()
        return replace(self, values=values).table()


def ask(sample: Sample, analyzer: Analyzer) -> Told:
    """What the models say of one sample.

    Raises:
        InputError: it cannot be read.
    """
    suffix = sample.path.suffix.lower()
    if suffix in PICTURES:  # face crops: the detector does not run on them
        return _of_picture(sample, analyzer)
    if suffix in SOUNDS:
        return _of_sound(sample, analyzer)
    analysis = analyzer.analyze(sample.path)
    frames = _within(analysis.times_s - analysis.clip.start_s, sample)
    return Told(sample, *said(analysis, sample.side), frames, lambda: _relative_voice(sample.path, analysis, analyzer))


def _relative_voice(path: Path, analysis: Analysis, analyzer: Analyzer) -> Double:
    if AUDIO.name not in analysis.usual:  # nothing is heard, or the model has one output
        return analysis.audio.values
    return analyzer.listen(path).as_relative().on_frames(analysis.times_s).values


def _within(times_s: Double, sample: Sample) -> Any:
    """The frames of the part that is meant, as indices, by their times as a player shows them."""
    start = -np.inf if sample.start_s is None else sample.start_s
    end = np.inf if sample.end_s is None else sample.end_s
    return np.flatnonzero((times_s >= start - SAME_TIME_S) & (times_s < end - SAME_TIME_S))


def _words(sample: Sample, frames: Sequence[int]) -> list[str | None]:
    if sample.label is not None or sample.blend is not None:
        return [sample.label or blend_word(sample.blend or {})] * len(frames)
    given = sample.frames or ()
    return [given[frame] if frame < len(given) else None for frame in frames]


def said(analysis: Analysis, side: Side | None = None) -> tuple[Double, Boolean, Double]:
    """What the models say of whoever leads, or of the person on one side: ``(T, M, 7)``, where ``(T, M)``, and the
    activity ``(T, M)``, as of ``EmotionProbabilities``.
    """
    values, valid, activity = _nothing(len(analysis.times_s))
    for face in sorted(analysis.faces, key=_size):  # the largest last: where two lie on one side, it counts
        rows = analysis.led(face) if side is None else _on_side(analysis, face, side)
        for place, modality in enumerate(MODALITIES):
            if modality.speaks_for == "face":
                source = face.said[modality.name]
                known = rows & source.valid
                values[face.frames[known], place] = source.values[known]
                valid[face.frames[known], place] = True
                activity[face.frames[known], place] = source.activity[known]
    for place, modality in enumerate(MODALITIES):
        if modality.speaks_for == "clip":
            source = analysis.said[modality.name]
            values[:, place], valid[:, place], activity[:, place] = source.values, source.valid, source.activity
    return np.where(valid[:, :, np.newaxis], values, 0.0), valid, activity


def _nothing(rows: int) -> tuple[Double, Boolean, Double]:
    shape = (rows, len(MODALITIES))
    return np.zeros((*shape, len(BASIC))), np.zeros(shape, bool), np.full(shape, np.nan)


def _size(face: FaceAnalysis) -> float:
    """The mean area of a face's boxes, in square pixels."""
    if face.track is None:
        return 0.0
    sides = face.track.boxes[:, 2:] - face.track.boxes[:, :2]
    return float(np.mean(sides[:, 0] * sides[:, 1]))


def _on_side(analysis: Analysis, face: FaceAnalysis, side: Side) -> Boolean:
    """All rows of a face whose middle lies, on average, on that side of the picture; none of another."""
    if face.track is None:
        return np.zeros(len(face.frames), bool)
    middle = float(face.track.boxes[:, [0, 2]].mean())
    return np.full(len(face.frames), (middle < analysis.clip.width / 2) == (side == "left"))


def _of_sound(sample: Sample, analyzer: Analyzer) -> Told:
    """A row a whole window of the part that is meant; a shorter part is one window."""
    part_s = (sample.start_s or 0.0, np.inf if sample.end_s is None else sample.end_s)
    heard = analyzer.listen(sample.path, part_s)
    whole = heard.ends_s - heard.starts_s >= analyzer.options.windows.length_s - 1e-3
    frames = np.flatnonzero(whole) if whole.any() else np.arange(1)
    values, valid, activity = _nothing(len(whole))
    place = MODALITIES.index(AUDIO)
    values[:, place], valid[:, place] = _probabilities(heard.logits), heard.usable
    activity[:, place] = heard.speech
    return Told(sample, values, valid, activity, frames, lambda: _probabilities(heard.as_relative().logits))


def _probabilities(logits: Float) -> Double:
    return softmax(logits[:, : len(BASIC)].astype(np.float64))


def _of_picture(sample: Sample, analyzer: Analyzer) -> Told:
    """One row: the picture is a face crop."""
    picture = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{sample.path}: is no picture that can be decoded; copy it again")
    values, valid, activity = _nothing(1)
    place = MODALITIES.index(STATIC)
    values[0, place], valid[0, place] = analyzer.classify_face(picture.astype(np.uint8, copy=False)), True
    return Told(sample, values, valid, activity, np.arange(1), lambda: values[:, MODALITIES.index(AUDIO)])
