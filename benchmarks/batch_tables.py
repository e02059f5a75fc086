"""The tables of docs/batch.md, made of what ``benchmarks/batch.py`` has measured."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import Any

from page import table

WIDTH = 118

RESULTS = Path(__file__).parent / "results" / "batch"
LIMITS = {"record, ms": 5.0, "resume, s": 3.0, "against the loop": 1.7}


def tables() -> str:
    """A part for each file of results that is there."""
    shown = {"corpus": _corpus, "corpus-ray": _corpus, "kills": _kills, "throughput": _throughput, "record": _record}
    parts = []
    for name, text in shown.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            parts.append(f"{text(found)}\n\n{found['measured']}")
    return "\n\n".join(parts)


def _corpus(found: dict[str, Any]) -> str:
    engine = "Ray" if found["engine"] == "ray" else "two workers of one thread"
    title = f"### {found['clips']:,} clips of a second, {found['poisoned']} of them poisoned: {engine}"
    runs = [("first call", found["first"]), ("the same call again", found["again"])]
    heads = ["", "seconds", "done", "failed", "exit status", "parent, MB: first tenth", "last tenth", "peak"]
    rows = [
        [name, run["seconds"], run["states"].get("done", 0), run["states"].get("failed", 0), run["status"], *_mb(run)]
        for name, run in runs
    ]
    failed = [[kind, one["clips"], f"`{one['reason']}`"] for kind, one in found["failed"].items()]
    said = f"There are {found['folders_of_results']} folders of results. The second call added "
    said += f"{found['again']['events']} events to the record. The peak is that of the summaries at the end."
    return "\n\n".join(
        [title, table(heads, rows), fill(said, WIDTH), table(["poison", "clips failed", "reason"], failed)]
    )


def _mb(run: dict[str, Any]) -> list[object]:
    return [run.get(f"parent_mb_{name}", "") for name in ("first_tenth", "last_tenth", "peak")]


def _kills(found: dict[str, Any]) -> str:
    killed, differ = found["killed"], found["files_that_differ"]
    text = f"{found['clips']} clips; the parent was killed {killed['parent']} times while it"
    text += f" worked, {killed['worker']} times a worker just before it. {found['done_before_the_last_call']} clips"
    text += f" were done when the last call began; then {found['last']['states'].get('done', 0)}. Of {found['files']}"
    text += f" files of results, {len(differ)} differ from those of an undisturbed run, times aside."
    text += f" They are: {', '.join(differ[:20])}." if differ else ""
    return f"### Killed and resumed\n\n{fill(text, WIDTH)}"


def _throughput(found: dict[str, Any]) -> str:
    rows = [[name, f"{hourly:,}"] for name, hourly in found["clips_an_hour"].items()]
    told = f"Two workers do {found['against_the_loop']} times as much as the loop (at least "
    told += f"{LIMITS['against the loop']:g} is wanted). Load of the machine at the end: {found['load']:g}."
    title = f"### {found['clips']} clips of five seconds"
    return f"{title}\n\n{table(['', 'clips an hour'], rows)}\n\n{fill(told, WIDTH)}"


def _record(found: dict[str, Any]) -> str:
    whole = found["whole_call"]
    record, resume = f"{LIMITS['record, ms']:g} ms", f"{LIMITS['resume, s']:g} s"
    rows = [
        [
            "record of a clip, at its beginning and end",
            f"{found['record_ms']} ms",
            f"{found['record_busy_ms']} ms",
            record,
        ],
        ["until it is known that nothing is to do", f"{found['resume_s']} s", f"{found['resume_busy_s']} s", resume],
        ["the whole call: models loaded, summaries and report written", f"{whole['seconds']} s", "", ""],
    ]
    told = f"The limits are for processor time: at the end, {found['load']:g} processes wanted the processors."
    heads = ["", "measured (median of clips)", "of processor", "at most"]
    return f"### The record of {found['entries']:,} clips\n\n{table(heads, rows)}\n\n{fill(told, WIDTH)}"
