"""Stored analyses by the hundred."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avcer.errors import InputError
from avcer.output.document_1 import read_clip
from avcer.output.record import DOCUMENT
from avcer.parsing import json_of
from avcer.types import Clip


def documents(place: Path) -> list[Path]:
    """The ``analysis.json`` at ``place``, in that folder, or in any folder below it; by path. Hidden folders are left
    out: a batch keeps unfinished results there.

    Raises:
        InputError: there is none.
    """
    found = [place] if place.is_file() else sorted(_below(place))
    if not found:
        raise InputError(f"{place}: holds no {DOCUMENT}; give a folder that avcer analyze or avcer batch wrote")
    return found


def clip_of(document: Path) -> Clip | None:
    """The clip of a stored analysis, without its arrays; None where there is no such document."""
    try:
        return read_clip(json_of(document.read_text(encoding="utf-8"))["clip"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _below(folder: Path) -> Iterator[Path]:
    if (folder / DOCUMENT).is_file():
        yield folder / DOCUMENT
        return
    for inside in folder.iterdir() if folder.is_dir() else ():
        if inside.is_dir() and not inside.name.startswith("."):
            yield from _below(inside)
