"""One reader for every Parquet table."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from avcer.errors import InputError
from avcer.evaluation.tables.parquet import column_names, read_columns


@pytest.fixture
def table(tmp_path: Path) -> Path:
    parquet.write_table(pyarrow.table({"a": [1, None], "b": ["x", "y"]}), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_columns_by_name(table: Path) -> None:
    assert column_names(table) == ("a", "b")
    assert read_columns(table, ["a"]) == {"a": [1, None], "b": ["x", "y"]}
    assert read_columns(table, ["b"], only=True) == {"b": ["x", "y"]}


def test_what_is_missing_is_named(table: Path) -> None:
    with pytest.raises(InputError, match=r"t\.parquet: has no column c; it needs b, c"):
        read_columns(table, ["b", "c"])


@pytest.mark.parametrize("content", [b"", b"PAR1 is not enough", None])
def test_what_is_no_table_gets_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.parquet: cannot be read as a Parquet table") as caught:
        read_columns(tmp_path / "x.parquet")
    assert "\n" not in str(caught.value)
