"""Several callers at once: threads on one analyzer or on one each, and processes with one thread or with two.

    python benchmarks/callers.py [--clip FILE] [--rounds 5] [--write docs/speed.md] [--record FILE.json]

The clip is the demonstration's unless another is given. The ways take turns; what is shown of each is its best round,
as everything else on the machine only makes it slower. Models are loaded, and each analyzer has analysed the clip once,
before the time is taken. Results are compared bit by bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from avcer import Analysis, Analyzer
from avcer.demo import make_clip
from page import circumstances, put, table

CALLERS = 4
EACH = 2
"""Clips that each of the four callers has analysed, one after the other."""


@dataclass(frozen=True)
class Measured:
    """``seconds`` of wall time and ``busy_s`` of all processors for so many clips; the digests of what was said."""

    clips: int
    seconds: float
    busy_s: float
    said: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    parser.add_argument("--record", type=Path, help="the file for the numbers of every round")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = chosen.clip or make_clip(Path(folder) / "clip.mp4")
        seconds = Analyzer().analyze(clip).clip.duration_s
        ways: dict[str, Callable[[], Measured]] = {
            "one caller": lambda: threads(clip, analyzers=1, callers=1),
            "four threads on one analyzer": lambda: threads(clip, analyzers=1, callers=CALLERS),
            "four threads on four analyzers": lambda: threads(clip, analyzers=CALLERS, callers=CALLERS),
            "one process, `--threads 1`": lambda: processes(clip, count=1, engine_threads=1),
            "one process, `--threads 2`": lambda: processes(clip, count=1, engine_threads=2),
            "two processes, `--threads 1` each": lambda: processes(clip, count=2, engine_threads=1),
            "two processes, `--threads 2` each": lambda: processes(clip, count=2, engine_threads=2),
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(chosen.rounds)]
    text = "\n\n".join([circumstances("openvino", "numpy"), shown(rounds, seconds), agreement(rounds)])
    print(text)
    if chosen.record:
        plain = [{name: asdict(one) | {"said": sorted(one.said)} for name, one in each.items()} for each in rounds]
        document = {"made": circumstances("openvino", "numpy"), "clip_s": seconds, "rounds": plain}
        chosen.record.parent.mkdir(parents=True, exist_ok=True)
        chosen.record.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if chosen.write:
        put(chosen.write, text)


def threads(clip: Path, analyzers: int, callers: int) -> Measured:
    """All clips by threads of this process."""
    made = [Analyzer() for _ in range(analyzers)]
    for analyzer in made:
        analyzer.analyze(clip)
    each = CALLERS * EACH // callers
    together = threading.Barrier(callers)

    def call(number: int) -> list[str]:
        together.wait()
        return [digest(made[number % analyzers].analyze(clip)) for _ in range(each)]

    started, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(callers) as pool:
        said = frozenset(word for words in pool.map(call, range(callers)) for word in words)
    return Measured(callers * each, time.perf_counter() - started, time.process_time() - busy, said)


def processes(clip: Path, count: int, engine_threads: int) -> Measured:
    """All clips by processes that share them."""
    spawning = multiprocessing.get_context("spawn")
    ready, answers = spawning.Barrier(count + 1), spawning.SimpleQueue()
    each = CALLERS * EACH // count
    workers = [spawning.Process(target=work, args=(clip, each, engine_threads, ready, answers)) for _ in range(count)]
    for worker in workers:
        worker.start()
    ready.wait(300)
    started = time.perf_counter()
    results: list[tuple[float, list[str]]] = [answers.get() for _ in workers]
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.join()
    said = frozenset(word for _, words in results for word in words)
    return Measured(count * each, seconds, sum(busy for busy, _ in results), said)


def work(clip: Path, each: int, engine_threads: int, ready: Barrier, answers: Any) -> None:
    analyzer = Analyzer(threads=engine_threads)
    analyzer.analyze(clip)
    ready.wait(300)
    before = _busy_s()
    said = [digest(analyzer.analyze(clip)) for _ in range(each)]
    answers.put((_busy_s() - before, said))


def _busy_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def digest(analysis: Analysis) -> str:
    """Of every probability."""
    summed = hashlib.sha256(analysis.times_s.tobytes())
    for face in analysis.faces:
        for emotions in (*face.said.values(), face.fused):
            summed.update(emotions.values.tobytes())
    return summed.hexdigest()[:16]


def shown(rounds: list[dict[str, Measured]], clip_s: float) -> str:
    """A row for each way, its best round."""
    rows = []
    for name in rounds[0]:
        best = min((each[name] for each in rounds), key=lambda one: one.seconds)
        rate = best.clips * clip_s / best.seconds
        worst = max(each[name].seconds for each in rounds)
        took = f"{best.seconds:.2f} s (slowest round {worst:.2f} s)"
        busy = min(each[name].busy_s for each in rounds)
        rows.append((name, took, f"{rate:.1f}", f"{best.busy_s / best.seconds:.2f}", f"{busy:.2f} s"))
    clips = rounds[0]["one caller"].clips
    took = f"{clips} clips of {clip_s:.0f} s took"
    return table(["", took, "seconds of video a second", "processors busy", "processor time, least"], rows)


def agreement(rounds: list[dict[str, Measured]]) -> str:
    """Whether all results are equal."""
    said = frozenset(word for each in rounds for one in each.values() for word in one.said)
    count = sum(one.clips for each in rounds for one in each.values())
    return f"{count} results, {len(said)} different: {'all are equal, bit by bit' if len(said) == 1 else 'NOT EQUAL'}."


if __name__ == "__main__":
    main()
