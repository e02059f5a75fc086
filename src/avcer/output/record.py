"""What a folder of results says of itself: the clip and the analysis that they come from, and which files are ours.

The record is part of ``analysis.json``; where that is not written, it lies in a small hidden file. Thus results of
another clip are not overwritten, and files of an earlier analysis do not stay beside those of a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.parsing import json_of

KEY: Final = "results"
"""The record's place in ``analysis.json``."""
DOCUMENT: Final = "analysis.json"
HIDDEN: Final = ".avcer.json"
USUAL: Final = (
    DOCUMENT,
    "compound.csv",
    "static.csv",
    "timeline.png",
    "submission.txt",
    "segments.srt",
    "segments.vtt",
)
"""Files that show a folder to hold results, where it has no record."""


@dataclass(frozen=True)
class Source:
    """A clip as the file system knows it: absolute path, bytes, and time of its last change in nanoseconds."""

    path: str
    bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Source:
        """The clip at ``path``; one that is no file has no size."""
        absolute = str(path.absolute().resolve())
        try:
            found = path.stat()
        except OSError:
            return cls(absolute, 0, 0)
        return cls(absolute, found.st_size, found.st_mtime_ns)

    def same(self, other: Source) -> bool:
        """Whether both are one clip: of one size, and at one place or changed at one moment."""
        return self.bytes == other.bytes and (self.path == other.path or self.changed_ns == other.changed_ns)


@dataclass(frozen=True)
class Record:
    """Where results come from. ``analysis`` tells one analysis from any other; ``files`` lie below the folder."""

    source: Source
    analysis: str
    files: tuple[str, ...]

    @classmethod
    def of(cls, analysis: Analysis, folder: Path, files: Iterable[Path]) -> Record:
        """The record of ``files`` that were written into ``folder``."""
        told = json.dumps([str(analysis.clip.path), analysis.provenance.to_dict()], sort_keys=True, default=str)
        names = sorted({path.relative_to(folder).as_posix() for path in files})
        digest = hashlib.sha256(told.encode(errors="replace")).hexdigest()
        return cls(Source.of(Path(analysis.clip.path)), digest, tuple(names))

    def with_files_of(self, earlier: Iterable[Record]) -> Record:
        """With the files that earlier calls wrote for the same analysis."""
        ours = [record.files for record in earlier if record.analysis == self.analysis]
        return replace(self, files=tuple(sorted({*self.files, *chain(*ours)})))

    def as_dict(self) -> dict[str, Any]:
        """For a JSON document."""
        return asdict(self)


def read_records(folder: Path) -> list[Record]:
    """The records in ``folder``, which need not exist; what cannot be read counts as none."""
    found = []
    for name in (DOCUMENT, HIDDEN):
        try:
            document = json_of((folder / name).read_text(encoding="utf-8"))
            told = document[KEY]
            found.append(Record(Source(**told["source"]), str(told["analysis"]), tuple(map(str, told["files"]))))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return found


def write_hidden(record: Record, folder: Path) -> None:
    """Writes the record into its hidden file."""
    with atomic_text(folder / HIDDEN) as file:
        json.dump({KEY: record.as_dict()}, file)


def remove_stale(folder: Path, earlier: Iterable[Record], now: Record, hidden: bool) -> None:
    """Removes files that an earlier analysis wrote into ``folder`` and this one did not; nobody else's files. With
    ``hidden``, a hidden record goes as well: the document holds it now.
    """
    if hidden:
        (folder / HIDDEN).unlink(missing_ok=True)
    kept = set(now.files)
    for record in earlier:
        if record.analysis == now.analysis:
            continue
        for name in set(record.files) - kept:
            path = folder / name
            inside = path.resolve().is_relative_to(folder.resolve()) and ".." not in path.parts
            if inside and path.is_file():
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, folder)


def _remove_empty(parent: Path, folder: Path) -> None:
    if parent != folder and not any(parent.iterdir()):
        parent.rmdir()


def holds_others(folder: Path, source: Source) -> bool:
    """Whether ``folder`` holds results, and not those of this clip."""
    records = read_records(folder)
    if records:
        return not any(record.source.same(source) for record in records)
    return any((folder / name).exists() for name in USUAL)
