"""A run on a corpus as a folder: ``report.md``, ``metrics.json``, ``frames.csv`` and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.evaluation.figures import draw_confusions, draw_recalls
from avcer.evaluation.statistics.scores import finite
from avcer.evaluation.tables.frames import FrameTable, write_frames
from avcer.files import atomic, atomic_text
from avcer.labels import BASIC
from avcer.modalities import CURVES

RATES: Final = ("accuracy", "uar", "macro_f1", "macro_precision", "mean_of_four", "ece")
NAMES: Final = {"AV": "all together", "VS": "static", "VD": "dynamic", "A": "audio"}


def write_report(folder: Path, title: str, table: FrameTable, scores: dict[str, Any], about: dict[str, Any]) -> None:
    """Writes everything into ``folder``, which exists.

    Raises:
        OutputError: a file cannot be written.
    """
    with atomic(folder / "frames.csv") as part:
        write_frames(table, part)
    with atomic_text(folder / "metrics.json") as file:
        file.write(json.dumps(finite(scores | {"about": about}), indent=2) + "\n")
    each = modalities(scores)
    if each:
        draw_confusions(
            {NAMES[name]: np.array(one["confusion"]) for name, one in each.items()}, folder / "confusion.png"
        )
        draw_recalls({NAMES[name]: one["per_class"] for name, one in each.items()}, folder / "recalls.png")
    with atomic_text(folder / "report.md") as file:
        file.write(_text(title, scores, about))


def modalities(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of AV, VS, VD and A on basic emotions, those that have any."""
    if "modalities" not in scores:
        return {}
    each = {"AV": scores, **scores["modalities"]}
    return {name: each[name] for name in CURVES if each[name]["n"]}


def _text(title: str, scores: dict[str, Any], about: dict[str, Any]) -> str:
    parts = [f"# {title}"]
    each = modalities(scores)
    if each:
        rows = [[NAMES[name], one["n"], *(_shown(one, rate) for rate in RATES)] for name, one in each.items()]
        parts += [markdown_table(["", "n", *RATES], rows), _intervals_of(scores["groups"])]
        rows = [[NAMES[name], *(_recall(one, emotion) for emotion in BASIC)] for name, one in each.items()]
        parts += ["## Recalls", markdown_table(["", *BASIC], rows), "![Recalls](recalls.png)"]
        parts += ["## Confusion", "![Confusion matrices](confusion.png)"]
    for name, title in (("compound", "Compounds"), ("blend", "Blends")):
        if name in scores:
            parts += [f"## {title}", _plain(scores[name])]
    parts += ["## How it was made", "```json\n" + json.dumps(about, indent=2) + "\n```"]
    return "\n\n".join(parts) + "\n"


def _intervals_of(recordings: int) -> str:
    if recordings < 2:
        return "There are no intervals: everything is of one recording."
    return f"Intervals hold 95 % of bootstrap draws over {recordings} recordings."


def _plain(each: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each of ``CURVES``, a column for each number."""
    columns = tuple(each["AV"])
    rows = [[NAMES[name], *(_number(one.get(column)) for column in columns)] for name, one in each.items()]
    return markdown_table(["", *columns], rows)


def _shown(scores: Mapping[str, Any], rate: str) -> str:
    if rate not in scores["intervals"]:
        return _number(scores[rate])
    low, high = scores["intervals"][rate]
    if math.isnan(low):
        return _number(scores[rate])
    return f"{_number(scores[rate])} ({_number(low)}-{_number(high)})"


def _recall(scores: Mapping[str, Any], emotion: str) -> str:
    return _number(scores["per_class"].get(emotion))


def _number(value: float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def markdown_table(headings: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
