from __future__ import annotations

import csv
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.errors import OutputError
from avcer.labels import AVCER_12, BASIC, C_EXPR_DB
from avcer.output import tables
from avcer.output.tables import write_tables

Make = Callable[..., Analysis]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(scene: Make, tmp_path: Path) -> tuple[Analysis, Path]:
    """Two faces, the first with a gap; frames 80-99 have sound alone."""
    analysis = scene(frames=100, faces=((5, 60, (range(20, 30),)), (40, 79, ())))
    write_tables(analysis, tmp_path)
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
    write_tables(scene(sound=False), tmp_path)
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
    assert row["AV"] == C_EXPR_DB.class_name(int(face.compound.classes[at]))
    assert row["runner_up"] == C_EXPR_DB.class_name(int(face.compound.runner_up[at]))
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
    write_tables(analysis, tmp_path)
    row = read(tmp_path / "compound.csv")[7]
    assert (row["AV"], row["runner_up"], row["probability"]) == ("none", "none", "0.000000")


def test_segments(written: tuple[Analysis, Path]) -> None:
    analysis, folder = written
    rows = read(folder / "segments.csv")
    expected = [segment for face in analysis.faces for segment in face.segments]
    assert len(rows) == len(expected)
    assert [row["label"] for row in rows] == [segment.label for segment in expected]
    assert {row["face"] for row in rows} == {"0", "1", ""}


def test_nothing_at_all(scene: Make, tmp_path: Path) -> None:
    write_tables(scene(faces=(), sound=False, vocabulary=AVCER_12), tmp_path)
    lengths = {path.stem: len(read(path)) for path in tmp_path.iterdir()}
    assert lengths == {"static": 0, "dynamic": 0, "audio": 100, "fused": 0, "compound": 0, "segments": 0}


def test_a_full_disk_leaves_the_earlier_results(
    written: tuple[Analysis, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis, folder = written
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def fails(*_: object) -> tables.Table:
        def rows():  # type: ignore[no-untyped-def]
            yield (0, "0.0", 0)
            raise OSError(28, "No space left on device")

        return tables.Table(("frame",), rows())

    monkeypatch.setattr(tables, "fused_table", fails)
    with pytest.raises(OutputError, match=r"fused\.csv: cannot be written \(No space left"):
        write_tables(analysis, folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_memory_does_not_grow_with_the_clip(scene: Make, tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        analysis = scene(frames=frames, faces=((0, frames - 1, ()), (frames // 2, frames - 1, ())))
        tracemalloc.start()
        write_tables(analysis, tmp_path)
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(2000) < 4e6
    assert peak(8000) < 4e6


def test_a_twenty_minute_clip_is_written_in_seconds(scene: Make, tmp_path: Path) -> None:
    analysis = scene(frames=30_000, faces=((0, 29_999, (range(100, 300),)), (5000, 9000, ())))
    started = time.process_time()
    write_tables(analysis, tmp_path)
    assert time.process_time() - started < 15
