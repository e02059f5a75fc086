"""What the command line shows: progress while it works (a terminal only), and a summary of each clip at the end."""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avcer.evaluation.statistics.scores import finite
from avcer.output.shares import share_text
from avcer.types import Progress, no_progress

if TYPE_CHECKING:
    from rich.progress import TaskID

    from avcer.evaluation.ablation.variations import Ablation
    from avcer.evaluation.compare import Compared
    from avcer.evaluation.fusion.fitting import Fit

_LONGEST: Final = 10
"""How many of the stretches on which annotator and machine differ are shown."""


@contextmanager
def progress_shown(name: str, quiet: bool) -> Iterator[Progress]:
    """A progress hook that draws a line a stage on stderr: done, speed, time left. Silent if quiet or no terminal."""
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    title = TextColumn("{task.description}", markup=False)  # brackets in a file's name are no markup
    columns = (title, BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        lines: dict[str, TaskID] = {}

        def hook(stage: str, done: int, total: int) -> None:
            if stage not in lines:
                lines[stage] = bars.add_task(f"{name}  {stage}", total=None, speed="")
            speed = bars.tasks[lines[stage]].speed
            shown = f"{speed:.0f}/s" if speed else ""
            bars.update(lines[stage], completed=done, total=max(total, done) if total else None, speed=shown)

        yield hook


def print_summary(name: str, found: Mapping[str, Any], folder: Path, files: int) -> None:
    """What was found in a clip (``batch.facts.facts``), where it was written, and the real-time factor."""
    people = sum(face["face"] is not None for face in found["faces"])
    faces = "no face" if not people else "1 face" if people == 1 else f"{people} faces"
    frames = "1 frame" if found["frames"] == 1 else f"{found['frames']} frames"
    print(f"{name}: {found['duration_s']:.1f} s, {frames}, {faces}")
    for warning in found["warnings"]:
        print(f"  note: {warning}")
    shown = _shares(found["faces"])
    if shown:
        print(f"  {shown}")
    print(f"  wrote {files} file{'' if files == 1 else 's'} to {folder}")
    work_s, duration_s = found["work_s"], found["duration_s"]
    print(f"  {work_s:.2f} s of work, real-time factor {work_s / duration_s if duration_s else 0.0:.3f}")


def _shares(faces: Sequence[Mapping[str, Any]]) -> str:
    """Which labels take how much of the decided time of all faces."""
    seconds: dict[str, float] = defaultdict(float)
    for face in faces:
        for label, share in face["shares"].items():
            seconds[label] += share * face["seconds_seen"]
    return share_text(seconds)


def print_scores(scores: dict[str, Any], as_json: bool, indent: str = "") -> None:
    """The scores of an evaluation: as one JSON object, or a name and a number a line, a matrix below its name."""
    if as_json:
        print(json.dumps(finite(scores)))
        return
    for name, value in scores.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            print_scores(value, as_json, f"{indent}  ")
        elif name == "confusion":
            print(f"{indent}{name}")
            _print_matrix("true \\ said", scores["labels"], value, indent)
        elif name != "labels":
            print(f"{indent + name:24}{_shown(value)}")


def print_annotated(found: dict[str, Any], as_json: bool) -> None:
    """The machine against annotators: agreement, the confusion in words, and where they differ longest."""
    if as_json:
        print(json.dumps(finite(found)))
        return
    print(f"{'':10}{'n':>8}{'agreement':>11}{'kappa':>8}{'alpha':>8}")
    for name in ("frames", "segments", "people"):
        if found[name] is not None:
            one = found[name]
            print(f"{name:10}{one['n']:8}{one['agreement']:11.4f}{one['kappa']:8.4f}{one['alpha']:8.4f}")
    frames = found["frames"]
    low, high = frames["interval"]
    print(f"kappa of frames: 95 % interval {low:.4f} to {high:.4f}")
    print(f"labelled by the annotator alone {frames['annotator_only']}, by the machine alone {frames['machine_only']}")
    stretches, own = found["stretches"]["n"], found["stretches"]["own"]
    if own:
        print(
            f"note: {own} of {stretches} stretches are avcer's own, unchanged; there the machine is held against itself"
        )
    _print_confusion(found["labels"], found["confusion"])
    longest = found["differences"][:_LONGEST]
    if longest:
        print("\nlongest differences: seconds, annotator, machine")
    for one in longest:
        place = ", ".join(part for part in (one["clip"], one["tier"], one["who"] or one["source"]) if part)
        span = f"{one['start_s']:.3f} to {one['end_s']:.3f}"
        print(f"  {place}: {span}   {one['label_person']}   {one['label_machine']}")


def _print_matrix(corner: str, labels: Sequence[str], table: Sequence[Sequence[int]], indent: str) -> None:
    """A row and a column for each label; ``corner`` says which is which."""
    width, each = max(map(len, (corner, *labels))) + 2, max(map(len, labels)) + 2
    print(f"{indent}{corner:{width}}" + "".join(f"{label:>{each}}" for label in labels))
    for label, row in zip(labels, table, strict=True):
        print(f"{indent}{label:{width}}" + "".join(f"{count:{each}}" for count in row))


def _print_confusion(labels: Sequence[str], table: Sequence[Sequence[int]]) -> None:
    """Rows of the annotator's labels, columns of the machine's, those without frames left out."""
    columns = [place for place in range(len(labels)) if any(row[place] for row in table)]
    width = max(map(len, labels)) + 2
    print(
        f"\n{'annotator, machine':{width}}" + "".join(f"{labels[place]:>{len(labels[place]) + 2}}" for place in columns)
    )
    for label, row in zip(labels, table, strict=True):
        if any(row):
            print(f"{label:{width}}" + "".join(f"{row[place]:{len(labels[place]) + 2}}" for place in columns))


def print_fits(fits: Sequence[Fit]) -> None:
    """A table of ways to fit: mean recall on the frames fitted on, on those held out, and the time of one fit."""
    print(f"{'method':16}{'fitted':>8}{'held out':>10}{'seconds':>9}")
    for one in fits:
        print(f"{one.method:16}{one.fitted:8.4f}{one.aside:10.4f}{one.seconds:9.2f}")


def print_compared(runs: Sequence[Compared], as_json: bool) -> None:
    """Runs beside the first one: scores, the difference in macro F1 with its interval, and how likely it is chance."""
    if as_json:
        print(json.dumps([finite(asdict(run)) for run in runs]))
        return
    width = max(len(run.name) for run in runs) + 2
    print(f"{'run':{width}}{'n':>8}{'UAR':>8}{'macro F1':>10}{'difference':>12}   95 % interval        p")
    for run in runs:
        shown = f"{run.n:8}{run.uar:8.4f}{run.macro_f1:10.4f}{run.difference:+12.4f}"
        print(f"{run.name:{width}}{shown}   {_doubt(run)}")


def _doubt(run: Compared) -> str:
    low, high = run.interval
    if math.isnan(run.p):
        return "unknown, of one recording"
    return f"{low:+.4f} to {high:+.4f}   {run.p:.3f}"


def print_ablation(ablation: Ablation, document: dict[str, Any] | None) -> None:
    """The tables of an ablation, group by group; or ``document``, if it is given, as one JSON object."""
    if document is not None:
        print(json.dumps(document))
        return
    from avcer.evaluation.ablation.report import tables

    for title, (headings, rows) in tables(ablation).items():
        _print_table(title, headings, rows)


def print_tables(
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]],
    notes: Sequence[str],
    document: dict[str, Any] | None,
) -> None:
    """Tables below their titles and notes below them all; or ``document``, if it is given, as one JSON object."""
    if document is not None:
        print(json.dumps(document))
        return
    for title, (headings, rows) in tables.items():
        _print_table(title, headings, rows)
    for note in notes:
        print(f"note: {note}")


def _print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The title stands in place of the first heading; the first column is flush left, numbers are flush right."""
    lines = [[title, *headings[1:]], *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line[1:], widths[1:], strict=True)
        print("  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in cells)]))
    print()


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "  ".join(_shown(inner) for inner in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)
