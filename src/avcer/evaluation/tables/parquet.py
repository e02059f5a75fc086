"""Parquet files as columns of Python values, with errors of one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avcer.errors import InputError


def column_names(path: Path) -> tuple[str, ...]:
    """The names of a table's columns.

    Raises:
        InputError: it cannot be read as a table.
    """
    from pyarrow import parquet  # slow to import

    with _one_line(path):
        return tuple(parquet.read_schema(path).names)


def read_columns(path: Path, needed: Sequence[str] = (), only: bool = False) -> dict[str, list[Any]]:
    """Every column of a table by its name; with ``only``, none but those ``needed``.

    Raises:
        InputError: it cannot be read as a table, or lacks a column that is needed.
    """
    from pyarrow import parquet  # slow to import

    missing = [name for name in needed if name not in column_names(path)]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; it needs {', '.join(needed)}")
    with _one_line(path):
        columns: dict[str, list[Any]] = parquet.read_table(path, columns=list(needed) if only else None).to_pydict()
    return columns


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: cannot be read as a Parquet table (no such file); check its name") from error
    except (OSError, ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a Parquet table ({error})") from error
