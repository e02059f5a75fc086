"""Rows of numbers as lines of text."""

from __future__ import annotations

from typing import Final, TextIO

from avcer.types import Double

_BLOCK: Final = 4096


def write_rows(file: TextIO, line: str, rows: Double) -> None:
    """Writes each of ``rows (N, C)`` as ``line`` formats it, a few thousand at a time: as numbers of Python, those of
    an hour would take tens of megabytes.
    """
    for first in range(0, len(rows), _BLOCK):
        file.writelines(line % tuple(row) for row in rows[first : first + _BLOCK].tolist())
