"""One trial: a command in a process of its own, under a fault, and what it leaves behind."""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avcer.output.record import KEY
from faulting.commands import Command

Digests = Mapping[str, str]
TIMES = ("seconds", "real_time_factor", "attempts", "eta_s")
"""Columns that tell of the time that the work took, or of the disturbance."""
LIMIT_S = 300.0
PROCESSES = multiprocessing.get_context("forkserver")
"""Children of a process that has done the slow imports, and nothing else: no thread of it is missing in them."""
PROCESSES.set_forkserver_preload(["faulting.commands", "avcer.pipeline", "avcer.output.sheet", "torch", "uvicorn"])


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status (a signal's number below 0, None where it was stopped after ``LIMIT_S``), what it
    said on standard error, and after how many seconds.
    """

    status: int | None
    said: str
    seconds: float

    @property
    def clear(self) -> bool:
        """Whether it did what it was told, or said in one line why not."""
        if "Traceback" in self.said or self.status not in (0, 1, 2):
            return False
        return self.status == 0 or "avcer: error: " in self.said


def run(
    command: Command,
    out: Path,
    home: Path,
    kill_s: float | None = None,
    again: bool = False,
    file_bytes: int | None = None,
) -> Ended:
    """Runs a command. ``kill_s``: SIGKILL after so long; ``again``: for the second time; ``file_bytes``: the most that
    a file may have.
    """
    words = [*command.words(out), *(command.again if again else ())]
    said = home.with_name("said.txt")
    told = (command.run, words, out if command.home else home, said, file_bytes)
    begun_s = time.monotonic()
    child = PROCESSES.Process(target=_inside, args=told)
    child.start()
    child.join(LIMIT_S if kill_s is None else kill_s)
    late = child.exitcode is None
    child.kill()
    child.join()
    return Ended(None if late else child.exitcode, said.read_text(errors="replace"), time.monotonic() - begun_s)


def _inside(what: Callable[[list[str]], int], words: list[str], home: Path, said: Path, file_bytes: int | None) -> None:
    """The child: never returns."""
    status = 1
    try:
        for number, path in ((1, Path(os.devnull)), (2, said)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.environ["AVCER_HOME"] = str(home)
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        status = what(words)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def prepared(command: Command, out: Path) -> None:
    """An empty folder, or what lies there already."""
    for path in out.iterdir() if out.exists() else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if command.before is not None:
        shutil.copytree(command.before, out, dirs_exist_ok=True)
    else:
        out.mkdir(exist_ok=True)


def digests(folder: Path, patterns: tuple[str, ...] | list[str]) -> dict[str, str]:
    """A hash of each file that is the result, without what it says of the time that the work took; 'damaged' where it
    cannot be read. Hidden files are none.
    """
    paths = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    shown = sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return {str(path.relative_to(folder)): digest(path) for path in shown}


def digest(path: Path) -> str:
    try:
        return hashlib.sha256(_told(path)).hexdigest()
    except Exception:
        return "damaged"


def _told(path: Path) -> bytes:
    if path.name in ("analysis.json", "card.json"):
        return json.dumps(_timeless(json.loads(path.read_bytes())), sort_keys=True).encode()
    if path.name in ("summary.csv", "log.csv"):
        with path.open(encoding="utf-8") as file:
            rows = [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]
        return json.dumps(rows).encode()
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return repr(parquet.read_table(path).replace_schema_metadata().to_pydict()).encode()
    if path.suffix == ".eaf":
        return re.sub(rb'DATE="[^"]*"', b"", path.read_bytes())
    if path.suffix == ".pt":
        import torch

        return repr({name: value.tolist() for name, value in torch.load(path, weights_only=True).items()}).encode()
    return path.read_bytes()


def _timeless(document: dict[str, Any]) -> dict[str, Any]:
    document.get("provenance", {}).pop("timings", None)
    for name in ("analysis", "digests"):  # hashes over the times, too
        document.get(KEY, {}).pop(name, None)
    document.pop("speed", None)
    return document


def parts(folder: Path) -> list[Path]:
    """Unfinished files under hidden names."""
    return [path for path in folder.rglob("*.part") if path.is_file()]


def aged(folder: Path) -> None:
    """Makes unfinished files look as if nobody had written them for an hour."""
    for path in parts(folder):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
