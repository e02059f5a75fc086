from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from avcer.analysis import Analysis
from avcer.errors import MissingExtraError, OutputError
from avcer.labels import AVCER_12, BASIC, C_EXPR_DB
from avcer.output import table_files
from avcer.output.table_files import to_pandas, write_csv, write_jsonl, write_parquet
from avcer.output.tables import compound_table, tables

Make = Callable[..., Analysis]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(scene: Make, tmp_path: Path) -> tuple[Analysis, Path]:
    """Two faces, the first with a gap; frames 80-99 have sound alone."""
    analysis = scene(frames=100, faces=((5, 60, (range(20, 30),)), (40, 79, ())))
    write_csv(analysis, tmp_path)
    return analysis, tmp_path


def test_the_columns_are_the_contract(written: tuple[Analysis, Path]) -> None:
    folder = written[1]
    header = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.iterdir()}
    emotions = f"frame,time_s,face,{','.join(BASIC)}"
    assert header == {
        "static.csv": emotions,
        "dynamic.csv": emotions,
        "audio.csv": emotions,
        "fused.csv": emotions,
        "compound.csv": "frame,time_s,face,x1,y1,x2,y2,AV,VS,VD,A,kind,salience,probability,runner_up,"
        + ",".join(C_EXPR_DB.names),
        "segments.csv": "face,start_s,end_s,label,kind,salience,probability",
    }


def test_rows_are_sorted_by_frame_then_face(written: tuple[Analysis, Path]) -> None:
    for name in ("static", "dynamic", "fused", "compound"):
        places = [(int(row["frame"]), row["face"]) for row in read(written[1] / f"{name}.csv")]
        assert places == sorted(places)
    assert [place for place in places if place[0] == 50] == [(50, "0"), (50, "1")]


def test_a_face_has_rows_from_its_first_to_its_last_frame(written: tuple[Analysis, Path]) -> None:
    rows = read(written[1] / "static.csv")
    assert [int(row["frame"]) for row in rows if row["face"] == "0"] == list(range(5, 61))
    gaps = [row for row in rows if row["face"] == "0" and row["Neutral"] == ""]
    assert [int(row["frame"]) for row in gaps] == list(range(20, 30))
    assert all(row[name] == "" for row in gaps for name in BASIC)


def test_audio_has_a_row_for_every_frame_and_no_face(written: tuple[Analysis, Path]) -> None:
    rows = read(written[1] / "audio.csv")
    assert [int(row["frame"]) for row in rows] == list(range(100))
    assert {row["face"] for row in rows} == {""}
    assert rows[99]["time_s"] == "3.960000"


def test_audio_cells_are_empty_without_sound(scene: Make, tmp_path: Path) -> None:
    write_csv(scene(sound=False), tmp_path)
    rows = read(tmp_path / "audio.csv")
    assert len(rows) == 100
    assert all(row[name] == "" for row in rows for name in BASIC)


def test_fused_is_divided_by_its_total(written: tuple[Analysis, Path]) -> None:
    rows = read(written[1] / "fused.csv")
    totals = [sum(float(row[name]) for name in BASIC) for row in rows if row["Neutral"]]
    assert np.allclose(totals, 1, atol=5e-6)


def test_values_agree_with_the_analysis(written: tuple[Analysis, Path]) -> None:
    analysis, folder = written
    face = analysis.faces[1]
    rows = [row for row in read(folder / "dynamic.csv") if row["face"] == "1"]
    values = [[float(row[name]) for name in BASIC] for row in rows]
    assert np.allclose(values, face.dynamic.values, atol=5e-7)


def test_compound_rows(written: tuple[Analysis, Path]) -> None:
    analysis, folder = written
    rows = {(int(row["frame"]), row["face"]): row for row in read(folder / "compound.csv")}
    face = analysis.faces[0]
    at = 50 - face.frames[0]
    row = rows[50, "0"]
    assert row["AV"] == C_EXPR_DB.names[face.compound.classes[at]]
    assert row["runner_up"] == C_EXPR_DB.names[face.compound.runner_up[at]]
    assert float(row["probability"]) == pytest.approx(face.compound.probability[at], abs=1e-6)
    assert [float(row[name]) for name in C_EXPR_DB.names] == pytest.approx(face.compound.scores[at], abs=1e-6)
    assert face.track is not None
    place = int(np.flatnonzero(face.track.frames == 50)[0])
    assert [float(row[side]) for side in ("x1", "y1", "x2", "y2")] == pytest.approx(face.track.boxes[place], abs=0.01)


def test_gaps_and_other_faces_in_compound(written: tuple[Analysis, Path]) -> None:
    rows = {(int(row["frame"]), row["face"]): row for row in read(written[1] / "compound.csv")}
    gap = rows[25, "0"]
    assert gap["x1"] == gap["y2"] == gap["VS"] == ""
    assert gap["AV"] != ""
    assert gap["VD"] != ""
    assert rows[50, "1"]["A"] == ""
    assert rows[50, "0"]["A"] != ""


def test_frames_with_sound_alone_have_a_row_without_a_face(written: tuple[Analysis, Path]) -> None:
    rows = [row for row in read(written[1] / "compound.csv") if row["face"] == ""]
    assert [int(row["frame"]) for row in rows] == [*range(5), *range(80, 100)]
    assert all(row["x1"] == row["VS"] == row["VD"] == "" and row["AV"] == row["A"] != "" for row in rows)


def test_none_is_written_as_a_result(scene: Make, tmp_path: Path) -> None:
    analysis = scene()
    face = analysis.faces[0]
    face.compound.classes[7], face.compound.runner_up[7] = -1, -1
    face.compound.probability[7], face.compound.scores[7] = 0, 0
    write_csv(analysis, tmp_path)
    row = read(tmp_path / "compound.csv")[7]
    assert (row["AV"], row["runner_up"], row["probability"]) == ("none", "none", "0.000000")


def test_sets_of_labels_have_the_likeliest_first(scene: Make) -> None:
    analysis = scene(rule="open", sound=False, provenance={"options": {"rule": "open", "label_sets": True}})
    face = analysis.faces[0]
    sets, scores = np.zeros((100, 14), bool), np.zeros((100, 14))
    sets[0, [1, 2]], scores[0, [1, 2, 3]] = True, [0.5, 0.3, 0.1]
    sets[1, [1, 2]], scores[1, [1, 2]] = True, [0.3, 0.5]
    valid = face.expression.valid.copy()
    valid[3] = False
    changed = replace(face.expression, sets=sets, scores=scores, valid=valid)
    cells = compound_table(replace(analysis, faces=(replace(face, expression=changed),)))["label_set"].values
    assert cells[:4].tolist() == ["Anger|Disgust", "Disgust|Anger", "none", None]


def test_segments(written: tuple[Analysis, Path]) -> None:
    analysis, folder = written
    rows = read(folder / "segments.csv")
    expected = [segment for face in analysis.faces for segment in face.segments]
    assert len(rows) == len(expected)
    assert [row["label"] for row in rows] == [segment.label for segment in expected]
    assert {row["face"] for row in rows} == {"0", "1", ""}


def test_nothing_at_all(scene: Make, tmp_path: Path) -> None:
    write_csv(scene(faces=(), sound=False, vocabulary=AVCER_12), tmp_path)
    lengths = {path.stem: len(read(path)) for path in tmp_path.iterdir()}
    assert lengths == {"static": 0, "dynamic": 0, "audio": 100, "fused": 0, "compound": 0, "segments": 0}


def test_a_full_disk_leaves_the_earlier_results(
    written: tuple[Analysis, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis, folder = written
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def fails(*_: object) -> list[str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_files, "_texts", fails)
    with pytest.raises(OutputError, match=r"static\.csv: cannot be written \(No space left"):
        write_csv(analysis, folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_twenty_minute_clip_is_written_in_seconds(scene: Make, tmp_path: Path) -> None:
    analysis = scene(frames=30_000, faces=((0, 29_999, (range(100, 300),)), (5000, 9000, ())))
    started = time.process_time()
    write_csv(analysis, tmp_path)
    assert time.process_time() - started < 15


class TestTypedColumns:
    def test_every_column_is_described_and_typed(self, scene: Make) -> None:
        for name, table in tables(scene(faces=((0, 60, ()),))).items():
            assert table.name == name
            assert len(set(table.names)) == len(table.columns)
            for column in table.columns:
                assert len(column.values) == len(table)
                assert column.description
                assert (column.values.dtype == object) == (column.decimals is None), column.name

    def test_an_empty_cell_is_nan_or_none(self, scene: Make) -> None:
        table = tables(scene(faces=((5, 60, (range(20, 30),)),)))["compound"]
        gap = int(np.flatnonzero(table["frame"].values == 25)[0])
        assert np.isnan(table["x1"].values[gap])
        assert table["VS"].values[gap] is None
        assert table["VD"].values[gap] is not None
        assert np.isnan(table["face"].values[0])
        with pytest.raises(KeyError):
            table["nothing of the kind"]


class TestParquet:
    @pytest.fixture
    def read_back(self, scene: Make, tmp_path: Path) -> tuple[Analysis, Any]:
        analysis = scene(faces=((5, 60, (range(20, 30),)), (40, 79, ())))
        (path,) = write_parquet(analysis, tmp_path)
        assert path.name == "analysis.parquet"
        return analysis, parquet.read_table(path)

    def test_it_has_the_rows_of_compound_and_the_probabilities(self, read_back: tuple[Analysis, Any]) -> None:
        analysis, table = read_back
        made = tables(analysis)
        assert table.column_names[: len(made["compound"].columns)] == list(made["compound"].names)
        assert table.num_rows == len(made["compound"])
        for name in ("fused_Anger", "static_Fear", "dynamic_Neutral", "audio_Surprise"):
            assert name in table.column_names
        fused = table["fused_Anger"].to_numpy(zero_copy_only=False)
        np.testing.assert_allclose(fused, made["fused"]["Anger"].values, rtol=1e-6)

    def test_types_and_empty_cells(self, read_back: tuple[Analysis, Any]) -> None:
        _, table = read_back
        assert [str(table.schema.field(name).type) for name in ("frame", "time_s", "face", "AV", "probability")] == [
            "int32", "double", "int32", "string", "float",
        ]  # fmt: skip
        assert table["face"].null_count == 25
        assert table["x1"].null_count == 25 + 10
        assert table["AV"].null_count == 0

    def test_it_says_what_everything_is(self, read_back: tuple[Analysis, Any]) -> None:
        analysis, table = read_back
        assert all(field.metadata[b"description"] for field in table.schema)
        about = json.loads(table.schema.metadata[b"avcer"])
        assert about["provenance"]["options"] == analysis.provenance["options"]
        assert about["warnings"] == ["a warning"]


def test_json_lines_hold_the_cells_of_the_csv(scene: Make, tmp_path: Path) -> None:
    analysis = scene(faces=((5, 60, (range(20, 30),)),))
    write_csv(analysis, tmp_path)
    for path in write_jsonl(analysis, tmp_path):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        cells = read(path.with_suffix(".csv"))
        assert len(rows) == len(cells)
        for row, texts in zip(rows, cells, strict=True):
            assert {name for name, value in row.items() if value is None} == {n for n, t in texts.items() if t == ""}
            numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
            assert {name: float(texts[name]) for name in numbers} == pytest.approx(numbers)


def test_pandas_has_missing_cells_and_whole_numbers(scene: Make) -> None:
    pandas = pytest.importorskip("pandas")
    frame = to_pandas(tables(scene(faces=((5, 60, (range(20, 30),)),)))["compound"])
    assert str(frame["frame"].dtype) == str(frame["face"].dtype) == "Int64"
    assert frame["x1"].isna().sum() == 39 + 10 + 5
    assert pandas.isna(frame["VS"][frame["frame"] == 25].iloc[0])


def test_a_data_frame_asks_for_pandas(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"avcer\[pandas\]"):
        to_pandas(tables(scene())["segments"])
