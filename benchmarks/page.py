"""What every benchmark prints: a Markdown table, where and how it was measured, and its place in a page of docs/."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def circumstances(*packages: str) -> str:
    """Date, commit, processor, versions and command, in a sentence."""
    command = " ".join(["python", Path(sys.argv[0]).resolve().relative_to(ROOT).as_posix(), *sys.argv[1:]])
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return f"Measured on {today} at commit {_commit()}, {_processor()}, {versions}, by `{command}`."


def put(page: Path, text: str, part: str = "") -> None:
    """Replaces what stands between the two marker comments of this benchmark, or of a part of it, in ``page``."""
    name = " ".join([Path(sys.argv[0]).name, *part.split()])
    begin, end = f"<!-- measured by {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        sys.exit(f"{page}: has no lines {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _commit() -> str:
    """The short hash, and whether the package has been changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit} with changes" if _git("status", "--porcelain", "--", "src", "benchmarks") else commit


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} ({os.cpu_count()} processors)"
