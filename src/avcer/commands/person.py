"""``avcer person``: the mean of what the models say of one person, from analyses of clips."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avcer.commands.shared import DONE, Commands, add
from avcer.errors import InputError, OutputError

if TYPE_CHECKING:
    from avcer.analysis import Analysis


def add_person(commands: Commands) -> None:
    """The parser of ``avcer person``."""
    summary = "the mean of what the models say of one person, for --person, from results of clips"
    person = add(commands, "person", summary, _person)
    person.add_argument(
        "results", nargs="+", type=Path, metavar="RESULT",
        help="a folder of results of a clip of the person, or its analysis.json; three or more (--neutral: one)",
    )  # fmt: skip
    person.add_argument(
        "--neutral", action="store_true", help="in these clips the person speaks neutrally; for the face alone"
    )
    person.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="the file to write")
    person.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _person(chosen: argparse.Namespace) -> int:
    from avcer.decision.person import person_of

    if chosen.out.exists():
        raise OutputError(f"{chosen.out}: is there already; give another --out, or remove it")
    made = person_of(_loaded(_apart(chosen.results), chosen.quiet), chosen.neutral)
    made.write(chosen.out)
    if not chosen.quiet:
        clips = "1 clip" if made.clips == 1 else f"{made.clips} clips"
        print(f"{chosen.out}: {clips}{', neutral' * made.neutral}; {', '.join(made.usual)}")
    return DONE


def _apart(results: Sequence[Path]) -> Sequence[Path]:
    """The results, if none is given twice."""
    folders = [(one if one.is_dir() else one.parent).resolve() for one in results]
    for place, folder in enumerate(folders):
        if folder in folders[:place]:
            raise InputError(f"{results[place]}: is given twice; give each result once")
    return results


def _loaded(results: Sequence[Path], quiet: bool) -> Iterator[Analysis]:
    from avcer.output.document import load_json

    for result in results:
        analysis = load_json(result, labels_alone=True)
        if len(analysis.tracks) > 1 and not quiet:
            print(f"note: {result}: has {len(analysis.tracks)} faces; the primary one is taken", file=sys.stderr)
        yield analysis
