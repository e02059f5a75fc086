"""Clips and manifests as people really have them: odd tables, links, names, results among the clips."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcer.batch.entries import Entry, Span
from avcer.batch.sources import read_sources
from avcer.errors import InputError, UsageError
from avcer.output.record import Record, Source, write_hidden


def table(folder: Path, text: str, name: str = "corpus.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8-sig")
    return str(folder / name)


def read(*sources: str, known: dict[Span, str] | None = None) -> list[Entry]:
    return read_sources(sources, known or {})


def test_semicolons_and_decimal_commas_of_a_spreadsheet(tmp_path: Path) -> None:
    (entry,) = read(table(tmp_path, "Path;Start;END;Gruppe;;\na.mp4;1,5;3,25;jung, neu;;\n;;;;;\n"))
    assert entry == Entry("a@1.5", tmp_path / "a.mp4", 1.5, 3.25, {"Gruppe": "jung, neu"})


def test_a_part_of_a_clip_is_named_by_where_it_begins(tmp_path: Path) -> None:
    entries = read(table(tmp_path, "path,start,end\na.mp4,,\nb.mp4,2,\nc.mp4,,3\nd.mp4,1.25,3\n"))
    assert [entry.id for entry in entries] == ["a", "b@2", "c@0", "d@1.25"]


def test_parquet_with_durations_and_dates(tmp_path: Path) -> None:
    day = datetime(2026, 3, 1, 12, 0)
    rows = {"path": ["a.mp4"], "start": [timedelta(seconds=1.5)], "recorded": [day], "7": [[1, 2]]}
    pq.write_table(pa.table(rows), tmp_path / "corpus.parquet")
    (entry,) = read(str(tmp_path / "corpus.parquet"))
    assert (entry.start_s, entry.extra) == (1.5, {"recorded": "2026-03-01 12:00:00", "7": "[1, 2]"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,start,end\na.mp4,3,1\n", "row 1: the end, 1 s, is not after the start, 3 s"),
        ("path,start,end\na.mp4,3,3\n", "row 1: the end, 3 s, is not after the start, 3 s"),
        ("path,start,end\na.mp4,0,1\na.mp4,,0\n", "row 2: the end, 0 s, is not after the start, 0 s"),
        ("path,start\na.mp4,inf\n", "row 1: start must be seconds"),
        ("path,start\na.mp4,nan\n", "row 1: start must be seconds"),
        ("path\n", "no video in it"),
        ("", "no video in it"),
        ("path,id\na.mp4,frames\n", "name of a file of the batch"),
        ("path,id\na.mp4,batch-2-of-3.sqlite\n", "name of a file of the batch"),
        ("path,id\na.mp4,x/y\n", "cannot be the name of a folder"),
        ("path,id\na.mp4,..\n", "cannot be the name of a folder"),
        ("path,id\na.mp4," + "x" * 300 + "\n", "cannot be the name of a folder"),
        ("path,mood\na.mp4,glad\na.mp4,sad\n", "two rows"),
        ("path,id,mood\na.mp4,x,glad\na.mp4,x,sad\n", "two rows"),
    ],
)
def test_a_wrong_manifest_is_told_in_a_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(table(tmp_path, text))


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(str(tmp_path / "corpus.csv"))


def test_one_clip_under_two_ids_is_two_entries(tmp_path: Path) -> None:
    entries = read(table(tmp_path, "path,id,rater\na.mp4,x,1\na.mp4,y,2\na.mp4,y,2\n"))
    assert [(entry.id, entry.extra) for entry in entries] == [("x", {"rater": "1"}), ("y", {"rater": "2"})]


@pytest.mark.parametrize("first", [0, 1])
def test_what_a_manifest_says_of_a_clip_counts_wherever_it_stands(tmp_path: Path, first: int) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    sources = [str(tmp_path), table(tmp_path, "path,id,mood\na.mp4,x,glad\nb.mp4,,sad\n")]
    found = {entry.id: entry.extra for entry in read(*sources[:: 1 if first else -1])}
    assert found == {"x": {"mood": "glad"}, "b": {"mood": "sad"}}


def test_an_id_that_an_earlier_call_gave_to_another_clip(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    known: dict[Span, str] = {(str(tmp_path / "a.mp4"), None, None): "a"}
    ids = [entry.id for entry in read(str(tmp_path / "a.mp4"), table(tmp_path, "path,id\nb.mp4,a\n"), known=known)]
    assert ids[1] == "a"
    assert ids[0].startswith("a-")


def test_names_of_our_own_files_and_long_ones(tmp_path: Path) -> None:
    long = "語" * 80  # 240 bytes: with anything more, no file system takes it as the name of a folder
    ids = [entry.id for entry in read(*(str(tmp_path / f"{stem}.mp4") for stem in ("frames", "Müller 1", long)))]
    assert re.fullmatch("frames-[0-9a-f]{8}", ids[0])
    assert ids[1] == "Müller 1"
    assert len(f"{ids[2]}-12345678.old".encode()) < 255


def test_results_among_the_clips_are_not_clips(tmp_path: Path) -> None:
    clip, folder = tmp_path / "clip.mp4", tmp_path / "clip"
    folder.mkdir()
    for path in (clip, folder / "annotated.mp4", folder / "more.mp4"):
        path.touch()
    write_hidden(Record(Source.of(clip), "first", ("annotated.mp4",)), folder)
    for source in (str(tmp_path), f"{tmp_path}/**/*.mp4"):
        assert {entry.path for entry in read(source)} == {clip, folder / "more.mp4"}


def test_links_are_followed_once(tmp_path: Path) -> None:
    root, disk = tmp_path / "corpus", tmp_path / "disk"
    root.mkdir()
    disk.mkdir()
    (disk / "a.mp4").touch()
    (root / "far").symlink_to(disk)
    (disk / "back").symlink_to(root)
    (root / "b.mp4").symlink_to(disk / "a.mp4")
    (root / "broken.mp4").symlink_to(tmp_path / "gone.mp4")
    assert [entry.path.relative_to(root) for entry in read(str(root))] == [Path("b.mp4"), Path("far/a.mp4")]
