"""Manifests: tables with a row for each clip, as people write them in spreadsheets and data frames."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from avcer.batch.entries import Entry, checked_id
from avcer.errors import InputError, MissingExtraError, UsageError

SUFFIXES: Final = (".csv", ".tsv", ".parquet")
RESERVED: Final = ("id", "path", "start", "end")
"""Columns with a meaning, in any case of letters; all others are the user's own and travel into the results."""
_DELIMITERS: Final = (",", ";", "\t")


def read_manifest(path: Path) -> Iterator[Entry]:
    """The clips of a manifest in CSV (with commas or, as spreadsheets write it in half of Europe, semicolons), TSV or
    Parquet: a column ``path``, relative to the manifest; optional ``start`` and ``end`` in seconds, ``id``.

    Raises:
        UsageError: no column ``path``, times that are no numbers, or an id that cannot name a folder.
        InputError: it cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name of the manifest")
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _text_rows(path)
    for number, row in enumerate(rows, start=1):
        if not any(row.values()):
            continue  # spreadsheets leave such rows at the end
        where = f"{path}: row {number}"
        if not row.get("path"):
            raise UsageError(f"{where} has no path; a manifest needs a column path with the file of every clip")
        start_s = _seconds(row.get("start", ""), f"{where}: start")
        end_s = _seconds(row.get("end", ""), f"{where}: end")
        if end_s is not None and end_s <= (start_s or 0.0):
            raise UsageError(f"{where}: the end, {end_s:g} s, is not after the start, {start_s or 0:g} s")
        yield Entry(
            id=checked_id(row.get("id", ""), where),
            path=path.parent.joinpath(row["path"]).absolute(),
            start_s=start_s,
            end_s=end_s,
            extra={name: value for name, value in row.items() if name not in RESERVED},
        )


def _text_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            for row in csv.DictReader(file, delimiter=delimiter):
                yield _known(row, decimal_comma=delimiter == ";")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a manifest ({error}); save it as CSV in UTF-8") from error


def _delimiter(header: str) -> str:
    """The one that makes ``path`` a column; a comma where none does, so that the error is about the column."""
    for delimiter in _DELIMITERS:
        if "path" in (name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])):
            return delimiter
    return _DELIMITERS[0]


def _known(row: dict[Any, Any], decimal_comma: bool) -> dict[str, str]:
    """A row with plain names, without columns that have none."""
    named = {_name(name): value for name, value in row.items() if name and isinstance(value, str)}
    if decimal_comma:
        named |= {name: named[name].replace(",", ".") for name in ("start", "end") if name in named}
    return named


def _name(column: str) -> str:
    plain = column.strip()
    return plain.lower() if plain.lower() in RESERVED else plain


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
        yield {_name(name): _text(value) for name, value in row.items() if name}


def _text(value: Any) -> str:
    if isinstance(value, timedelta):
        return str(value.total_seconds())
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
