"""Mutants of what avcer reads from outside: every one must be answered, or refused in one line.

    python benchmarks/fuzz.py media [--mutants N] [--seed N] [--shared DIR]   recordings, analysed in a worker
    python benchmarks/fuzz.py documents [--mutants N] [--seed N]              results, tables, models, annotations
    python benchmarks/fuzz.py media --one SEED --keep FILE                    write one mutant again, to look at it

Each prints one JSON object, and writes it to ``benchmarks/results/fuzz/``. A mutant is known by its number.
Verdicts of media: ``answered``; ``refused`` in one line, on purpose; ``unforeseen``: a fault of avcer's own, contained;
``crash``: the worker died; ``hang``: beyond the time limit; ``half file``: something was left unfinished.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from avcer.batch.child import Job, Outcome, Setup, Worker
from avcer.errors import AvcerError
from avcer.options import Options
from fuzzing.documents import READERS, Reader, made_documents
from fuzzing.mutate import mutated, reworded
from fuzzing.recordings import made_recordings

RESULTS = Path(__file__).parent / "results" / "fuzz"
LIMIT_S = 60.0
"""The mutants last a few seconds at most; so long is a hang, on a busy machine too."""
SLOW_S = 20.0
LARGE_MB = 2048
LARGEST = 2_000_000
"""Bytes of a source: larger ones take long, and mutate no differently."""
FORMATS = ("csv", "json", "txt", "srt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("media", "documents"))
    parser.add_argument("--mutants", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0, help="of the first mutant")
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="more sources, where it is")
    parser.add_argument("--one", type=int, metavar="SEED", help="only write this mutant, to --keep")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="avcer-fuzz-") as folder:
        root = Path(folder)
        if chosen.what == "documents":
            measured = documents(root, range(chosen.seed, chosen.seed + chosen.mutants))
        else:
            sources = recordings(root / "sources", chosen.shared)
            if chosen.one is not None:
                mutant(sources, chosen.one, chosen.keep)
                return
            measured = media(root, sources, range(chosen.seed, chosen.seed + chosen.mutants))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{chosen.what}.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))


def recordings(folder: Path, shared: Path) -> list[Path]:
    """Recordings of every container that can be made here, and the small ones at hand."""
    made = made_recordings(folder)
    found = [path for part in ("field", "clips/edge", "clips") for path in sorted((shared / part).glob("*.*"))]
    return made + [path for path in found if path.suffix not in (".csv", ".md") and path.stat().st_size <= LARGEST]


def mutant(sources: list[Path], seed: int, target: Path | None) -> Path:
    """Writes mutant ``seed``; it is the same in every run with the same sources."""
    chance = random.Random(seed)
    source = chance.choice(sources)
    path = target or Path(f"mutant-{seed}{source.suffix}")
    path.write_bytes(mutated(source.read_bytes(), chance))
    return path


def media(root: Path, sources: list[Path], seeds: range) -> dict[str, Any]:
    """Analyses each mutant in a worker, as a batch does, and sorts what happened."""
    verdicts: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
    largest_mb, longest_s, begun_s = 0.0, 0.0, time.monotonic()
    setup = Setup(Options(setting="fast", threads=1).to_dict(), FORMATS)
    with Worker(setup) as worker:
        for seed in seeds:
            chance = random.Random(seed)
            suffix = chance.choice(sources).suffix
            path = mutant(sources, seed, root / f"mutant{suffix}")
            outcome, seconds, peak_mb = analysed(worker, path, root / "out")
            verdict = sorted_out(outcome, root / "out")
            largest_mb, longest_s = max(largest_mb, peak_mb), max(longest_s, seconds)
            verdicts[verdict] += 1
            verdicts["slow"] += seconds > SLOW_S
            verdicts["large"] += peak_mb > LARGE_MB
            by_kind[suffix][verdict] += 1
            if verdict not in ("answered", "refused") or seconds > SLOW_S or peak_mb > LARGE_MB:
                kept[verdict].append({"seed": seed, "error": outcome.error.replace(str(root), ""), "s": round(seconds)})
                print(seed, suffix, verdict, outcome.error, file=sys.stderr)
            shutil.rmtree(root / "out", ignore_errors=True)
            path.unlink()
    return {
        "mutants": len(seeds),
        "first seed": seeds.start,
        "sources": len(sources),
        "verdicts": dict(verdicts),
        "by kind": {kind: dict(counts) for kind, counts in sorted(by_kind.items())},
        "longest_s": round(longest_s, 1),
        "largest_mb": round(largest_mb),
        "minutes": round((time.monotonic() - begun_s) / 60, 1),
        "to look at": kept,
    }


def analysed(worker: Worker, path: Path, out: Path) -> tuple[Outcome, float, float]:
    """The outcome, the seconds, and the largest memory of the worker in MB."""
    worker.start(Event())
    _forget_peak(worker)
    begun_s = time.monotonic()
    outcome = worker.run(Job("mutant", path, out), LIMIT_S, Event(), lambda *_: None)
    return outcome, time.monotonic() - begun_s, _peak_mb(worker)


def sorted_out(outcome: Outcome, out: Path) -> str:
    """The verdict on one mutant."""
    if outcome.state == "died":
        return "crash"
    if outcome.state == "late":
        return "hang"
    if outcome.state == "failed":
        if out.exists() and any(out.iterdir()):
            return "half file"
        return "unforeseen" if outcome.kind == "UnforeseenError" or "\n" in outcome.error else "refused"
    left = [path for path in out.iterdir() if path.name not in outcome.files and not path.name.startswith(".avcer")]
    return "half file" if left else "answered"


def _forget_peak(worker: Worker) -> None:
    """Linux keeps the largest memory since this was written."""
    if worker.pid:
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")


def _peak_mb(worker: Worker) -> float:
    try:
        status = Path(f"/proc/{worker.pid}/status").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def documents(root: Path, seeds: range) -> dict[str, Any]:
    """Reads each mutant of what is read from outside, besides recordings: an answer, or an error of avcer's own."""
    sources = made_documents(root / "sources")
    verdicts: Counter[str] = Counter()
    kept: list[dict[str, Any]] = []
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for seed in seeds:
        chance = random.Random(seed)
        name = chance.choice(sorted(READERS))
        verdict, told = read(READERS[name], sources[name], root / "mutant", chance)
        verdicts[verdict] += 1
        by_kind[name][verdict] += 1
        if verdict == "fault":
            kept.append({"seed": seed, "kind": name, "error": told})
            print(seed, name, told, file=sys.stderr)
    return {
        "mutants": len(seeds),
        "first seed": seeds.start,
        "verdicts": dict(verdicts),
        "by kind": {kind: dict(counts) for kind, counts in sorted(by_kind.items())},
        "to look at": kept,
    }


def read(reader: Reader, source: Path, folder: Path, chance: random.Random) -> tuple[str, str]:
    """Mutates one file of a copy of ``source``, and reads the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    path = folder / chance.choice(sorted(str(found.relative_to(folder)) for found in _files(folder)))
    path.write_bytes((reworded if chance.random() < 0.7 else mutated)(path.read_bytes(), chance))
    try:
        reader(folder)
    except AvcerError as error:
        return ("refused", "") if str(error).strip() and "\n" not in str(error).strip() else ("fault", repr(str(error)))
    except Exception as error:
        return "fault", f"{type(error).__name__}: {error}"[:200]
    return "answered", ""


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONFAULTHANDLER", "1")
    main()
