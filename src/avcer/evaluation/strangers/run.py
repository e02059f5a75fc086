"""The benchmark: every corpus below a folder, through families of ours and through peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from avcer.emotion.audio import AudioModel
from avcer.emotion.probabilities import softmax
from avcer.emotion.static import StaticModel
from avcer.evaluation.peers.record import Peer, Rater, without_network
from avcer.evaluation.peers.registry import loaded
from avcer.evaluation.protocols import Subject
from avcer.evaluation.strangers.find import find_corpora
from avcer.evaluation.strangers.protocol import seen
from avcer.evaluation.strangers.score import Answer, Row, VoiceRater, analysed, rated
from avcer.evaluation.strangers.sets import Kind, LabelledSet
from avcer.evaluation.tables.speech import windows
from avcer.labels import BASIC
from avcer.models.card import Family, Role
from avcer.models.store import find
from avcer.pipeline import Analyzer
from avcer.types import Double, Float, Image

Report = Callable[[str], None]
USES: dict[Kind, tuple[Role, ...]] = {
    "voices": ("audio",),
    "faces": ("static",),
    "clips": ("static", "dynamic", "audio"),
}
"""Whose cards say what was seen before."""


@dataclass(frozen=True)
class Benchmark:
    """The ``rows``, and ``notes`` on what was passed over, a line each."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def run_benchmark(
    root: Path, families: Sequence[Family] = ("mini",), peers: Sequence[Peer] = (), report: Report = lambda line: None
) -> Benchmark:
    """Scores everything below ``root``; ``report`` is told of each model and corpus before its turn.

    Raises:
        InputError: ``root`` is no folder, or holds no corpus that is known.
        ModelError: a family is not installed.
    """
    found = find_corpora(root)
    notes = list(found.notes)
    rows = []
    for family in families:
        for items in found.sets:
            report(f"{family}: {items.name} ({items.kind}, {len(items)})")
            rows.append(_of_family(family, items, notes.append))
    with without_network():
        for peer, rate in loaded(_wanted(peers, found.sets), notes.append):
            rows += list(_of_peer(peer, rate, found.sets, notes.append, report))
    return Benchmark(tuple(row for row in rows if row is not None), tuple(dict.fromkeys(notes)))


def _of_family(family: Family, items: LabelledSet, note: Report) -> Row | None:
    known = seen(items.name, [find(family, role).card for role in USES[items.kind]])
    if items.kind == "clips":
        return analysed(items, Analyzer(models=family), family, known, note)
    subject = Subject(family)
    if items.kind == "voices":
        return rated(items, _voice_rater(AudioModel(*subject.load("audio"))), family, known, note)
    return rated(items, _face_rater(StaticModel(*subject.load("static"))), family, known, note)


def _voice_rater(model: AudioModel) -> VoiceRater:
    def rate(samples: Float) -> Answer:
        """From the mean logits over the windows, as ``avcer evaluate speech`` has it."""
        heard = model.hear(list(windows(samples)))
        means = np.stack([part[:, : len(BASIC)].mean(axis=0) for part in (heard.logits, heard.relative)])
        alone, relative = softmax(means)
        return Answer(alone, alone if np.isnan(relative).any() else relative)

    return rate


def _face_rater(model: StaticModel) -> Rater:
    def rate(face: Image) -> Double:
        said: Double = model.predict(model.prepare_face(face)[np.newaxis]).probabilities[0]
        return said

    return rate


def _wanted(peers: Sequence[Peer], sets: Sequence[LabelledSet]) -> list[Peer]:
    """Peers for which there is something to rate."""
    kinds = {items.kind for items in sets}
    return [peer for peer in peers if peer.kind in kinds]


def _of_peer(
    peer: Peer, rate: Rater, sets: Sequence[LabelledSet], note: Report, report: Report
) -> Iterator[Row | None]:
    for items in sets:
        if items.kind != peer.kind:
            continue
        report(f"{peer.name}: {items.name} ({items.kind}, {len(items)})")
        try:
            yield rated(items, rate, _named(peer), None, note)
        except Exception as error:  # whatever a foreign package does must not cost the others
            note(f"peer {peer.name}: failed on {items.name} ({' '.join(str(error).split()) or type(error).__name__})")


def _named(peer: Peer) -> str:
    try:
        return f"{peer.name} {version(peer.package)}"
    except PackageNotFoundError:
        return peer.name
