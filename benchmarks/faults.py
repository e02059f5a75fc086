"""Faults while files are written: nothing may be half-written, lost or doubled, and whoever fails says so in one line.

    python benchmarks/faults.py disk [--times N]      the disk is full, at another write each time
    python benchmarks/faults.py kills [--times N]     kill -9 at random, then the same command again
    python benchmarks/faults.py serve [--times N]     the same of the service: uploads, jobs, full disks
    python benchmarks/faults.py places                folders that cannot be written, a missing home, ...
    python benchmarks/faults.py memory                less and less address space (ulimit -v)
    python benchmarks/faults.py camera                a source of live pictures that goes away

Options: ``--only NAME`` of a command, ``--seed N``. Each prints one JSON object, and writes it to
``benchmarks/results/faults/``. Disks are small ones in memory, which takes the right to mount; without it, no file may
become larger than so much. After each fault, what lies there is compared with what an undisturbed run leaves, apart
from times; then the same command runs once more, undisturbed, and all of it must be there, once.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faulting.commands import Command, made_commands
from faulting.trial import Digests, Ended, aged, digests, parts, prepared, run

RESULTS = Path(__file__).parent / "results" / "faults"
PAGE = 4096
ROOM = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("disk", "kills"))
    parser.add_argument("--times", type=int, default=20, help="of each command")
    parser.add_argument("--only", metavar="NAME", help="one command")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))  # for the processes that are started
    with TemporaryDirectory(prefix="avcer-faults-") as folder:
        root = Path(folder)
        measured = {"disk": disk, "kills": kills}[chosen.what](root, chosen)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{chosen.what}.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
    sys.exit(bool(measured["to look at"]))


class Tally:
    """What was seen, by command."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        self.kept: list[dict[str, Any]] = []
        self.begun_s = time.monotonic()

    def add(self, name: str, place: str, verdicts: list[str], ended: Ended) -> None:
        self.verdicts[name]["trials"] += 1
        for verdict in verdicts:
            self.verdicts[name][verdict.partition(":")[0]] += 1
        if verdicts:
            self.kept.append({"command": name, "at": place, "what": verdicts, "said": ended.said[-300:]})
            print(name, place, verdicts, ended.status, ended.said[-600:], file=sys.stderr, flush=True)

    def told(self) -> dict[str, Any]:
        return {
            "trials": sum(counts["trials"] for counts in self.verdicts.values()),
            "by command": {name: dict(counts) for name, counts in self.verdicts.items()},
            "minutes": round((time.monotonic() - self.begun_s) / 60, 1),
            "to look at": self.kept,
        }


def chosen_commands(root: Path, only: str | None) -> Mapping[str, Command]:
    (root / "material").mkdir()
    (root / "home").mkdir()
    commands = made_commands(root / "material")
    return {name: command for name, command in commands.items() if only in (None, name)}


def undisturbed(command: Command, out: Path, home: Path) -> tuple[Digests, int, float]:
    """The result of a command, its bytes on the disk, and the seconds that it takes."""
    for _ in range(2):  # the first one fills caches
        prepared(command, out)
        ended = run(command, out, home)
        if ended.status != 0:
            sys.exit(f"{command.words(out)}: {ended.said}")
    taken = sum(-(-path.stat().st_size // PAGE) * PAGE for path in out.rglob("*") if path.is_file())
    return digests(out, command.finals), taken, ended.seconds


def disk(root: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    tally, out = Tally(), root / "out"
    for name, command in chosen_commands(root, chosen.only).items():
        out.mkdir(exist_ok=True)
        expected, taken, _ = undisturbed(command, out, root / "home")
        held = sum(-(-path.stat().st_size // PAGE) * PAGE for path in (command.before or root / "none").rglob("*"))
        for step in range(chosen.times):
            size = held + round((taken - held) * (step + 0.5) / chosen.times) // PAGE * PAGE + 8 * PAGE
            with small_disk(out, size) as file_bytes:
                prepared(command, out)
                ended = run(command, out, root / "home", file_bytes=file_bytes)
                found = digests(out, command.finals)
                verdicts = [] if ended.clear else ["unclear"]
                verdicts += judged(command, found, expected)
                verdicts += ["unfinished: " + path.name for path in parts(out)]
                if ended.status == 0 and found != expected:
                    verdicts.append("said to be done")
                enlarge(out)
                again = run(command, out, root / "home", again=True)
                verdicts += compared(again, digests(out, command.finals), expected)
            tally.add(name, f"{size} of {taken} bytes", verdicts, again if again.status else ended)
    return tally.told()


def kills(root: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    tally, out, chance = Tally(), root / "out", random.Random(chosen.seed)
    for name, command in chosen_commands(root, chosen.only).items():
        out.mkdir(exist_ok=True)
        expected, _, seconds = undisturbed(command, out, root / "home")
        for _ in range(chosen.times):
            prepared(command, out)
            after_s = chance.uniform(0, 1.05 * seconds)
            run(command, out, root / "home", kill_s=after_s)
            verdicts = judged(command, digests(out, command.finals), expected)
            aged(out)
            again = run(command, out, root / "home", again=True)
            verdicts += compared(again, digests(out, command.finals), expected)
            verdicts += ["unfinished: " + path.name for path in parts(out)]
            tally.add(name, f"{after_s:.2f} s", verdicts, again)
    return tally.told()


def judged(command: Command, found: Digests, expected: Digests) -> list[str]:
    """Whether each file that is there is whole: as after an undisturbed run, or as it was before."""
    before = digests(command.before, command.finals) if command.before else {}
    wrong = []
    for name, digest in found.items():
        whole = digest in (expected.get(name), before.get(name)) or (name in command.over and digest != "damaged")
        if not whole and not (name.endswith(".csv") and name in ("log.csv", "summary.csv") and digest != "damaged"):
            wrong.append(f"half-written: {name}")
    return wrong


def compared(again: Ended, found: Digests, expected: Digests) -> list[str]:
    """Whether all of it is there after the second run, once."""
    wrong = [] if again.status == 0 else [f"not mended: status {again.status}"]
    wrong += [f"lost: {name}" for name in expected if name not in found]
    wrong += [f"doubled: {name}" for name in found if name not in expected]
    return wrong + [f"differs: {name}" for name in found if name in expected and found[name] != expected[name]]


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[int | None]:
    """A disk of so many bytes at ``place``; or, where none can be mounted, the most bytes that a file may have."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], capture_output=True)
    if mounted.returncode:
        yield max(size // 8, PAGE)
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def enlarge(place: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={ROOM}", place], capture_output=True)


if __name__ == "__main__":
    main()
