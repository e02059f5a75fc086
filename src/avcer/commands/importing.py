"""``avcer import-annotations``: what people annotated, as a table of labels."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from avcer.commands.shared import DONE, FAILED, Commands, add, complain
from avcer.errors import AvcerError, one_of_many

if TYPE_CHECKING:
    from avcer.annotations.labels import Label
    from avcer.annotations.words import Words


def add_import_annotations(commands: Commands) -> None:
    """The parser of ``avcer import-annotations``."""
    summary = "make a table of labels from ELAN's, Praat's or the studio's annotations"
    imports = add(commands, "import-annotations", summary, _import)
    imports.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".eaf, .TextGrid, or corrections.json")
    imports.add_argument(
        "--tier", action="append", default=[], metavar="NAME",
        help="only this tier; may be repeated (default: those that hold labels)",
    )  # fmt: skip
    imports.add_argument("--map", type=Path, metavar="FILE.toml", help="what words of yours mean (docs/annotations.md)")
    imports.add_argument("--compounds", metavar="NAME|FILE", help="a vocabulary of yours beside the shipped ones")
    imports.add_argument("--video", type=Path, metavar="FILE", help="the clip of all FILEs, where they do not name it")
    imports.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder for labels.csv (default: that of the first FILE)"
    )
    imports.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _import(chosen: argparse.Namespace) -> int:
    from avcer.annotations.labels import write_labels

    words, labels, status = _words(chosen), [], DONE
    names = Counter(path.name for path in chosen.files)
    for path in chosen.files:
        try:
            with one_of_many(path):
                found = _labels(path, words, chosen)
                labels += found if names[path.name] == 1 else [replace(one, source=str(path)) for one in found]
        except AvcerError as error:
            complain(error, chosen.debug)
            status = FAILED
    if labels:
        table = write_labels(labels, chosen.out or chosen.files[0].parent)
        clips = len({one.clip for one in labels})
        if not chosen.quiet:
            print(f"{table}: {len(labels)} labels of {clips} clip{'' if clips == 1 else 's'}")
    return status


def _words(chosen: argparse.Namespace) -> Words:
    from avcer.annotations.words import Words, read_map
    from avcer.labels import read_vocabulary

    vocabulary = None if chosen.compounds is None else read_vocabulary(chosen.compounds)
    return Words(None if chosen.map is None else read_map(chosen.map), vocabulary)


def _labels(path: Path, words: Words, chosen: argparse.Namespace) -> list[Label]:
    from avcer.annotations.labels import labels_of
    from avcer.annotations.read import read_annotation

    def tell(note: str) -> None:
        if not chosen.quiet:
            print(note, file=sys.stderr)

    return labels_of(read_annotation(path, chosen.video, tell), words, chosen.tier, tell)
