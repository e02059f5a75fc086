"""The benchmark as tables for people, as JSON, and in a page."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer import __version__
from avcer.errors import InputError
from avcer.evaluation.report import markdown_table
from avcer.evaluation.statistics.scores import finite
from avcer.evaluation.strangers.protocol import protocol_of
from avcer.evaluation.strangers.run import Benchmark
from avcer.evaluation.strangers.score import Row
from avcer.evaluation.strangers.sets import Kind
from avcer.files import atomic_text
from avcer.modalities import CURVES
from avcer.processors import available

BEGIN, END = "<!-- measured by avcer evaluate strangers -->", "<!-- end of avcer evaluate strangers -->"
TITLES: Final[dict[Kind, str]] = {"voices": "Voices", "faces": "Faces", "clips": "Faces with voices"}
MAIN: Final[dict[Kind, str]] = {"voices": "A", "faces": "VS"}
Table = tuple[list[str], list[list[str]]]


def tables(benchmark: Benchmark) -> dict[str, Table]:
    """Headings and rows by title; the last rows are each model's means over the corpora that it has not seen. Where
    speakers have enough items, a second table has the scores with speaker normalisation.
    """
    made: dict[str, Table] = {}
    for kind, title in TITLES.items():
        rows = [row for row in benchmark.rows if row.kind == kind]
        versions = {title: rows, f"{title}, speaker-normalised": _normalised(rows)}
        for name, version in versions.items():
            if version:
                made[name] = _clips(version) if kind == "clips" else _single(version, MAIN[kind])
    return made


def _normalised(rows: Sequence[Row]) -> list[Row]:
    """Those with speaker normalisation, in the places of the others."""
    each = [(row, {name: one["normalised"] for name, one in row.curves.items() if "normalised" in one}) for row in rows]
    return [replace(row, curves=curves) for row, curves in each if curves]


def _single(rows: Sequence[Row], curve: str) -> Table:
    voices = rows[0].kind == "voices"
    cost = "real-time factor" if voices else "ms a face"
    headings = ["corpus", "model", "seen", "n", "speakers" if voices else "pictures", "classes", "UAR", "accuracy"]
    headings += ["ECE", *(["arousal"] if voices else []), cost]
    body = []
    for row in rows:
        found = row.curves[curve]
        numbers = [_sure(found), _number(found["accuracy"]), _number(found["ece"])]
        numbers += [_number(found["arousal"])] if voices else []
        body.append([*_names(row), f"{row.n}", f"{row.speakers}", f"{row.classes}", *numbers, _cost(row)])
    keys = ("uar", "accuracy", "ece", *(("arousal",) if voices else ()))
    for model, unseen in _unseen(rows):
        means = [_number(_mean(unseen, curve, key)) for key in keys]
        body.append([f"mean of {len(unseen)} unseen", model, *[""] * 4, *means, ""])
    return headings, body


def _clips(rows: Sequence[Row]) -> Table:
    headings = ["corpus", "model", "seen", "n", "speakers", "classes"]
    headings += [*(f"UAR {name}" for name in CURVES), *(f"ECE {name}" for name in CURVES), "real-time factor"]
    body = []
    for row in rows:
        curves = [row.curves.get(name, {}) for name in CURVES]
        numbers = [_sure(one) for one in curves] + [_number(one.get("ece")) for one in curves]
        body.append([*_names(row), f"{row.n}", f"{row.speakers}", f"{row.classes}", *numbers, _cost(row)])
    for model, unseen in _unseen(rows):
        means = [_number(_mean(unseen, name, key)) for key in ("uar", "ece") for name in CURVES]
        body.append([f"mean of {len(unseen)} unseen", model, *[""] * 4, *means, ""])
    return headings, body


def _names(row: Row) -> list[str]:
    seen = "not known" if row.seen is None else "seen" if row.seen else ""
    return [protocol_of(row.corpus).title, row.model, seen]


def _unseen(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Each model with its rows of corpora that it has not seen; models that have none are left out."""
    models = dict.fromkeys(row.model for row in rows)
    each = [(model, [row for row in rows if row.model == model and row.seen is False]) for model in models]
    return [(model, unseen) for model, unseen in each if unseen]


def _mean(rows: Sequence[Row], curve: str, key: str) -> float | None:
    values = [row.curves[curve][key] for row in rows if curve in row.curves and row.curves[curve][key] is not None]
    return float(np.mean(values)) if values else None


def _sure(found: dict[str, Any]) -> str:
    if not found:
        return ""
    low, high = found["interval"]
    return f"{found['uar']:.3f} ({low:.3f}-{high:.3f})" if np.isfinite(low) else f"{found['uar']:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.3f}"


def _cost(row: Row) -> str:
    return f"{row.cost:.1f}" if row.kind == "faces" else f"{row.cost:.3f}"


def document(benchmark: Benchmark) -> dict[str, Any]:
    """Everything, for JSON."""
    protocols = {row.corpus: asdict(protocol_of(row.corpus)) for row in benchmark.rows}
    found = {"rows": [asdict(row) for row in benchmark.rows], "protocols": protocols, "notes": list(benchmark.notes)}
    made: dict[str, Any] = finite(found)
    return made


def write_page(benchmark: Benchmark, page: Path, command: str) -> None:
    """Puts the tables between the two marker comments of ``page``; a page that is not there is made.

    Raises:
        InputError: the page is there, and has no such comments.
        OutputError: it cannot be written.
    """
    parts = [_circumstances(command)]
    for title, (headings, rows) in tables(benchmark).items():
        parts += [f"### {title}", markdown_table(headings, rows)]
    if benchmark.notes:
        parts.append("\n".join(f"* {note}" for note in benchmark.notes))
    text = "\n\n".join(parts)
    before, after = "# Benchmark\n\n", "\n"
    if page.exists():
        before, begun, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        _, ended, after = rest.partition(END)
        if not (begun and ended):
            raise InputError(f"{page}: has no lines {BEGIN} and {END}; add them where the tables shall stand")
    with atomic_text(page) as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _circumstances(command: str) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return f"Measured on {today} with avcer {__version__}, {_processor()}, by `{command}`."


def _processor() -> str:
    from openvino import Core

    return f"{Core().get_property('CPU', 'FULL_DEVICE_NAME')} ({available()} processors)"
