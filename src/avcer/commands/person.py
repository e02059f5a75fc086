"""``avcer person``: what the models usually say of one person, from analyses of several clips."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, Commands, add
from avcer.errors import OutputError


def add_person(commands: Commands) -> None:
    """The parser of ``avcer person``."""
    summary = "what the models usually say of one person, for --person, from results of several clips"
    person = add(commands, "person", summary, _person)
    person.add_argument(
        "results", nargs="+", type=Path, metavar="RESULT",
        help="a folder of results of a clip of the person, or its analysis.json; three or more",
    )  # fmt: skip
    person.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="the file to write")
    person.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _person(chosen: argparse.Namespace) -> int:
    from avcer.decision.person import person_of
    from avcer.output.document import load_json

    if chosen.out.exists():
        raise OutputError(f"{chosen.out}: is there already; give another --out, or remove it")
    made = person_of(load_json(result, labels_alone=True) for result in chosen.results)
    made.write(chosen.out)
    if not chosen.quiet:
        print(f"{chosen.out}: {made.clips} clips; {', '.join(made.usual) or 'neither face nor voice'}")
    return DONE
