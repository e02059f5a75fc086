"""What one model scores on one set, with its interval over speakers, and what that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avcer.decision.policy import Policy
from avcer.errors import AvcerError
from avcer.evaluation.corpus_run import ask
from avcer.evaluation.peers.record import Rater
from avcer.evaluation.side_by_side import by_video, curve
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.statistics.arousal import arousal
from avcer.evaluation.strangers.sets import Kind, LabelledSet
from avcer.evaluation.strangers.speakers import can_normalise, normalised_rows, without_speakers
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE, probe
from avcer.modalities import AUDIO, CURVES, STATIC
from avcer.pipeline import Analyzer
from avcer.types import Double, Integer

Note = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What a model says of an item: ``alone (7,)``, and ``relative (7,)``, what is to be normalised by the speaker's
    other items.
    """

    alone: Double
    relative: Double


VoiceRater = Callable[[Any], Answer]
"""Mono samples ``(S,)`` at 16 kHz -> both outputs."""


@dataclass(frozen=True)
class Row:
    """One model on one corpus. ``n`` items were rated, of ``speakers`` people (faces: pictures), in ``classes`` that
    occur. ``curves`` has scores by curve: of voices ``A``, of faces ``VS``, of clips all of ``modalities.CURVES``;
    under ``normalised`` also with speaker normalisation, where a speaker has enough items; of faces not.
    ``cost`` is the real-time factor; of faces, milliseconds a picture. ``seen``: the model learned from other parts of
    the corpus; None where that is not known.
    """

    corpus: str
    kind: Kind
    model: str
    n: int
    speakers: int
    classes: int
    curves: dict[str, dict[str, Any]]
    cost: float
    seen: bool | None


def rated(items: LabelledSet, rate: Rater | VoiceRater, model: str, seen: bool | None, note: Note) -> Row | None:
    """A row for a rater of voices or faces; None where it could rate nothing."""
    said, kept, seconds, heard_s = _asked(items, rate, note)
    if not said:
        note(f"{items.name}: {model} says nothing of any of its {len(items)} items; left out")
        return None
    if len(kept) < len(items):
        note(f"{items.name}: {model} says nothing of {len(items) - len(kept)} of {len(items)} items; they do not count")
    chosen, values = np.array(kept), np.stack([one.alone for one in said])
    labels, speakers = items.labels[chosen], items.speakers[chosen]
    found = scores(labels, values, speakers)
    if items.kind == "faces":
        return _row(items, chosen, model, {STATIC.curve: found}, seconds / len(items) * 1000, seen)
    if can_normalise(speakers):
        relative = np.stack([one.relative for one in said])
        found["normalised"] = scores(labels, normalised_rows(values, speakers, relative), speakers)
    return _row(items, chosen, model, {AUDIO.curve: found}, seconds / heard_s, seen)


def _asked(items: LabelledSet, rate: Rater | VoiceRater, note: Note) -> tuple[list[Answer], list[int], float, float]:
    """What the rater says, of which items it says anything, the seconds that it took, and how long the items last. The
    one output of a peer is its relative one, too.
    """
    said, kept, seconds, heard_s = [], [], 0.0, 0.0
    for place in range(len(items)):
        try:
            item = items.item(place)
        except AvcerError as error:
            note(str(error))
            continue
        started = time.perf_counter()
        values = rate(item)
        seconds += time.perf_counter() - started
        heard_s += len(item) / SAMPLE_RATE
        if values is not None:
            said.append(values if isinstance(values, Answer) else Answer(values, values))
            kept.append(place)
    return said, kept, seconds, heard_s


def analysed(items: LabelledSet, analyzer: Analyzer, model: str, seen: bool | None, note: Note) -> Row | None:
    """A row for clips: each is analysed whole, and a curve answers with its mean over the frames where it speaks."""
    tables, relative, kept, seconds, duration_s = [], [], [], 0.0, 0.0
    for place in range(len(items)):
        sample = items.item(place)
        try:
            started = time.perf_counter()
            told = ask(sample, analyzer)
            seconds += time.perf_counter() - started
            duration_s += probe(sample.path).duration_s
            pair = told.table(), told.relative_table()
        except AvcerError as error:
            note(str(error))
            continue
        tables.append(pair[0])
        relative.append(pair[1])
        kept.append(place)
    if not kept:
        return None
    chosen = np.array(kept)
    labels, speakers = items.labels[chosen], items.speakers[chosen]
    curves = of_clips(tables, labels, speakers, analyzer.policy)
    if can_normalise(speakers):
        held = of_clips(without_speakers(tables, speakers, relative), labels, speakers, analyzer.policy)
        curves = {name: one | {"normalised": held[name]} for name, one in curves.items()}
    return _row(items, chosen, model, curves, seconds / max(duration_s, 1e-9), seen)


def of_clips(tables: Sequence[FrameTable], labels: Integer, speakers: Any, policy: Policy) -> dict[str, dict[str, Any]]:
    """The scores of each curve on clips, of whose frames each has a table: the curve's mean over them."""
    curves, means = {}, [by_video(one) for one in tables]
    for name in CURVES:
        said = [curve(one, name, policy) for one in means]
        values, valid = np.concatenate([one for one, _ in said]), np.concatenate([there for _, there in said])
        shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
        if valid.any():
            curves[name] = scores(labels[valid], shares[valid], speakers[valid])
    return curves


def scores(labels: Any, values: Double, speakers: Any) -> dict[str, Any]:
    """UAR with its 95 % interval over speakers (of one speaker not-a-number), accuracy, ECE and arousal of
    ``values (N, 7)``; recalls beside them.
    """
    said = values.argmax(axis=1)
    drawn = intervals.bootstrap(labels, said, speakers, len(BASIC))
    return {
        "n": len(labels),
        "uar": metrics.uar(labels, said),
        "interval": intervals.interval(intervals.uar(drawn), len(np.unique(speakers))),
        "accuracy": metrics.accuracy(labels, said),
        "ece": metrics.ece(labels, values),
        "arousal": arousal(labels, values),
        "recalls": {BASIC[place]: recall for place, recall in metrics.recalls(labels, said).items()},
    }


def _row(
    items: LabelledSet, chosen: Any, model: str, curves: dict[str, dict[str, Any]], cost: float, seen: bool | None
) -> Row:
    labels, speakers = items.labels[chosen], items.speakers[chosen]
    return Row(
        items.name, items.kind, model, len(labels), len(np.unique(speakers)), len(np.unique(labels)), curves, cost, seen
    )
