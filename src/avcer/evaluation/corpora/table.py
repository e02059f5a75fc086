"""A corpus of one's own: a table, CSV or Parquet, with a row for each clip or part of a clip.

Columns: ``path`` (relative to the table's folder) and ``label``; optionally ``start`` and ``end`` (seconds),
``speaker`` and ``part`` (train, validation, test).
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.files import PARTS, emotion, gather, read_rows
from avcer.evaluation.corpora.record import Corpus, Sample
from avcer.evaluation.tables.parquet import read_columns
from avcer.labels import AVCER_12, BASIC, Vocabulary

NEEDED: Final = ("path", "label")
LOOKED_FOR: Final = "rows with a path"


def read_table(path: Path, vocabulary: Vocabulary = AVCER_12) -> Corpus:
    """The clips of the table ``path``. A label is a basic emotion or a compound of ``vocabulary``, or empty.

    Raises:
        InputError: not such a table, a row that cannot be understood, or none of the clips.
    """
    samples, missing = [], []
    for number, row in enumerate(_rows(path), 2):
        if row["path"]:
            sample = _sample(row, path.parent, vocabulary, f"{path}, row {number}")
            if sample.path.is_file():
                samples.append(sample)
            else:
                missing.append(sample.name)
    return gather(path.stem, path, samples, LOOKED_FOR, missing)


def _rows(path: Path) -> list[dict[str, str]]:
    if path.suffix.lower() == ".csv":
        return read_rows(path, NEEDED)
    if path.suffix.lower() != ".parquet":
        raise InputError(f"{path}: is no table; give a .csv or .parquet file with the columns {', '.join(NEEDED)}")
    columns = {name.lower(): values for name, values in read_columns(path).items()}
    if not set(NEEDED) <= set(columns):
        raise InputError(f"{path}: needs the columns {', '.join(NEEDED)}; it has {', '.join(columns)}")
    texts = {
        name: ["" if value is None else str(value).strip() for value in column] for name, column in columns.items()
    }
    return [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]


def _sample(row: dict[str, str], folder: Path, vocabulary: Vocabulary, place: str) -> Sample:
    start_s, end_s = (_seconds(row.get(column, ""), column, place) for column in ("start", "end"))
    if end_s is not None and end_s <= (start_s or 0):
        raise InputError(f"{place}: ends at {end_s:g} s, before it begins; correct the row")
    part = row.get("part", "").lower()
    if part and part not in PARTS:
        raise InputError(f"{place}: has the part {part!r}; the parts are train, validation and test")
    return Sample(
        _name(row["path"], start_s, end_s),
        folder / row["path"],
        speaker=row.get("speaker", ""),
        label=_label(row["label"], vocabulary, place),
        start_s=start_s,
        end_s=end_s,
        part=PARTS[part] if part else "",
        recording=os.path.normpath(row["path"]),
    )


def _label(word: str, vocabulary: Vocabulary, place: str) -> str | None:
    plain = word.replace("_", " ").lower()
    label = emotion(plain) or {name.lower(): name for name in vocabulary.names}.get(plain)
    if word and not label:
        known = ", ".join((*BASIC, *vocabulary.names))
        raise InputError(f"{place}: has the label {word!r}; the labels are {known}")
    return label


def _name(path: str, start_s: float | None, end_s: float | None) -> str:
    """``a/b.mp4`` from 1.5 s on is ``a_b_1.5-``: parts of one file must not share a name."""
    flat = re.sub(r"[^\w.-]+", "_", path.removesuffix(Path(path).suffix)).strip("._") or "clip"
    if start_s is None and end_s is None:
        return flat
    return f"{flat}_{start_s or 0:g}-{'' if end_s is None else f'{end_s:g}'}"


def _seconds(text: str, column: str, place: str) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = -1
    if value < 0 or math.isinf(value):
        raise InputError(f"{place}: has the {column} {text!r}; give seconds, such as 12.5, or leave it empty")
    return None if math.isnan(value) else value
