"""What a batch is to analyse: files, folders, patterns and manifests become one list of entries with stable ids."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from glob import has_magic, iglob
from pathlib import Path
from typing import Final

from avcer.batch.bulk import uncollected
from avcer.batch.entries import Entry, Span, with_ids
from avcer.batch.manifest import SUFFIXES, read_manifest
from avcer.errors import UsageError
from avcer.output.record import read_records

VIDEO_SUFFIXES: Final = (
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".wmv", ".asf", ".flv", ".f4v", ".ts", ".mts", ".m2ts",
    ".mpg", ".mpeg", ".m2v", ".vob", ".3gp", ".3g2", ".ogv", ".mxf", ".gif", ".h264", ".hevc",
)  # fmt: skip
"""What is taken from a folder. A file that is named in the call or in a manifest is taken whatever its suffix."""


@uncollected()
def read_sources(sources: Sequence[str], known: Mapping[Span, str]) -> list[Entry]:
    """The entries of all ``sources``: files, folders (searched in depth), patterns such as ``corpus/**/*.mp4``, and
    manifests, see ``manifest.read_manifest``.

    Args:
        sources: as given on the command line.
        known: ids that an earlier call gave, by ``Entry.source``; they stay.

    Raises:
        UsageError: a manifest that is wrong, or a pattern, folder or manifest without any clip.
        InputError: a manifest that cannot be read.
    """
    return with_ids(_each_once([entry for source in sources for entry in _entries(source)]), known)


def _entries(source: str) -> Iterable[Entry]:
    path = Path(source)
    if path.is_dir():
        return _some(source, (Entry("", clip) for clip in _videos_below(path)))
    if path.suffix.lower() in SUFFIXES:
        return _some(source, read_manifest(path))
    if not path.exists() and has_magic(source):
        return _some(source, (Entry("", clip) for clip in _matches(source)))
    return [Entry("", path.absolute())]


def _some(source: str, entries: Iterable[Entry]) -> list[Entry]:
    found = list(entries)
    if not found:
        raise UsageError(f"{source}: no video in it; name files, a folder, a pattern, or a manifest with a column path")
    return found


def _each_once(entries: Sequence[Entry]) -> list[Entry]:
    """What is there several times stands once: with the ids of a manifest, else with its columns.

    Raises:
        UsageError: two rows of a manifest for one clip whose columns differ, and no ids that tell them apart.
    """
    with_id = {entry.source for entry in entries if entry.id}
    found: dict[tuple[Span, str], Entry] = {}
    for entry in entries:
        if not entry.id and entry.source in with_id:
            continue
        first = found.setdefault((entry.source, entry.id), entry)
        if first.extra and entry.extra and first.extra != entry.extra:
            raise UsageError(f"{entry.path}: two rows of a manifest are for it; give each an id of its own")
        if entry.extra:
            found[entry.source, entry.id] = entry
    return list(found.values())


def _matches(pattern: str) -> Iterator[Path]:
    # Not ``Path.glob``: the pattern may be absolute, or lead upwards.
    paths = sorted(Path(match).absolute() for match in iglob(pattern, recursive=True) if Path(match).is_file())  # noqa: PTH207
    ours = cache(_ours)
    return (path for path in paths if path.name not in ours(path.parent))


def _videos_below(folder: Path) -> Iterator[Path]:
    """Hidden files and folders are left out: editors and file systems keep copies there. So is what avcer wrote, such
    as ``annotated.mp4``: results may lie below the clips. Links to folders are followed, each folder once.
    """
    seen: set[tuple[int, int]] = set()
    found: list[str] = []
    for place, folders, names in os.walk(folder.absolute(), followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        videos = [name for name in names if name.lower().endswith(VIDEO_SUFFIXES) and not name.startswith(".")]
        ours = _ours(Path(place)) if videos else frozenset()
        found += [path for name in videos if name not in ours and os.path.isfile(path := os.path.join(place, name))]  # noqa: PTH113, PTH118 - for speed
    return map(Path, sorted(found, key=lambda path: path.replace(os.sep, "\0")))  # folder by folder


def _ours(folder: Path) -> frozenset[str]:
    """The files in a folder that avcer wrote as results."""
    return frozenset(name for record in read_records(folder) for name in record.files)
