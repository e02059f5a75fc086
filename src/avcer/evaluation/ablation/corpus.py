"""Ablations on a labelled corpus: what every variation scores, and the paired difference to the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from avcer.decision.policy import Policy
from avcer.errors import InputError, UsageError
from avcer.evaluation.ablation.variations import GROUPS, Ablation, Row, Variation, about, variations, way_to_run
from avcer.evaluation.compare import Run, beside, drawn
from avcer.evaluation.corpora.files import PICTURES, SOUNDS
from avcer.evaluation.corpora.record import Corpus, Level
from avcer.evaluation.corpus_run import Report, labelled_part, run
from avcer.evaluation.side_by_side import by_video, decided, predictions
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.tables.frames import FrameTable
from avcer.files import make_folder
from avcer.modalities import FUSED, NAMES
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.types import Boolean, Integer

OF_VIDEOS: Final = ("detection", "classification")
"""Groups that make a difference to videos alone."""
Numbers = dict[str, float | None]
Spans = dict[str, tuple[float, float]]


def ablate_corpus(
    corpus: Corpus,
    options: Options,
    groups: Sequence[str],
    folder: Path,
    part: str = "all",
    level: Level | None = None,
    report: Report = print,
) -> Ablation:
    """Tries the variations of ``groups`` on one part of a corpus. What the models said is kept below ``folder/runs``, a
    folder for each way to run them, so that a stopped call goes on.

    Numbers of a row, all models together: on rows with a basic emotion ``n``, ``uar``, ``macro_f1``, the paired
    ``difference`` in macro F1 to the reference and its ``p``, which a rule or a vocabulary cannot change; on rows with
    a compound the same, named ``compound_*``; and ``none``, of the rows on which something is known. Intervals are over
    videos.

    A corpus without videos is not asked for faces: ``OF_VIDEOS`` are left out.

    Raises:
        UsageError: as ``corpus_run.score_corpus``, or no group is left.
        InputError: as there.
    """
    corpus, level = labelled_part(corpus, part, level)
    groups = _that_matter(groups, corpus)
    analyzer, own = Analyzer(options), way_to_run(options)
    tables = {own: _table(corpus, analyzer, folder / "runs" / "reference", level, report)}
    policy = analyzer.policy
    reference = _runs(tables[own], policy)
    if not any(len(one.labels) for one in reference.values()):
        raise InputError(f"{corpus.name}: no label is a basic emotion or a compound; nothing can be scored")
    rows = []
    for word, variation in variations(options, groups):
        changed, way = variation.applied(options), way_to_run(variation.applied(options))
        if way not in tables:
            report(f"{GROUPS[word].title}: {variation.name}")
            tables[way] = _table(corpus, Analyzer(changed), folder / "runs" / _slug(variation), level, report)
        other = replace(policy, rule=changed.decision_rule, vocabulary=changed.vocabulary())
        numbers, spans = _scores(reference, kept_only(tables[way], variation.kept), other, word)
        rows.append(Row(word, variation.name, variation.is_reference(options), numbers, spans))
    names = {sample.name for sample in corpus.samples}
    left_out = sorted(set[str]().union(*(names - set(table.videos.tolist()) for table in tables.values())))
    made = about(analyzer, corpus=corpus.name, part=part, level=level, missing=len(corpus.missing))
    return Ablation(f"Ablations on {corpus.name}, by {level}", tuple(rows), tuple(left_out), made)


def _that_matter(groups: Sequence[str], corpus: Corpus) -> tuple[str, ...]:
    """The groups that can change anything."""
    if any(sample.path.suffix.lower() not in SOUNDS + PICTURES for sample in corpus.samples):
        return tuple(groups)
    kept = tuple(word for word in groups if word not in OF_VIDEOS)
    if not kept:
        raise UsageError(
            f"{corpus.name}: has no videos, on which {', '.join(groups)} could be tried; choose other groups"
        )
    return kept


def kept_only(table: FrameTable, kept: Sequence[str]) -> FrameTable:
    """The same rows with what the models ``kept`` say, and nothing of the others."""
    valid = table.valid & np.isin(NAMES, kept)
    return replace(table, values=np.where(valid[:, :, np.newaxis], table.values, 0.0), valid=valid)


def _slug(variation: Variation) -> str:
    """A name for the folder of a way to run the models: ``detect_every-2``."""
    return "_".join(f"{name}-{value:g}" for name, value in variation.changes.items())


def _table(corpus: Corpus, analyzer: Analyzer, folder: Path, level: Level, report: Report) -> FrameTable:
    table = run(corpus, analyzer, make_folder(folder), report)
    return by_video(table) if level == "video" else table


def _classes(table: FrameTable, policy: Policy) -> tuple[Integer, Boolean]:
    """The compound of every row ``(N,)``, -1 for anything else or nothing known; and where anything is known."""
    found = decided(table, FUSED, policy)
    return found.compounds, found.valid


def _runs(table: FrameTable, policy: Policy) -> dict[str, Run]:
    """What is predicted for the rows with a basic emotion, and, under ``compound_``, for those with a compound."""
    labels, classes = table.places(policy.vocabulary.names), _classes(table, policy)[0]
    rows = labels >= 0
    names = table.videos[rows], table.recordings[rows]
    compound = Run("compounds", labels[rows], classes[rows], *names, len(policy.vocabulary))
    return {"": Run("emotions", *predictions(table, policy)), "compound_": compound}


def _scores(reference: Mapping[str, Run], table: FrameTable, policy: Policy, group: str) -> tuple[Numbers, Spans]:
    """The numbers of a row, and the intervals of some of them."""
    classes, known = _classes(table, policy)
    numbers: Numbers = {"none": float(np.mean(classes[known] < 0)) if known.any() else None}
    spans: Spans = {}
    for prefix, one in _runs(table, policy).items():
        if len(one.labels) and (prefix or group not in ("rules", "vocabularies")):
            found, between = _score(reference[prefix], one)
            numbers |= {prefix + name: value for name, value in found.items()}
            spans |= {prefix + name: span for name, span in between.items()}
    return numbers, spans


def _score(reference: Run, one: Run) -> tuple[Numbers, Spans]:
    """What a run scores; the difference only where both are on the same rows."""
    draws = drawn(one)
    numbers: Numbers = {
        "n": len(one.labels),
        "uar": metrics.uar(one.labels, one.predicted),
        "macro_f1": metrics.macro_f1(one.labels, one.predicted),
    }
    spans = {"uar": intervals.uar(draws), "macro_f1": intervals.macro_f1(draws)}
    between = {name: intervals.interval(values, one.groups) for name, values in spans.items()}
    if reference.same_rows(one):
        compared = beside(reference, one)
        numbers |= {"difference": compared.difference, "p": compared.p}
        between["difference"] = compared.interval
    return numbers, between
