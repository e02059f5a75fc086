"""Faults while files are written: nothing may be half-written, lost or doubled, and whoever fails says so in one line.

    python benchmarks/faults.py disk [--times N]      the disk is full, at another write each time
    python benchmarks/faults.py kills [--times N]     kill -9 at random, then the same command again
    python benchmarks/faults.py serve [--times N]     kill -9 of the service while it takes clips and analyses them
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
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import av

from avcer.demo import make_clip
from faulting.commands import LAST_S, Command, made_commands
from faulting.trial import LIMIT_S, Digests, Ended, aged, digests, parts, prepared, run

RESULTS = Path(__file__).parent / "results" / "faults"
PAGE = 4096
ROOM = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("disk", "kills", "serve", "memory", "camera"))
    parser.add_argument("--times", type=int, default=20, help="of each command")
    parser.add_argument("--only", metavar="NAME", help="one command")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))  # for the processes that are started
    with TemporaryDirectory(prefix="avcer-faults-") as folder:
        root = Path(folder)
        measured = {"disk": disk, "kills": kills, "serve": serve, "memory": memory, "camera": camera}[chosen.what](
            root, chosen
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = chosen.what if chosen.only is None else f"{chosen.what}-{chosen.only.replace(' ', '-')}"
    (RESULTS / f"{name}.json").write_text(json.dumps(measured, indent=2) + "\n")
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


def serve(root: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Clips are sent until the service is killed; the next service must end every job that was accepted, once."""
    tally, chance = Tally(), random.Random(chosen.seed)
    clip = make_clip(root / "portrait.mp4").read_bytes()
    for _ in range(chosen.times):
        folder = root / "jobs"
        shutil.rmtree(folder, ignore_errors=True)
        after_s = chance.uniform(0.1, 8)
        accepted: list[str] = []
        with Served(folder) as service:
            ends_s = time.monotonic() + after_s
            while time.monotonic() < ends_s and len(accepted) < 3:
                accepted.append(service.send(clip))
            time.sleep(max(ends_s - time.monotonic(), 0))
        with Served(folder) as service:
            jobs = service.ended()
            kept = {path.name for path in folder.iterdir() if path.is_dir()}
        wrong = [f"lost: {job}" for job in accepted if job not in jobs]
        wrong += [f"not done: {error}" for state, error in jobs.values() if state != "done"]
        wrong += [f"half-written: {job}" for job in jobs if len(list((folder / job / "results").glob("*"))) < 10]
        wrong += [f"left: {name}" for name in kept - set(jobs)]
        tally.add("serve", f"{after_s:.2f} s, {len(accepted)} accepted", wrong, Ended(0, "", 0.0))
    return tally.told()


class Served:
    """The service in a process of its own, killed at the end."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "avcer", "serve", "--port", "0", "--jobs", str(folder), "--threads", "1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._root, _, token = self._process.stdout.readline().strip().partition("/?token=")
        self._head = {"Authorization": f"Bearer {token}"}

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, path: str, body: bytes | None = None) -> Any:
        asked = urllib.request.Request(f"{self._root}/api/{path}", body, self._head)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def send(self, clip: bytes) -> str:
        return str(self.ask(f"jobs?name=clip.mp4&options=%7B%22end%22%3A{LAST_S}%7D", clip)["id"])

    def ended(self) -> dict[str, tuple[str, str]]:
        """State and error of every job, once all have ended."""
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            jobs = {row["id"]: (row["state"], str(row["error"])) for row in self.ask("jobs")}
            waiting = [state for state, _ in jobs.values() if state in ("queued", "running")]
            if not waiting or time.monotonic() > deadline_s:
                return jobs
            time.sleep(0.2)


UNCHECKED = """
import sys
from avcer.commands import shared
shared.LEAST_MB = shared.MB_A_THREAD = 0
from avcer.cli import main
sys.exit(main(sys.argv[1:]))
"""


def memory(root: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """What comes of an analysis in so many megabytes, as it is, and without the check that refuses too little."""
    clip = make_clip(root / "portrait.mp4")
    found: dict[str, dict[str, str]] = {}
    for name, start in (("checked", ["-m", "avcer"]), ("unchecked", ["-c", UNCHECKED])):
        for threads in ("1", "4"):
            for mb in (300, 600, 1000, 1500, 1800, 2000, 2064, 2256, 2600):
                words = [
                    "analyze",
                    str(clip),
                    "--out",
                    str(root / "out"),
                    "--threads",
                    threads,
                    "--quiet",
                    "--end",
                    "1",
                ]
                command = ["sh", "-c", f'ulimit -v {mb << 10}; exec "$@"', "sh", sys.executable, *start, *words]
                try:
                    ended = subprocess.run(command, capture_output=True, text=True, timeout=90)
                    said = (ended.stderr.strip().splitlines() or [""])[-1].replace(f"{root}/", "")[:160]
                    what = "done" if ended.returncode == 0 else f"{ended.returncode}: {said}"
                except subprocess.TimeoutExpired:
                    what = "hangs"
                found.setdefault(f"{name}, {threads} threads", {})[f"{mb} MB"] = what
                print(name, threads, mb, what, file=sys.stderr, flush=True)
    wrong = [
        f"{mb}: {what}"
        for name, row in found.items()
        for mb, what in row.items()
        if name.startswith("checked") and what != "done" and "the address space is limited" not in what
    ]
    return {"by limit": found, "to look at": wrong}


def camera(root: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """A stream that is sent over a local socket, and breaks off: closed, reset, or silent."""
    clip, stream = make_clip(root / "portrait.mp4"), root / "portrait.ts"
    with av.open(str(clip)) as read, av.open(str(stream), "w", format="mpegts") as written:
        streams = {one.index: written.add_stream_from_template(one) for one in read.streams}
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    tally = Tally()
    for way in ("closed", "reset", "silent"):
        out = root / way
        with socket.create_server(("127.0.0.1", 0)) as door:
            Thread(target=_break_off, args=(door, stream.read_bytes(), way), daemon=True).start()
            address = f"tcp://127.0.0.1:{door.getsockname()[1]}"
            command = [sys.executable, "-m", "avcer", "live", "--camera", address, "--out", str(out), "--quiet"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        wrong = [] if Ended(ended.returncode, ended.stderr, 0.0).clear and ended.returncode == 1 else ["unclear"]
        kept = {path.name for path in out.rglob("*")}
        wrong += [f"lost: {name}" for name in ("recording.mp4", "analysis.json", "compound.csv") if name not in kept]
        tally.add("live", way, wrong, Ended(ended.returncode, ended.stderr, 0.0))
    return tally.told()


def _break_off(door: socket.socket, stream: bytes, way: str) -> None:
    line, _ = door.accept()
    for start in range(0, len(stream) * 2 // 3, 20_000):
        line.sendall(stream[start : start + 20_000])
        time.sleep(0.1)
    if way == "silent":
        time.sleep(60)
    if way == "reset":
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


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
