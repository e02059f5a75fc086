"""A corpus of a thousand clips, twenty of them poisoned: results, memory, kills, throughput, cost of the record.

    python benchmarks/batch.py corpus [--clips 1000] [--engine local|ray]   results, failures, memory, a second run
    python benchmarks/batch.py kills [--clips 60] [--times 10]              killed, then resumed: equal files
    python benchmarks/batch.py throughput [--clips 30]                      workers against a shell loop
    python benchmarks/batch.py record [--entries 49500]                     cost a clip; seconds to resume
    python benchmarks/batch.py tables                                       measures nothing, see --write

Each prints one JSON object, and writes it to ``benchmarks/results/batch/``. With ``--write docs/batch.md``, the tables
of that page are made of all results there. The clips are made here and need nothing. ``throughput`` wants a machine
without other work; the others do not mind.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from avcer.batch.child import Setup
from avcer.batch.entries import Entry
from avcer.batch.executor import LocalExecutor
from avcer.batch.plan import plan
from avcer.batch.record import Record, Source
from avcer.batch.sources import read_sources
from avcer.options import Options
from avcer.output.record import KEY
from batch_tables import RESULTS, tables
from page import circumstances, put
from poisoned import POISON, hooked, make_corpus, make_short

WORKERS = ("--workers", "2", "--threads", "1")
AVCER = (sys.executable, "-m", "avcer")
SETTING, FORMATS = "fast", ("csv", "json")
FAST = ("--setting", SETTING, "--formats", ",".join(FORMATS))
TIMED = 1000
"""Entries at which the cost of the record is taken."""
CHANGED_NS = 1_700_000_000_000_000_000
"""When the made-up files were changed last."""
CLIPS = {"corpus": 1000, "kills": 60, "throughput": 30, "record": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*CLIPS, "tables"))
    parser.add_argument("--clips", type=int)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--entries", type=int, default=49_500)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--timeout", type=float, default=30, help="seconds that a clip may take in corpus")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    if chosen.what != "tables":
        print(measured(chosen))
    if chosen.write:
        put(chosen.write, tables())


def measured(chosen: argparse.Namespace) -> str:
    """What was asked for, as JSON, which is kept for the tables."""
    clips = chosen.clips or CLIPS[chosen.what]
    with TemporaryDirectory(prefix="avcer-batch-") as folder:
        root = Path(folder)
        found = {
            "corpus": lambda: corpus(root, clips, chosen.engine, chosen.timeout),
            "kills": lambda: kills(root, clips, chosen.times),
            "throughput": lambda: throughput(root, clips),
            "record": lambda: record(root, chosen.entries),
        }[chosen.what]()
    name = chosen.what if chosen.engine == "local" else f"{chosen.what}-{chosen.engine}"
    text = json.dumps({"measured": circumstances("numpy", "openvino"), **found}, indent=2)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(f"{text}\n")
    return text


def corpus(root: Path, clips: int, engine: str, timeout_s: float) -> dict[str, Any]:
    """``clips`` clips of a second, of which ``POISON`` are poisoned, analysed and then asked for once more."""
    made, out = make_corpus(root / "in", clips), root / "out"
    options = (*WORKERS, "--timeout", f"{timeout_s:g}", "--engine", engine)
    first = batch(made, out, *options)
    rows, events = _summary(out), _events(out)
    again = batch(made, out, *options)
    reasons: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["state"] == "failed":
            _, kind, _ = row["id"].split("-")
            reasons[kind].append(row["error"].removeprefix(f"{row['path']}: "))
    return {
        "clips": clips,
        "poisoned": POISON,
        "engine": engine,
        "first": first,
        "again": {**again, "events": _events(out) - events},
        "folders_of_results": sum(path.is_dir() for path in out.iterdir()),
        "failed": {kind: {"clips": len(lines), "reason": lines[0]} for kind, lines in sorted(reasons.items())},
    }


def kills(root: Path, clips: int, times: int) -> dict[str, Any]:
    """The same corpus twice: undisturbed, and with the parent or a worker and the parent killed ``times`` times.

    Each kill comes a moment after a few more clips are done, so that every one of them hits a batch at work.
    """
    made, wild = make_corpus(root / "in", clips, poison=0), root / "wild"
    batch(made, root / "calm", *WORKERS)
    chance = random.Random(0)
    most = max(clips // (times + 1), 1)
    killed: Counter[str] = Counter()
    for _ in range(times):
        process = subprocess.Popen(_command(made, wild, *WORKERS), stderr=subprocess.DEVNULL)
        _wait_for(wild, _done(wild) + chance.randint(1, most), process)
        time.sleep(chance.uniform(0, 0.5))
        killed.update(_killed(process, chance))
    before = _done(wild)
    last = batch(made, wild, *WORKERS, "--retry-failed")
    calm, other = _digests(root / "calm"), _digests(wild)
    differ = sorted(name for name in calm.keys() | other.keys() if calm.get(name) != other.get(name))
    return {
        "clips": clips,
        "killed": killed,
        "done_before_the_last_call": before,
        "last": last,
        "files": len(calm),
        "files_that_differ": differ,
    }


def _killed(process: subprocess.Popen[bytes], chance: random.Random) -> Iterator[str]:
    """Kills the parent, and half of the times a worker just before it; who was alive then."""
    workers = _children(process.pid)
    if workers and chance.random() < 0.5:
        os.kill(chance.choice(workers), signal.SIGKILL)
        yield "worker"
        time.sleep(0.2)
    if process.poll() is None:
        yield "parent"
    process.kill()
    process.wait()


def throughput(root: Path, clips: int) -> dict[str, Any]:
    """Clips an hour on clips of five seconds."""
    source = make_short(root / "five.mp4", 5)
    made = root / "in"
    made.mkdir()
    for number in range(clips):
        shutil.copyfile(source, made / f"{number:04}.mp4")
    two = batch(made, root / "two", *WORKERS)["seconds"]
    one = batch(made, root / "one", "--workers", "1", "--threads", "2")["seconds"]
    begun_s = time.perf_counter()
    for clip in sorted(made.iterdir()):
        command = [*AVCER, "analyze", str(clip), "--out", str(root / "loop"), "--quiet", *FAST]
        subprocess.run(command, check=True)
    loop = time.perf_counter() - begun_s
    seconds = {"two workers, one thread each": two, "one worker, two threads": one, "shell loop": loop}
    hourly = {name: round(3600 * clips / each) for name, each in seconds.items()}
    busy = round(os.getloadavg()[0], 1)
    return {"clips": clips, "clips_an_hour": hourly, "against_the_loop": round(loop / two, 2), "load": busy}


def record(root: Path, entries: int) -> dict[str, Any]:
    """What the record costs a clip, and how long a call takes that has nothing to do."""
    made, out = root / "in", root / "out"
    made.mkdir()
    out.mkdir()
    listed = [Entry(f"clip{number:05}", made / f"clip{number:05}.mp4") for number in range(entries)]
    for entry in listed:
        entry.path.touch()
        os.utime(entry.path, ns=(CHANGED_NS, CHANGED_NS))
        (out / entry.id).mkdir()
    with LocalExecutor(Setup(Options(setting=SETTING).to_dict(), FORMATS), 1) as executor:
        settings = {"identity": executor.identity(), "formats": list(FORMATS)}
    with closing(Record(out / "batch.sqlite")) as book:
        book.begin(settings, "benchmark")
        book.queue(listed, {})
        cost = _cost(book, listed[:TIMED])
        _fill(out)
        begun_s, busy_s = time.perf_counter(), time.process_time()
        known = book.clips(with_facts=False)
        found = read_sources([str(made)], {clip.entry.source: name for name, clip in known.items()})
        todo = plan(found, known, settings, out).todo
        resume_s, resume_busy_s = time.perf_counter() - begun_s, time.process_time() - busy_s
    return {
        "entries": entries,
        **cost,
        "resume_s": round(resume_s, 2),
        "resume_busy_s": round(resume_busy_s, 2),
        "to_do": len(todo),
        "whole_call": batch(made, out),
        "load": round(os.getloadavg()[0], 1),
    }


def _cost(book: Record, listed: list[Entry]) -> dict[str, float]:
    """Milliseconds that the record takes of a clip, at its beginning and end together."""
    each_ms = []
    busy_s = time.process_time()
    for entry in listed:
        begun_s = time.perf_counter()
        book.add(entry.id, "running", 1)
        book.add(entry.id, "done", 1, "", 1.0, Source(0, CHANGED_NS, "0" * 64), FACTS)
        each_ms.append(1000 * (time.perf_counter() - begun_s))
    busy_ms = 1000 * (time.process_time() - busy_s) / len(listed)
    return {"record_ms": round(statistics.median(each_ms), 2), "record_busy_ms": round(busy_ms, 2)}


def _fill(out: Path) -> None:
    """All other clips done, in one go."""
    with closing(sqlite3.connect(out / "batch.sqlite")) as base, base:
        base.execute(
            "INSERT INTO events (clip, run, time_s, state, attempts, error, seconds, size, modified_ns, sha256, facts)"
            " SELECT clip, run, time_s, 'done', 1, '', 1.0, 0, ?, ?, ? FROM current WHERE state = 'queued'",
            (CHANGED_NS, "0" * 64, json.dumps(FACTS)),
        )


FACTS = {
    "duration_s": 1.0, "frames": 25, "face_share": 1.0, "sound_share": 0.5, "warnings": [], "work_s": 0.5,
    "faces": [
        {
            "face": 1, "primary": True, "seconds_seen": 1.0, "segments": 1, "probability": 0.5,
            "shares": {"Neutral": 1.0}, "counts": {"Neutral": 1},
            "means": dict.fromkeys(("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"), 0.1429),
        }
    ],
}  # fmt: skip
"""What the record keeps of a clip of a second with one face."""


def _command(source: Path, out: Path, *options: str) -> list[str]:
    return [*AVCER, "batch", str(source), "--out", str(out), "--quiet", *FAST, *options]


def batch(source: Path, out: Path, *options: str) -> dict[str, Any]:
    """Runs a batch and says how long it took, what came out, and the memory of the parent."""
    paths = os.pathsep.join([str(hooked(out.parent / "hook")), *filter(None, [os.environ.get("PYTHONPATH")])])
    begun_s = time.perf_counter()
    process = subprocess.Popen(_command(source, out, *options), env={**os.environ, "PYTHONPATH": paths})
    memory = _memories(process)
    seconds = time.perf_counter() - begun_s
    status = [*AVCER, "batch", "--status", str(out), "--json"]
    shown = subprocess.run(status, capture_output=True, text=True, check=True)
    states = {state: count for state, count in json.loads(shown.stdout).items() if count}
    return {"status": process.returncode, "seconds": round(seconds, 1), "states": states, **_parent(memory, out)}


def _memories(process: subprocess.Popen[bytes]) -> list[tuple[float, float]]:
    """Megabytes of the process, every fifth of a second until it ends, with the time of day."""
    found = []
    while process.poll() is None:
        found += [(time.time(), held_mb) for held_mb in _resident_mb(process.pid)]
        time.sleep(0.2)
    return found


def _resident_mb(pid: int) -> Iterator[float]:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return
    yield pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _parent(memory: list[tuple[float, float]], out: Path) -> dict[str, float]:
    """The most that the parent held in the first and in the last tenth of the clips, and in the whole call."""
    first_s, last_s = _asked(out, "SELECT MIN(time_s), MAX(time_s) FROM events WHERE state IN ('done', 'failed')")
    tenth_s = ((last_s or 0) - (first_s or 0)) / 10
    early = [held for at_s, held in memory if first_s and first_s <= at_s <= first_s + tenth_s]
    late = [held for at_s, held in memory if last_s and last_s - tenth_s <= at_s <= last_s]
    spans = {"first_tenth": early, "last_tenth": late, "peak": [held for _, held in memory]}
    return {f"parent_mb_{name}": round(max(held), 1) for name, held in spans.items() if held}


def _asked(out: Path, question: str) -> tuple[Any, ...]:
    """One row of the record of a batch that may be running."""
    with closing(sqlite3.connect(f"{(out / 'batch.sqlite').as_uri()}?mode=ro", uri=True, timeout=30)) as base:
        row: tuple[Any, ...] = base.execute(question).fetchone()
        return row


def _events(out: Path) -> int:
    return int(_asked(out, "SELECT COUNT(*) FROM events")[0])


def _done(out: Path) -> int:
    try:
        return int(_asked(out, "SELECT COUNT(*) FROM current WHERE state = 'done'")[0])
    except sqlite3.OperationalError:  # not begun yet
        return 0


def _wait_for(out: Path, done: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many clips are done, or the batch has ended."""
    while process.poll() is None and _done(out) < done:
        time.sleep(0.05)


def _summary(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def _digests(out: Path) -> dict[str, str]:
    """A hash of each file of results; of the document without what it says of the time that the work took."""
    return {str(path.relative_to(out)): _digest(path) for path in sorted(out.glob("*/*")) if path.is_file()}


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "analysis.json":
        document = json.loads(content)
        document["provenance"].pop("timings", None)
        document[KEY].pop("analysis")  # a hash over the times, too
        content = json.dumps(document, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
