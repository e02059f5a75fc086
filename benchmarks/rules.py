"""Which rule decides compounds best: on faces whose blend people voted for, and on a face and a voice that differ.

    python benchmarks/rules.py FERPLUS FACES SPEECH... [--write docs/rules.md]

Everything is on the validation parts. Intervals are 95 % of bootstrap draws over rows; differences are paired.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from avcer.decision.compound import RULES, scores
from avcer.decision.fuse import pool, read_fusion
from avcer.evaluation.protocols import Subject, classify_faces
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.tables.faces import MIN_BLEND_ROWS, MIN_BLEND_SUM, MIN_BLEND_VOTES, FaceTable
from avcer.labels import C_EXPR_DB, VOCABULARIES, Vocabulary
from avcer.models.choice import choose
from avcer.training import fusion
from avcer.training.loop import Plan
from avcer.types import Double, Integer
from page import circumstances, put, table

CALIBRATED = "calibrated sum"
REFERENCE = "1"
"""The rule that the others are compared with: the source work's default."""
VALIDATION = Subject("mini", "default", "validation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ferplus", type=Path, metavar="FERPLUS")
    parser.add_argument("faces", type=Path, metavar="FACES", help="faces with one label")
    parser.add_argument("speech", nargs="+", type=Path, metavar="SPEECH")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    text = "\n\n".join(_texts(chosen.ferplus, chosen.faces, chosen.speech))
    print(text)
    if chosen.write:
        put(chosen.write, text)


def _texts(ferplus: Path, faces: Path, speech: Sequence[Path]) -> Iterator[str]:
    yield circumstances("openvino", "numpy")
    [(votes, said)] = classify_faces([ferplus], VALIDATION)
    yield "## Blends that people voted for\n\n" + on_blends(votes, said)
    yield "## Other vocabularies\n\n" + on_vocabularies(votes, said)
    yield "## A face and a voice that differ\n\n" + on_pairs([ferplus, faces], speech)


def on_blends(votes: FaceTable, said: Double) -> str:
    """Blends of FER+, and its clear neutral faces, of which a rule should say 'none'."""
    labels = blends(votes, C_EXPR_DB)
    neutral = votes.clear & (votes.labels == 0)
    rows = []
    for name, decided in _decided(said, C_EXPR_DB).items():
        silent = np.mean(decided[labels >= 0] < 0), np.mean(decided[neutral] < 0)
        rows.append([name, *_measured(labels, decided, said), *(f"{share:.2f}" for share in silent)])
    count = int(np.sum(labels >= 0)), int(neutral.sum())
    headings = [
        "rule",
        "macro F1",
        "against Rule 1",
        f"'none' of the {count[0]} blends",
        f"of {count[1]} neutral faces",
    ]
    return table(headings, rows)


def on_vocabularies(votes: FaceTable, said: Double) -> str:
    """Macro F1 on the blends of each vocabulary."""
    rows = []
    for vocabulary in VOCABULARIES.values():
        labels = blends(votes, vocabulary)
        f1 = [f"{_f1(labels, decided):.3f}" for decided in _decided(said, vocabulary).values()]
        rows.append([f"{vocabulary.name} ({len(_scored(labels))} of {len(vocabulary)})", int(np.sum(labels >= 0)), *f1])
    return table(["vocabulary (classes with ten blends)", "blends", *_decided(said[:1], C_EXPR_DB)], rows)


def on_pairs(faces: Sequence[Path], speech: Sequence[Path]) -> str:
    """Faces that show one emotion of a compound with voices that show the other, fused with the mini weights."""
    plan = Plan.read(fusion.RECIPE)
    seen = fusion.face_features(faces, choose("mini", "static"), plan, _quiet)
    heard = fusion.voice_probabilities(speech)
    wanted = [pair for compound in C_EXPR_DB.compounds for pair in (compound.indices, compound.indices[::-1])]
    values = fusion.mixed(seen, heard, plan, choose("mini", "dynamic"), wanted)
    labels = np.repeat(np.repeat(np.arange(len(C_EXPR_DB)), 2), plan.options["pairs"])
    fused, _ = pool(values, np.ones(values.shape[:2], bool), read_fusion("mini"))
    rows = [
        [name, *_measured(labels, decided, fused), f"{np.mean(decided < 0):.2f}"]
        for name, decided in _decided(fused, C_EXPR_DB).items()
    ]
    return table(["rule", "macro F1", "against Rule 1", f"'none' of the {len(labels)} pairs"], rows)


def blends(votes: FaceTable, vocabulary: Vocabulary) -> Integer:
    """The compound that the votes of a row name, as ``FaceTable.blends``, in any vocabulary; -1 for none."""
    found = np.full(len(votes), -1)
    for index, compound in enumerate(vocabulary.compounds):
        pair = votes.votes[:, compound.indices]
        found[(pair.min(axis=1) >= MIN_BLEND_VOTES) & (pair.sum(axis=1) >= MIN_BLEND_SUM)] = index
    return found


def _decided(values: Double, vocabulary: Vocabulary) -> dict[str, Integer]:
    """Rule -> the class of every row, -1 for 'none'."""
    named = {rule: scores(values, vocabulary, rule) for rule in RULES}
    # What an emotion adds beyond what it usually has: its value over its mean over all rows.
    named[CALIBRATED] = scores(values / values.mean(axis=0), vocabulary, "sum")
    return {rule: np.where(table.max(axis=1) > 0, table.argmax(axis=1), -1) for rule, table in named.items()}


def _measured(labels: Integer, decided: Integer, values: Double) -> list[str]:
    """Macro F1 with its interval, and how much more that is than Rule 1's, with the interval of the difference."""
    reference = _decided(values, C_EXPR_DB)[REFERENCE]
    own, other = _drawn(labels, decided), _drawn(labels, reference)
    low, high = intervals.interval(own)
    less, more = intervals.interval(own - other)
    gain = _f1(labels, decided) - _f1(labels, reference)
    return [f"{_f1(labels, decided):.3f} ({low:.3f}-{high:.3f})", f"{gain:+.3f} ({less:+.3f} to {more:+.3f})"]


def _drawn(labels: Integer, decided: Integer) -> Double:
    """Macro F1 ``(B,)`` of rows drawn again; the same rows for every rule."""
    rows = np.flatnonzero(np.isin(labels, _scored(labels)))
    none = len(C_EXPR_DB)  # a class of its own, which no row has
    said = np.where(decided[rows] < 0, none, decided[rows])
    return intervals.macro_f1(intervals.bootstrap(labels[rows], said, np.arange(len(rows)), none + 1))


def _f1(labels: Integer, decided: Integer) -> float:
    rows = labels >= 0
    return metrics.macro_f1(labels[rows], decided[rows], _scored(labels))


def _scored(labels: Integer) -> list[int]:
    return [int(index) for index in np.unique(labels[labels >= 0]) if np.sum(labels == index) >= MIN_BLEND_ROWS]


def _quiet(line: str) -> None:
    """Progress is not shown here."""


if __name__ == "__main__":
    main()
