from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from avcer.errors import InputError
from avcer.evaluation.tables.frames import COLUMNS, FrameTable, blend_word, read_frames, saliences, write_frames
from avcer.labels import BASIC, C_EXPR_DB


@pytest.fixture
def table() -> FrameTable:
    values = np.random.default_rng(0).dirichlet(np.ones(7), (3, 3)).round(4)
    valid = np.array([[True, True, True], [True, False, True], [False, False, False]])
    words = np.array(["Anger", "sadly angry", "Other"])
    activity = np.array([[0.25, 0.25, 0.75], [np.nan, np.nan, 0.5], [np.nan] * 3])
    said, recordings = np.where(valid[:, :, None], values, 0), np.array(["x.mp4"] * 3)
    return FrameTable(said, valid, words, np.array(["a", "a", "b"]), activity, recordings)


def test_a_table_comes_back_as_it_was_written(table: FrameTable, tmp_path: Path) -> None:
    write_frames(table, tmp_path / "x.csv")
    again = read_frames([tmp_path / "x.csv"])
    for name in vars(table):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))


def test_labels_are_found_in_any_case(table: FrameTable) -> None:
    assert table.places(BASIC).tolist() == [1, -1, -1]
    assert table.places(C_EXPR_DB.names).tolist() == [-1, 6, -1]


def test_blends_are_words() -> None:
    assert blend_word({"Anger": 70, "Fear": 30}) == "Anger 70 + Fear 30"
    assert blend_word({"Anger": 100, "Fear": 0}) == "Anger"
    table = saliences(["Anger 70 + fear 30", "Fear", "Other", "", "Anger x", "Anger 70 + Joy 30"])
    assert table[:2].tolist() == [[0, 70, 0, 30, 0, 0, 0], [0, 0, 0, 100, 0, 0, 0]]
    assert not table[2:].any()


def test_a_byte_order_mark_hides_no_column(table: FrameTable, tmp_path: Path) -> None:
    write_frames(table, tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text((tmp_path / "x.csv").read_text(), encoding="utf-8-sig")
    assert read_frames([tmp_path / "y.csv"]).videos.tolist() == table.videos.tolist()


def test_files_are_joined_and_a_parquet_table_will_do(table: FrameTable, tmp_path: Path) -> None:
    write_frames(table, tmp_path / "x.csv")
    cells = {name: [0.1, None] for name in COLUMNS}
    parquet.write_table(pyarrow.table({"label": ["Fear", "Fear"], **cells}), tmp_path / "y.parquet")
    joined = read_frames([tmp_path / "x.csv", tmp_path / "y.parquet"])
    assert len(joined) == 5
    assert joined.videos.tolist() == ["a", "a", "b", "y", "y"]
    assert joined.recordings.tolist() == ["x.mp4"] * 3 + ["y"] * 2
    assert joined.valid[3:].tolist() == [[True] * 3, [False] * 3]
    assert np.isnan(joined.activity[3:]).all()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("label\nAnger\n", "no column static_Neutral"),
        ("", "cannot be read"),
        (",".join(["label", *COLUMNS]), "holds no frame"),
        (",".join(["label", *COLUMNS]) + "\nAnger," + ",".join("x" * 21), "no number"),
        (",".join(["label", *COLUMNS]) + "\nAnger,1", "longer or shorter"),
    ],
)
def test_another_table_is_refused(text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match=what):
        read_frames([tmp_path / "x.csv"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv"):
        read_frames([tmp_path / "x.csv"])
