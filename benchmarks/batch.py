"""A corpus of a thousand clips, twenty of them poisoned: results, memory, kills, throughput, cost of the record.

    python benchmarks/batch.py corpus [--clips N] [--engine local|ray]   results, failures, memory, a second run
    python benchmarks/batch.py kills [--clips N] [--times N]             killed, then resumed: equal files
    python benchmarks/batch.py throughput [--clips N]                    workers against a shell loop
    python benchmarks/batch.py record [--entries N]                      cost a clip; seconds to resume

Each prints one JSON object, and writes it to ``benchmarks/results/batch/``. The clips are made here and need nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from avcer.batch.manifest import Entry
from avcer.batch.record import Record, Source
from avcer.demo import make_clip
from avcer.media import probe
from avcer.output.record import KEY

WORKERS = ("--workers", "2", "--threads", "1")
RESULTS = Path(__file__).parent / "results" / "batch"
TIMEOUT_S = 10
POISON = 20
AVCER = (sys.executable, "-m", "avcer")
FAST = ("--setting", "fast", "--formats", "csv,json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("corpus", "kills", "throughput", "record"))
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--entries", type=int, default=49_500)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="avcer-batch-") as folder:
        root = Path(folder)
        measured = {
            "corpus": lambda: corpus(root, chosen.clips, chosen.engine),
            "kills": lambda: kills(root, chosen.clips, chosen.times),
            "throughput": lambda: throughput(root, chosen.clips),
            "record": lambda: record(root, chosen.entries),
        }[chosen.what]()
    name = chosen.what if chosen.engine == "local" else f"{chosen.what}-{chosen.engine}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))


def corpus(root: Path, clips: int, engine: str) -> dict[str, Any]:
    """``clips`` clips of a second, of which ``POISON`` are poisoned."""
    made = _corpus(root / "in", clips)
    first = _batch(made, root / "out", *WORKERS, "--timeout", str(TIMEOUT_S), "--engine", engine)
    second = _batch(made, root / "out", *WORKERS, "--timeout", str(TIMEOUT_S), "--engine", engine)
    return {"clips": clips, "poisoned": POISON, "engine": engine, "first": first, "again": second}


def kills(root: Path, clips: int, times: int) -> dict[str, Any]:
    """The same corpus twice: undisturbed, and with the parent or a worker killed ``times`` times."""
    made = _corpus(root / "in", clips, poison=0)
    _batch(made, root / "calm", *WORKERS)
    chance = random.Random(0)
    killed = {"parent": 0, "worker": 0}
    for _ in range(times):
        process = subprocess.Popen(_command(made, root / "wild", *WORKERS), stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(2, 6))
        workers = _children(process.pid)
        if workers and chance.random() < 0.5:
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed["worker"] += 1
            time.sleep(1)
        process.kill()
        killed["parent"] += 1
        process.wait()
    last = _batch(made, root / "wild", *WORKERS, "--retry-failed")
    calm, wild = _digests(root / "calm"), _digests(root / "wild")
    differ = sorted(name for name in calm.keys() | wild.keys() if calm.get(name) != wild.get(name))
    return {"clips": clips, "killed": killed, "last": last, "files": len(calm), "files_that_differ": differ}


def throughput(root: Path, clips: int) -> dict[str, Any]:
    """Clips an hour on clips of five seconds."""
    source = _clip(root / "five.mp4", 5)
    made = root / "in"
    made.mkdir()
    for number in range(clips):
        shutil.copyfile(source, made / f"{number:04}.mp4")
    two = _batch(made, root / "two", "--workers", "2", "--threads", "1")["seconds"]
    one = _batch(made, root / "one", "--workers", "1", "--threads", "2")["seconds"]
    begun_s = time.perf_counter()
    for clip in sorted(made.iterdir()):
        command = [*AVCER, "analyze", str(clip), "--out", str(root / "loop"), "--quiet", *FAST]
        subprocess.run(command, check=True)
    loop = time.perf_counter() - begun_s
    rates = {"two workers of one thread": two, "one worker of two threads": one, "shell loop": loop}
    hourly = {name: round(3600 * clips / seconds) for name, seconds in rates.items()}
    return {"clips": clips, "clips_an_hour": hourly, "two_workers_against_loop": round(loop / two, 2)}


def record(root: Path, entries: int) -> dict[str, Any]:
    """What the record costs a clip, and how long a call takes that has nothing to do."""
    made = root / "in"
    made.mkdir()
    listed = [Entry(f"clip{number:05}", made / f"clip{number:05}.mp4") for number in range(entries)]
    for entry in listed:
        entry.path.touch()
    book = Record(root / "batch.sqlite")
    book.begin({}, "benchmark")
    book.queue(listed, {})
    begun_s = time.perf_counter()
    for entry in listed[:200]:
        book.add(entry.id, "running", 1)
        book.add(entry.id, "done", 1, "", 1.0, Source(0, entry.path.stat().st_mtime_ns, "0"), {"duration_s": 1.0})
    each_ms = 1000 * (time.perf_counter() - begun_s) / 200
    for entry in listed[200:]:
        book._add(entry.id, "done", 1, "", 1.0, Source(0, entry.path.stat().st_mtime_ns, "0"), {"duration_s": 1.0})
    begun_s = time.perf_counter()
    known = book.clips(with_facts=False)
    from avcer.batch.engine import plan
    from avcer.batch.manifest import read_sources

    for entry in listed:
        (root / "out" / entry.id).mkdir(parents=True)
    begun_s = time.perf_counter()
    known = book.clips(with_facts=False)
    read = read_sources([str(made)], {clip.entry.source: name for name, clip in known.items()})
    todo = plan(read, known, {}, root / "out").todo
    return {
        "entries": entries,
        "record_ms_a_clip": round(each_ms, 2),
        "resume_s": round(time.perf_counter() - begun_s, 2),
        "to_do": len(todo),
    }


def _corpus(folder: Path, clips: int, poison: int = POISON) -> Path:
    folder.mkdir()
    source = _clip(folder.parent / "one.mp4", 1)
    for number in range(clips - poison):
        shutil.copyfile(source, folder / f"good{number:04}.mp4")
    makers = (_empty, _junk, _truncated, _sparse, _named("hang"), _named("kill"))
    for number in range(poison):
        makers[number % len(makers)](folder / f"poison{number:02}.mp4", source)
    return folder


def _empty(path: Path, _: Path) -> None:
    path.touch()


def _junk(path: Path, _: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def _truncated(path: Path, source: Path) -> None:
    path.write_bytes(source.read_bytes()[:2_000])


def _sparse(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.truncate(4 << 30)


def _named(what: str) -> Callable[[Path, Path], None]:
    """A clip that does to its worker what its name says, see ``HOOK``."""

    def make(path: Path, source: Path) -> None:
        shutil.copyfile(source, path.with_name(f"{what}-{path.name}"))

    return make


HOOK = """
import io, os, signal, time
_open = io.open
def opening(file, *rest, **more):
    name = os.path.basename(str(file))
    if name.startswith("hang-"):
        time.sleep(1e6)
    if name.startswith("kill-"):
        os.kill(os.getpid(), signal.SIGKILL)
    return _open(file, *rest, **more)
io.open = opening
"""
"""A ``sitecustomize`` for the workers: no real clip at hand makes a decoder hang or crash."""


def _clip(path: Path, seconds: int) -> Path:
    """The demonstration's clip, cut to so many seconds by copying its first frames."""
    import av

    whole = make_clip(path.with_name(f"whole-{path.name}"))
    assert probe(whole).has_video
    with av.open(str(whole)) as read, av.open(str(path), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is None or packet.pts is None or float(packet.pts * packet.time_base) >= seconds:
                continue
            packet.stream = streams[packet.stream.index]
            written.mux(packet)
    return path


def _command(source: Path, out: Path, *options: str) -> list[str]:
    return [*AVCER, "batch", str(source), "--out", str(out), "--quiet", *FAST, *options]


def _batch(source: Path, out: Path, *options: str) -> dict[str, Any]:
    """Runs a batch and says how long it took, what came out, and the parent's largest memory."""
    begun_s = time.perf_counter()
    hook = out.parent / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK)
    paths = os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH")])])
    ways = {**os.environ, "PYTHONPATH": paths}
    process = subprocess.Popen(_command(source, out, *options), stderr=subprocess.DEVNULL, env=ways)
    memory = _memories(process)
    seconds = time.perf_counter() - begun_s
    shown = subprocess.run(
        [*AVCER, "batch", "--status", str(out), "--json"], capture_output=True, text=True, check=True
    )
    quarter = max(len(memory) // 4, 1)
    return {
        "status": process.returncode,
        "seconds": round(seconds, 1),
        "states": json.loads(shown.stdout),
        "parent_mb_first_quarter": round(max(memory[:quarter], default=0), 1),
        "parent_mb_last_quarter": round(max(memory[-quarter:], default=0), 1),
    }


def _memories(process: subprocess.Popen[bytes]) -> list[float]:
    """Megabytes of the process, every fifth of a second until it ends."""
    found = []
    while process.poll() is None:
        found += list(_resident_mb(process.pid))
        time.sleep(0.2)
    return found


def _resident_mb(pid: int) -> Iterator[float]:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return
    yield pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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
