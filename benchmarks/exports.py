"""An hour with two faces into every format for other programs: how long it takes, and how much memory.

    python benchmarks/exports.py [--minutes 60] [--rounds 3] [--write docs/exports.md]

The analysis is made up (a walk through the emotions), stored, and exported by `avcer export`, each time in a process of
its own: seconds from its start to its end, those of them that it had a processor, and the most memory that it held at
once, of the best of the rounds. The limit is for processor seconds, as other work on the machine lengthens the others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from avcer.words import EXPORTS
from page import circumstances, put, table

FORMATS = (*EXPORTS, "srt", "vtt", "parquet")
ALL = ",".join(FORMATS)
LIMITS = {"processor seconds": 10.0, "megabytes": 300.0}


@dataclass(frozen=True)
class Measured:
    """Of one process: seconds, processor seconds, megabytes at most, and megabytes that it wrote."""

    seconds: float
    busy_s: float
    peak_mb: float
    written_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        # In another process: what this one has held counts as held by each that it starts.
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(chosen.minutes, result))
        maker.start()
        maker.join()
        names = [*FORMATS, ALL]
        found = {name: best([exported(result, name) for _ in range(chosen.rounds)]) for name in names}
    whole = found[ALL]
    rows = [(f"`{name}`", *shown(found[name])) for name in FORMATS] + [("all of these in one call", *shown(whole))]
    kept = whole.busy_s < LIMITS["processor seconds"] and whole.peak_mb < LIMITS["megabytes"]
    limits = f"{LIMITS['processor seconds']:g} processor seconds and {LIMITS['megabytes']:g} MB"
    busy = os.getloadavg()[0]
    verdict = f"All of them together {'stay' if kept else 'DO NOT STAY'} below {limits}."
    verdict += f" At the end, {busy:.0f} processes wanted the {os.cpu_count()} processors: that lengthens the seconds,"
    verdict += " and much less the processor seconds, which are judged here."
    heading = ["`--formats`", "seconds", "of processor", "memory at most, MB", "written, MB"]
    text = "\n\n".join([circumstances("numpy", "pyarrow"), table(heading, rows), verdict])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def make(minutes: float, result: Path) -> None:
    from documents import made_up

    made_up(minutes, "open", worst=False).save(result, ["json"])


def exported(result: Path, formats: str) -> Measured:
    """One call of `avcer export`."""
    before = {path for path in result.rglob("*") if path.is_file()}
    started = time.perf_counter()
    command = [sys.executable, "-m", "avcer", "export", str(result), "--formats", formats, "--quiet"]
    child = subprocess.Popen(command)
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{formats}: avcer export ended with {child.returncode}")
    written = [path for path in result.rglob("*") if path.is_file() and path not in before]
    size = sum(path.stat().st_size for path in written) / 1e6
    for path in written:
        path.unlink()
    return Measured(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024 * 1.048576, size)


def best(rounds: list[Measured]) -> Measured:
    """What everything else on the machine disturbed least."""
    least = (min(getattr(one, name) for one in rounds) for name in ("seconds", "busy_s", "peak_mb"))
    return Measured(*least, rounds[0].written_mb)


def shown(one: Measured) -> tuple[str, str, str, str]:
    return f"{one.seconds:.2f}", f"{one.busy_s:.2f}", f"{one.peak_mb:.0f}", f"{one.written_mb:.1f}"


if __name__ == "__main__":
    main()
