"""Ablations as a folder: ``ablation.json``, ``report.md`` (a table a group) and ``ablation.png`` (a panel a group)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from avcer.evaluation.ablation.variations import GROUPS, Ablation, Row
from avcer.evaluation.figures import Panel, draw_dots
from avcer.evaluation.report import markdown_table
from avcer.evaluation.statistics.scores import finite
from avcer.files import atomic_text, make_folder

COLUMNS: Final = {
    "n": ("n", "{:.0f}"),
    "same": ("same class", "{:.3f}"),
    "uar": ("UAR", "{:.3f}"),
    "macro_f1": ("macro F1", "{:.3f}"),
    "difference": ("difference", "{:.3f}"),
    "p": ("p", "{:.3f}"),
    "compound_n": ("n, compounds", "{:.0f}"),
    "compound_uar": ("UAR, compounds", "{:.3f}"),
    "compound_macro_f1": ("macro F1, compounds", "{:.3f}"),
    "compound_difference": ("difference, compounds", "{:.3f}"),
    "compound_p": ("p, compounds", "{:.3f}"),
    "none": ("'none'", "{:.3f}"),
    "segments_a_minute": ("segments a minute", "{:.1f}"),
    "real_time_factor": ("real-time factor", "{:.3f}"),
}
"""What a number is called, and how it is written; in the order of the tables."""
SHOWN: Final = {
    "same": "frames with the same class",
    "macro_f1": "macro F1",
    "compound_macro_f1": "macro F1, compounds",
    "none": "decided 'none'",
}
"""What a panel shows: the first of these that every row of its group has."""
DECIDED_ANEW: Final = ("modalities", "rules", "vocabularies")
"""They change more than how often the models are asked, so that they have a scale of their own."""
NOTES: Final = {
    "clips": "Same class: the share of frames with the class that the reference decides, clips drawn again for the "
    "interval. Difference: the mean absolute difference of the fused probabilities. 'none': of the decided frames. "
    "Real-time factor: seconds of work for a second of clip, where the models ran anew.",
    "corpus": "All models together. Difference: macro F1 less that of the reference, on the same rows. Intervals hold "
    "95 % of bootstrap draws over recordings; p is twice the share of draws in which the difference has the other sign "
    "or none. A row on which nothing is known counts as wrong. 'none': of the rows on which something is known.",
}


def write_ablation(ablation: Ablation, folder: Path) -> dict[str, Any]:
    """Writes the three files into ``folder``, which is made, and returns what ``ablation.json`` holds.

    Raises:
        OutputError: a file cannot be written.
    """
    make_folder(folder)
    document = document_of(ablation)
    with atomic_text(folder / "ablation.json") as file:
        file.write(json.dumps(document, indent=2) + "\n")
    draw_dots(panels(ablation), folder / "ablation.png")
    with atomic_text(folder / "report.md") as file:
        file.write(_text(ablation))
    return document


def document_of(ablation: Ablation) -> dict[str, Any]:
    """Everything, for JSON: the rows of each group by its word, and how it was made."""
    groups = {word: [asdict(row) for row in rows] for word, rows in ablation.groups().items()}
    whole: dict[str, Any] = finite({"groups": groups, "left_out": list(ablation.left_out), "about": ablation.about})
    return whole


def tables(ablation: Ablation, without: Sequence[str] = ()) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Title -> headings and cells of each group; columns ``without``, and those that are empty, are left out."""
    made = {}
    for word, rows in ablation.groups().items():
        used = [name for name in COLUMNS if name not in without and any(_known(row, name) for row in rows)]
        headings = ["", *(COLUMNS[name][0] for name in used)]
        made[GROUPS[word].title] = headings, [[_name(row), *(_cell(row, name) for name in used)] for row in rows]
    return made


def panels(ablation: Ablation) -> list[Panel]:
    """A panel a group, each of a number that all its rows have."""
    made = []
    for word, rows in ablation.groups().items():
        number = next((name for name in SHOWN if all(_known(row, name) for row in rows)), None)
        if number is not None:
            nothing = (float("nan"), float("nan"))
            points = {row.name: (row.numbers[number] or 0.0, *row.intervals.get(number, nothing)) for row in rows}
            reference = next(row.name for row in rows if row.is_reference)
            scale = f"{number}, {'decided' if word in DECIDED_ANEW else 'run'} anew"
            made.append(Panel(GROUPS[word].title, SHOWN[number], points, reference, scale))
    return made


def _known(row: Row, name: str) -> bool:
    return row.numbers.get(name) is not None


def _name(row: Row) -> str:
    return f"{row.name} (reference)" if row.is_reference and row.name != "reference" else row.name


def _cell(row: Row, name: str) -> str:
    """A number with its interval; a signed difference is written with its sign."""
    value = row.numbers.get(name)
    if value is None:
        return ""
    form = COLUMNS[name][1]
    if name not in row.intervals:
        return form.format(value)
    if name.endswith("difference"):
        form = form.replace(":", ":+")
    low, high = (form.format(edge) for edge in row.intervals[name])
    return f"{form.format(value)} ({low} to {high})"


def _text(ablation: Ablation) -> str:
    parts = [f"# {ablation.title}", "![Every variation beside the reference](ablation.png)"]
    parts += [note for name, note in NOTES.items() if name in ablation.about]
    for title, (headings, rows) in tables(ablation).items():
        parts += [f"## {title}", markdown_table(headings, rows)]
    if ablation.left_out:
        parts += ["## Left out", "\n".join(f"* {name}" for name in ablation.left_out)]
    parts += ["## How it was made", "```json\n" + json.dumps(ablation.about, indent=2) + "\n```"]
    return "\n\n".join(parts) + "\n"
