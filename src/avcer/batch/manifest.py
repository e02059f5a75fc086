"""What a batch is to analyse: files, folders, patterns and manifests become one list of entries with stable ids."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import has_magic, iglob
from pathlib import Path
from typing import Any, Final

from avcer.errors import InputError, MissingExtraError, UsageError

VIDEO_SUFFIXES: Final = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".qt",
        ".mkv",
        ".webm",
        ".avi",
        ".wmv",
        ".asf",
        ".flv",
        ".f4v",
        ".ts",
        ".mts",
        ".m2ts",
        ".mpg",
        ".mpeg",
        ".m2v",
        ".vob",
        ".3gp",
        ".3g2",
        ".ogv",
        ".mxf",
        ".gif",
        ".h264",
        ".hevc",
    ]
)
"""What is taken from a folder. A file that is named in the call or in a manifest is taken whatever its suffix."""
MANIFEST_SUFFIXES: Final = (".csv", ".tsv", ".parquet")
RESERVED: Final = ("id", "path", "start", "end")
"""Columns of a manifest with a meaning; all others are the user's own and travel into the results."""
_LONGEST_ID: Final = 120


@dataclass(frozen=True)
class Entry:
    """One clip, or the part of it from ``start_s`` to ``end_s`` (seconds from its beginning; None = as it is).

    ``id`` names the folder of the results. ``extra`` are the manifest's further columns, as text.
    """

    id: str
    path: Path
    start_s: float | None = None
    end_s: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> tuple[str, float | None, float | None]:
        """What is analysed: two entries with the same source are one."""
        return str(self.path), self.start_s, self.end_s


def read_sources(sources: Sequence[str], known: Mapping[tuple[str, float | None, float | None], str]) -> list[Entry]:
    """The entries of all ``sources``: files, folders (searched in depth), patterns such as ``corpus/**/*.mp4``, and
    manifests (CSV, TSV, Parquet with a column ``path``, relative to the manifest; optional ``start``, ``end``, ``id``).

    Args:
        sources: as given on the command line.
        known: ids that an earlier call gave, by ``Entry.source``; they stay.

    Raises:
        UsageError: a manifest without ``path``, with ids that occur twice, or with times that are no numbers; a pattern
            or folder without any video.
        InputError: a manifest that cannot be read.
    """
    found: dict[tuple[str, float | None, float | None], Entry] = {}
    for source in sources:
        for entry in _entries(source):
            found.setdefault(entry.source, entry)
    return _with_ids(list(found.values()), known)


def _entries(source: str) -> Iterator[Entry]:
    path = Path(source)
    if path.is_dir():
        yield from _some(source, _videos_below(path))
    elif path.suffix.lower() in MANIFEST_SUFFIXES:
        yield from _read_manifest(path)
    elif not path.exists() and has_magic(source):
        yield from _some(source, _matches(source))
    else:
        yield Entry("", path.absolute())


def _some(source: str, paths: Iterable[Path]) -> list[Entry]:
    entries = [Entry("", path.absolute()) for path in paths]
    if not entries:
        raise UsageError(f"{source}: no video in it; name files, a folder, a pattern, or a manifest with a column path")
    return entries


def _matches(pattern: str) -> list[Path]:
    # Not ``Path.glob``: the pattern may be absolute, or lead upwards.
    return sorted(Path(match) for match in iglob(pattern, recursive=True) if Path(match).is_file())  # noqa: PTH207


def _videos_below(folder: Path) -> list[Path]:
    """Hidden files and folders are left out: editors and file systems keep copies there."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def _read_manifest(path: Path) -> Iterator[Entry]:
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _text_rows(path)
    for number, row in enumerate(rows, start=1):
        where = f"{path}: row {number}"
        if not row.get("path"):
            raise UsageError(f"{where} has no path; a manifest needs a column path with the file of every clip")
        clip = Path(row["path"])
        yield Entry(
            id=_checked_id(row.get("id", ""), where),
            path=(clip if clip.is_absolute() else path.parent / clip).absolute(),
            start_s=_seconds(row.get("start", ""), f"{where}: start"),
            end_s=_seconds(row.get("end", ""), f"{where}: end"),
            extra={name: value for name, value in row.items() if name not in RESERVED},
        )


def _text_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","):
                yield {name: value or "" for name, value in row.items() if name is not None and isinstance(value, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a manifest ({error}); save it as CSV in UTF-8") from error


def _parquet_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(f"{path}: reading Parquet needs PyArrow: pip install pyarrow") from error
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a manifest ({error}); save it as Parquet again") from error
    for row in rows:
        yield {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def _seconds(word: str, where: str) -> float | None:
    if not word.strip():
        return None
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"{where} must be seconds from the beginning of the clip, not {word!r}")
    return number


def _checked_id(name: str, where: str) -> str:
    """An id becomes the name of a folder, so it must stay inside the folder of the results."""
    if name and (name != _folder_name(name)):
        raise UsageError(f"{where}: the id {name!r} cannot be the name of a folder; use letters, digits, - and _")
    return name


def _folder_name(text: str) -> str:
    plain = re.sub(r"[\x00-\x1f/\\:*?\"<>|]+", "_", text).strip(" .")[:_LONGEST_ID]
    return plain or "clip"


def _with_ids(entries: list[Entry], known: Mapping[tuple[str, float | None, float | None], str]) -> list[Entry]:
    """Every entry with an id of its own: the manifest's, an earlier call's, else one made of the file's name.

    Made ids depend on the set of files alone, not on their order, so that all shards of a corpus agree. Case is
    ignored: some file systems do not tell A from a.
    """
    given = Counter(entry.id.casefold() for entry in entries if entry.id)
    for name, count in given.items():
        if count > 1:
            raise UsageError(f"the id {name!r} stands for {count} clips of the manifest; give each its own")
    taken = {*given, *(name.casefold() for name in known.values())}
    wanted = Counter(_stem(entry).casefold() for entry in entries if not entry.id and entry.source not in known)
    named = []
    for entry in entries:
        name = entry.id or known.get(entry.source) or _stem(entry)
        if not entry.id and entry.source not in known and (wanted[name.casefold()] > 1 or name.casefold() in taken):
            name = f"{name}-{hashlib.sha256(repr(entry.source).encode()).hexdigest()[:8]}"
        named.append(replace(entry, id=name))
    return named


def _stem(entry: Entry) -> str:
    part = "" if entry.start_s is None and entry.end_s is None else f"@{entry.start_s or 0:g}"
    return _folder_name(entry.path.stem + part)
