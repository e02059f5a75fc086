"""What int8 gives and costs, model by model, on all clips at hand.

    python benchmarks/int8.py [CLIP ...] [--write docs/models.md]

The mini family, and the published one with stand-in weights (but for RetinaFace MobileNet-0.25). Times are those of a
single input; the machine should do nothing else. It takes ten minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from avcer.quantization import Outcome, quantize
from page import circumstances, put, table
from reference import CLIPS, import_stand_ins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="default: all real clips")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    clips = chosen.clips or sorted(CLIPS.glob("*.mp4"))
    text = "\n\n".join([circumstances("openvino", "nncf"), rows_of(outcomes(clips))])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def outcomes(clips: Sequence[Path]) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, AVCER_HOME=folder):
        yield from quantize("mini", clips, report=_said)
        import_stand_ins(Path(folder), _said)
        yield from quantize("published", clips, report=_said)


def rows_of(tried: Iterator[Outcome]) -> str:
    """A row for each model."""
    rows = []
    for outcome in tried:
        one = outcome.comparison
        if one is None:
            rows.append([outcome.name, f"{outcome.items} inputs: too few", "", "", "", "", ""])
            continue
        ours = [f"{one.same:.1%} of {one.items}", f"{one.difference:.4f}"]
        before = [f"{one.same_before:.1%}", f"{one.difference_before:.4f}"]
        times = f"{one.ms_before:.1f}, {one.ms_after:.1f}"
        rows.append([outcome.name, *ours, *before, times, "yes" if outcome.kept else "no"])
    headings = ["model", "int8: the same", "apart", "default precision: the same", "apart"]
    return table([*headings, "ms an input: default, int8", "kept"], rows)


def _said(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
