"""Runs the blocks of docs/corpus-to-figure.md, and puts what they print, and the figure, into the page.

    python benchmarks/corpus_page.py [--write docs/corpus-to-figure.md]

Python blocks run one after the other with one set of names, lines that begin with ``avcer`` as commands, all in an
empty folder. What a block prints stands below it, in a block of its own. The picture goes into ``figures`` beside the
page.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from page import ROOT, circumstances, put

PAGE = ROOT / "docs" / "corpus-to-figure.md"
BLOCK = re.compile(r"^```(python|)\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.DOTALL | re.MULTILINE)
"""A block of code, and below it what it printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="the page to put output and figure into")
    chosen = parser.parse_args()
    where, measured = chosen.write and chosen.write.resolve(), circumstances("pandas", "matplotlib")
    os.environ["MPLBACKEND"] = "agg"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        text = run(PAGE.read_text(encoding="utf-8"))
        if where:
            where.write_text(text, encoding="utf-8")
            shutil.copyfile("corpus.png", where.parent / "figures" / "corpus.png")
            put(where, measured)
    print(text)


def run(page: str) -> str:
    """The page with what its blocks print now."""
    names: dict[str, object] = {}

    def block(found: re.Match[str]) -> str:
        language, code = found.groups()
        printed = of_python(code, names) if language else "".join(of_command(line) for line in code.splitlines())
        lines = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        shown = f"\n```text\n{lines}\n```\n" if lines else ""
        return f"```{language}\n{code}```\n{shown}"

    return BLOCK.sub(block, page)


def of_python(code: str, names: dict[str, object]) -> str:
    """What a block prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, PAGE.name, "exec"), names)
    return printed.getvalue()


def of_command(line: str) -> str:
    """What a line that begins with ``avcer`` prints."""
    command = [sys.executable, "-m", *shlex.split(line)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
