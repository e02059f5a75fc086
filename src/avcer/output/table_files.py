"""Tables as files: CSV, JSON lines and Parquet; and as pandas frames. Each is a thin writer on the same columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.analysis import Analysis, FaceAnalysis
from avcer.errors import MissingExtraError, UsageError
from avcer.files import atomic, atomic_text
from avcer.output.corrections import read_corrections
from avcer.output.people import people_columns
from avcer.output.tables import Column, Table, tables, whole_table
from avcer.types import EmotionProbabilities, FaceTrack

if TYPE_CHECKING:
    import pandas

_BLOCK: Final = 4096
"""Rows that are turned into text at a time."""
_PIECE: Final = 4096
"""Frames that are turned into a part of a Parquet file at a time."""


def write_csv(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes every table as ``<name>.csv`` into ``folder`` and returns the paths.

    Raises:
        OutputError: a file cannot be written; it is then not there, or as it was before.
    """
    return [_csv(table, folder / f"{name}.csv") for name, table in tables(analysis).items()]


def write_jsonl(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes every table as ``<name>.jsonl`` into ``folder``: an object a row, null for an empty cell.

    Raises:
        OutputError: as ``write_csv``.
    """
    return [_jsonl(table, folder / f"{name}.jsonl") for name, table in tables(analysis).items()]


def write_parquet(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes ``analysis.parquet`` into ``folder``: the rows of ``compound.csv``, the probabilities beside them, and
    what people said (``people.py``).

    Every column has its description; the schema's metadata hold clip, provenance and warnings as JSON under ``avcer``.

    Raises:
        OutputError: as ``write_csv``.
        InputError: the corrections in ``folder`` cannot be read.
    """
    from pyarrow import parquet  # slow to import, needed on request only

    path, about, corrections = folder / "analysis.parquet", _about(analysis), read_corrections(folder)
    with atomic(path) as part, ExitStack() as stack:
        writer = None
        for piece in _pieces(analysis):
            table = whole_table(piece)
            table = Table(table.name, (*table.columns, *people_columns(table, piece, corrections)))
            rows = to_arrow(table, about)
            writer = writer or stack.enter_context(parquet.ParquetWriter(part, rows.schema, compression="zstd"))
            writer.write_table(rows)
    return [path]


def _pieces(analysis: Analysis) -> Iterator[Analysis]:
    """The analysis in pieces of so many frames, one after the other, so that the table of an hour is never whole."""
    for first in range(0, max(len(analysis.times_s), 1), _PIECE):
        yield replace(analysis, faces=tuple(_between(face, first, first + _PIECE) for face in analysis.faces))


def _between(face: FaceAnalysis, first: int, last: int) -> FaceAnalysis:
    """The rows of the frames from ``first`` to before ``last``."""
    rows = slice(*np.searchsorted(face.frames, (first, last)).tolist())

    def emotions(part: EmotionProbabilities) -> EmotionProbabilities:
        return EmotionProbabilities(
            part.times_s[rows], part.values[rows], part.valid[rows], part.source, part.activity[rows]
        )

    track = face.track
    if track is not None:
        seen = slice(*np.searchsorted(track.frames, (first, last)).tolist())
        track = FaceTrack(track.id, track.frames[seen], track.boxes[seen], track.landmarks[seen], track.scores[seen])
    return replace(
        face,
        track=track,
        frames=face.frames[rows],
        said={name: emotions(part) for name, part in face.said.items()},
        fused=emotions(face.fused),
        expression=face.expression.rows(rows),
        curves={heading: curve.rows(rows) for heading, curve in face.curves.items()},
    )


def named(analysis: Analysis, name: str) -> Table:
    """One table by its name.

    Raises:
        UsageError: there is none with that name.
    """
    made = tables(analysis)
    if name not in made:
        raise UsageError(f"no table {name!r}: give one of {', '.join(made)}")
    return made[name]


def to_arrow(table: Table, metadata: Mapping[str, str]) -> Any:
    """The table as a ``pyarrow.Table``: seconds in double precision, other numbers in single, null for empty cells.

    Arrays are made of their buffers: ``pyarrow.array`` would import pandas, where that is installed (30 MB).
    """
    import pyarrow

    fields, arrays = [], []
    for column in table.columns:
        kind = _arrow_type(column, pyarrow)
        there, *buffers = _texts_in_bytes(column) if column.decimals is None else _numbers_in_bytes(column, kind)
        filled = None if there.all() else np.packbits(there, bitorder="little")
        given = [None if one is None else pyarrow.py_buffer(one) for one in (filled, *buffers)]
        arrays.append(pyarrow.Array.from_buffers(kind, len(there), given))
        fields.append(pyarrow.field(column.name, kind, metadata={"description": column.description}))
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields, metadata=dict(metadata)))


def _numbers_in_bytes(column: Column, kind: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Which cells are filled, and their numbers."""
    there = ~np.isnan(column.values)
    return there, np.where(there, column.values, 0).astype(kind.to_pandas_dtype())


def _texts_in_bytes(column: Column) -> tuple[NDArray[np.bool_], NDArray[np.int32], bytes]:
    """Which cells are filled, where each text begins and the last one ends, and all texts."""
    values = column.values.tolist()
    texts = [b"" if value is None else value.encode() for value in values]
    there = np.array([value is not None for value in values], np.bool_)
    return there, np.cumsum([0, *map(len, texts)], dtype=np.int32), b"".join(texts)


def to_pandas(table: Table) -> pandas.DataFrame:
    """The table as a data frame: empty cells are missing, whole numbers stay whole, seconds and numbers are floats.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtraError('a data frame needs pandas: pip install "avcer[pandas]"') from error
    frame = pandas.DataFrame({column.name: column.values for column in table.columns}, copy=True)
    return frame.astype({column.name: "Int64" for column in table.columns if column.decimals == 0})


def _csv(table: Table, path: Path) -> Path:
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.names)
        for block in _blocks(table):
            writer.writerows(zip(*(_texts(column, block) for column in table.columns), strict=True))
    return path


def _texts(column: Column, block: slice) -> list[str]:
    """The cells of a column as text, empty ones as ''."""
    values = column.values[block]
    if column.decimals is None:
        return ["" if value is None else value for value in values.tolist()]
    write: Callable[[float], str] = f"%.{column.decimals}f".__mod__
    texts = list(map(write, values.tolist()))
    for place in np.flatnonzero(values != values).tolist():
        texts[place] = ""
    return texts


def _jsonl(table: Table, path: Path) -> Path:
    with atomic_text(path) as file:
        for block in _blocks(table):
            cells = zip(*(_json_cells(column, block) for column in table.columns), strict=True)
            file.writelines(json.dumps(dict(zip(table.names, row, strict=True))) + "\n" for row in cells)
    return path


def _json_cells(column: Column, block: slice) -> list[Any]:
    values = column.values[block]
    if column.decimals is None:
        return list(values.tolist())
    rounded = np.round(values, column.decimals)
    numbers = [None if value != value else value for value in rounded.tolist()]
    return [None if value is None else int(value) for value in numbers] if column.decimals == 0 else numbers


def _blocks(table: Table) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, len(table), _BLOCK))


def _arrow_type(column: Column, pyarrow: Any) -> Any:
    if column.decimals is None:
        return pyarrow.string()
    if column.decimals == 0:
        return pyarrow.int32()
    return pyarrow.float64() if column.name.endswith("_s") else pyarrow.float32()


def _about(analysis: Analysis) -> dict[str, str]:
    from avcer.output.document import facts

    return {"avcer": json.dumps(facts(analysis))}
