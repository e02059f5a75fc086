"""How the mini audio recipe does on a language that it never hears: trained with one set left out, scored on all of it.

    python benchmarks/left_out.py SPEECH... --out RUNS [--epochs N]

Writes ``benchmarks/results/training/left-out.json``. A run a table; each goes on where an earlier call stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from avcer.evaluation.protocols import Subject, evaluate
from avcer.training import audio

RESULT = Path(__file__).parent / "results" / "training" / "left-out.json"


@dataclass(frozen=True)
class LeftOut:
    """One set: how many recordings it has, the score on them, and how long the others were trained on."""

    n: int
    uar: float
    epochs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", nargs="+", type=Path, metavar="SPEECH")
    parser.add_argument("--out", type=Path, required=True, metavar="RUNS", help="a run for each table goes here")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    chosen = parser.parse_args()
    results = dict(_results(chosen.speech, chosen.out, chosen.epochs))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({name: asdict(row) for name, row in results.items()}, indent=2) + "\n")
    print(RESULT.read_text(), end="")


def _results(tables: Sequence[Path], out: Path, epochs: int | None) -> Iterator[tuple[str, LeftOut]]:
    epochs = epochs or audio.Plan.read(audio.RECIPE).epochs
    for path in tables:
        others = [table for table in tables if table != path]
        folder = out / f"without-{path.stem}"
        audio.train(others, folder, epochs)
        scores = evaluate("speech", [path], Subject(own_models=(folder / "model",)))
        yield path.stem.split("-")[0], LeftOut(scores["n"], round(scores["uar"], 4), epochs)


if __name__ == "__main__":
    main()
