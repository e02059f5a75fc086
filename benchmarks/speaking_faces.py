"""Faces that speak, people left out: new last layers of the face models, several ways, beside the shipped ones.

    python benchmarks/speaking_faces.py FACES... CLIPS.csv... [--write docs/dynamic.md]

The sets of clips are tables (path, label, speaker). In a row: for each set the mean recall and the ECE of the shipped
layer or of one fitted without the person; of the calm set the share of crops with another label than Neutral; then what
the pictures pay: for the static model FER+ (accuracy, UAR, blends) and affect7, for the dynamic one the put-together
sequences (accuracy, UAR). Nothing is written but the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from avcer.emotion.probabilities import softmax
from avcer.evaluation.tables.faces import score_faces
from avcer.models.store import find
from avcer.training import dynamic, static
from avcer.training.last_layers import DynamicTask, StaticTask, sort_tables
from avcer.training.readout import Layer, Settings, fit
from avcer.training.speaking import Row, judge, lessons
from page import circumstances, put, table

Task = StaticTask | DynamicTask
CHOICES: Final = {
    "recipe": {},
    "clips count half": {"clips": 0.5},
    "clips count twice": {"clips": 2.0},
    "without the calm set": {"calm": 0.0},
    "a set of one person counts as the others": {"alone": 1.0},
    "change of the seven logits only": {"emotions": True},
    "ten times the penalty": {"penalty": 10.0},
    "softer targets": {"smoothing": 0.3},
}
"""Beside the recipe: what is changed; the penalty is a factor. What the recipe of a model does anyway is no row."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="faces (Parquet) and clips (CSV)")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    pictures, clips = sort_tables(chosen.tables)
    of_static = StaticTask(pictures, clips, find("mini", "static").folder, (), print)
    of_dynamic = DynamicTask(pictures, clips, find("mini", "dynamic").folder, (), print)
    text = "\n\n".join([circumstances("openvino", "torch"), *map(approaches, (of_static, of_dynamic))])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def approaches(task: Task) -> str:
    """The table of one model."""
    rows = []
    for name, changes in CHOICES.items():
        settings = changed(task.settings, dict(changes))
        if changes and settings == task.settings:
            continue
        judged = judge(task.material, settings)
        if not rows:
            before = [before_of(row) for row in judged]
            rows.append(["shipped", *cells(before), *paid(task, task.material.before)])
        everything = lessons(task.material, settings, [None] * len(task.clips))
        rows.append([name, *cells(judged), *paid(task, fit(everything, task.material.before, settings))])
    of_pictures = ["FER+ / UAR / blends", "affect7"] if isinstance(task, StaticTask) else ["sequences", "UAR"]
    return f"The {task.before.role} model:\n\n" + table(
        ["last layer", *(one.name for one in task.clips), *of_pictures], rows
    )


def changed(settings: Settings, changes: dict[str, float | bool]) -> Settings:
    """The settings of a row; a penalty is a factor."""
    if "penalty" in changes:
        changes["penalty"] *= settings.penalty
    return replace(settings, **changes)  # type: ignore[arg-type]


def before_of(row: Row) -> Row:
    """What the layer before scores, in the places of what a new one does."""
    return replace(
        row, uar_people=row.uar_before, ece_people=row.ece_before, uar_corpus=None, ece_corpus=None,
        other=row.other_before,
    )  # fmt: skip


def cells(rows: Sequence[Row]) -> list[str]:
    """UAR and ECE with people left out, in brackets UAR with the set left out; of a set of one label what is other."""
    shown = []
    for row in rows:
        if row.uar_people is None or row.ece_people is None:
            shown.append(f"other {row.other:.3f}")
            continue
        corpus = "" if row.uar_corpus is None else f" ({row.uar_corpus:.3f})"
        shown.append(f"{row.uar_people:.3f}{corpus}, ECE {row.ece_people:.2f}")
    return shown


def paid(task: Task, layer: Layer) -> list[str]:
    """What ``layer`` scores on pictures kept for validation; the network is left with its old layer."""
    layer.put(task.last)
    try:
        return _of_faces(task) if isinstance(task, StaticTask) else _of_sequences(task)
    finally:
        task.material.before.put(task.last)


def _of_faces(task: StaticTask) -> list[str]:
    shown = []
    for one in task.tables:
        kept = one.rows(one.validation)
        scores = score_faces(softmax(static.table_logits(task.network, kept)), kept)
        values = [scores["accuracy"]]
        if "blends" in scores:
            values += [scores["uar"], scores["blends"]["macro_f1"]]
        shown.append(" / ".join(f"{value:.3f}" for value in values))
    return shown


def _of_sequences(task: DynamicTask) -> list[str]:
    said = dynamic.softmax_steps(dynamic.logits_of(task.network, task.aside))
    scores = dynamic.scores_of(task.aside, said)
    return [f"{scores['accuracy']:.3f}", f"{scores['uar']:.3f}"]


if __name__ == "__main__":
    main()
