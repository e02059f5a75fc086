"""What the rule open says of faces that ten people voted on: kinds, labels, how sure, and how it was before.

    python benchmarks/expressions.py FERPLUS [--write docs/rules.md] [--figure docs/figures/reliability.png]

On the validation part, which the numbers of the rule were not fitted on (its label sets were: see the second table).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from avcer.decision.compound import RULES, scores
from avcer.decision.express import SHIPPED, kinds_of, read_open
from avcer.evaluation.expressions import said_of, score_labels, voted_labels
from avcer.evaluation.figures import draw_how_sure
from avcer.evaluation.protocols import Subject, classify_faces
from avcer.evaluation.statistics import metrics
from avcer.labels import BASIC, PAIRS_15
from avcer.types import KINDS, Boolean, Double, Integer
from page import circumstances, put, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ferplus", type=Path, metavar="FERPLUS")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw how sure, and how often right")
    chosen = parser.parse_args()
    [(votes, said)] = classify_faces([chosen.ferplus], Subject("mini", "default", "validation"))
    labels = voted_labels(votes.votes.astype(np.float64))
    clear = labels >= 0
    text = "\n\n".join(
        [
            circumstances("openvino", "numpy"),
            f"{on_votes(labels[clear], said[clear])}",
            "How sure, and how often right:",
            reliability(labels[clear], said[clear]),
            "By the modalities that are there, on put-together faces and voices (`avcer train decision`):",
            by_modalities(),
        ]
    )
    print(text)
    if chosen.write:
        put(chosen.write, text)
    if chosen.figure:
        draw_how_sure(by_kind(labels[clear], said[clear]), chosen.figure)


def on_votes(labels: Integer, said: Double) -> str:
    """The rule open beside the rules that name pairs."""
    rows = [_row("open", score_labels(labels, *said_of(said, read_open())))]
    for rule in RULES:
        values = scores(said, PAIRS_15, rule)
        best = values.argmax(axis=1)
        named = np.where(values.max(axis=1) > 0, best + len(BASIC), -1)
        rows.append(_row(rule, score_labels(labels, named, np.clip(values.max(axis=1), 0, 1))))
    count = f"{len(labels)} faces"
    return table(
        [f"rule ({count})", "kind UAR", "accuracy", "macro F1", "false compounds", "blends found", "ECE"], rows
    )


def _row(rule: str, scored: dict[str, Any]) -> list[str]:
    numbers = [scored["kind_uar"], scored["accuracy"], scored["macro_f1"], scored["false_compound"]]
    return [rule, *(f"{value:.3f}" for value in (*numbers, scored["kind_recall"]["compound"], scored["ece"]))]


def reliability(labels: Integer, said: Double) -> str:
    """A reliability diagram as a table: bins of a tenth."""
    named, probability = said_of(said, read_open())
    shares, confidence, right = metrics.calibration(probability, named == labels, 10)
    rows = [
        [f"{place / 10:.1f}-{(place + 1) / 10:.1f}", f"{share:.3f}", f"{sure:.3f}", f"{hits:.3f}"]
        for place, (share, sure, hits) in enumerate(zip(shares, confidence, right, strict=True))
        if share
    ]
    return table(["probability", "share of faces", "mean probability", "right"], rows)


def by_kind(labels: Integer, said: Double) -> dict[str, tuple[Double, Boolean]]:
    """Of all decisions, and of those for each kind of label: probability, and whether it is right."""
    named, probability = said_of(said, read_open())
    kinds = kinds_of(named)
    parts = {"all labels": np.ones(len(named), np.bool_)}
    parts |= {
        title: kinds == KINDS.index(kind)
        for title, kind in (("Neutral", "neutral"), ("one emotion", "basic"), ("a blend", "compound"))
    }
    return {title: (probability[chosen], (named == labels)[chosen]) for title, chosen in parts.items()}


def by_modalities() -> str:
    """What the shipped file says of its own validation."""
    about = json.loads(SHIPPED.read_text(encoding="utf-8"))["about"]
    judged = [(name, one) for name, one in about["validation"].items()]
    judged += [(f"{name}, speaking", one) for name, one in about.get("speaking", {}).items()]
    rows = [
        [
            name,
            f"{one['kind_uar']:.3f}",
            f"{one['accuracy']:.3f}",
            f"{one['ece']:.3f}",
            f"{one['coverage']:.3f}",
            ", ".join(f"{value:.3f}" for value in one["coverage_by_kind"]),
            f"{one['set_size']:.2f}",
        ]
        for name, one in judged
    ]
    return table(
        ["modalities", "kind UAR", "accuracy", "ECE", "90 % sets hold", "of neutral, one, blend", "labels a set"], rows
    )


if __name__ == "__main__":
    main()
