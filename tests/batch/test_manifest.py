"""What a batch is to analyse: sources of every kind, ids that stay."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcer.batch.entries import Entry
from avcer.batch.shard import Shard
from avcer.batch.sources import read_sources
from avcer.errors import InputError, UsageError


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def ids(entries: list[Entry]) -> list[str]:
    return [entry.id for entry in entries]


def test_a_folder_is_searched_in_depth_for_videos_alone(tmp_path: Path) -> None:
    touched(tmp_path, "a.mp4", "deep/b.MOV", "notes.txt", ".trash/c.mp4", "deep/._b.mov")
    assert ids(read_sources([str(tmp_path)], {})) == ["a", "b"]


def test_a_pattern(tmp_path: Path) -> None:
    touched(tmp_path, "x/a.mp4", "y/b.mp4", "y/c.avi")
    assert ids(read_sources([f"{tmp_path}/**/*.mp4"], {})) == ["a", "b"]


def test_a_file_named_twice_is_one_clip(tmp_path: Path) -> None:
    touched(tmp_path, "a.mp4")
    assert ids(read_sources([f"{tmp_path}/a.mp4", str(tmp_path)], {})) == ["a"]


def test_a_missing_file_is_an_entry_that_will_fail(tmp_path: Path) -> None:
    assert ids(read_sources([f"{tmp_path}/gone.mp4"], {})) == ["gone"]


@pytest.mark.parametrize("source", ["empty", "*.mp4"])
def test_nothing_found_is_said(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no video"):
        read_sources([f"{tmp_path}/{source}"], {})


def test_equal_names_get_ids_that_do_not_depend_on_the_order(tmp_path: Path) -> None:
    touched(tmp_path, "x/clip.mp4", "y/Clip.mp4", "z/other.mp4")
    files = [f"{tmp_path}/x/clip.mp4", f"{tmp_path}/y/Clip.mp4", f"{tmp_path}/z/other.mp4"]
    forward = {entry.path: entry.id for entry in read_sources(files, {})}
    assert forward == {entry.path: entry.id for entry in read_sources(files[::-1], {})}
    assert len({name.casefold() for name in forward.values()}) == 3
    assert forward[Path(files[2])] == "other"


def test_a_clip_keeps_its_id_when_others_come(tmp_path: Path) -> None:
    touched(tmp_path, "x/clip.mp4")
    first = read_sources([str(tmp_path)], {})
    touched(tmp_path, "a/clip.mp4")
    later = read_sources([str(tmp_path)], {entry.source: entry.id for entry in first})
    assert {entry.path: entry.id for entry in later}[first[0].path] == "clip"
    assert len(set(ids(later))) == 2


def test_a_manifest_with_spans_ids_and_columns_of_the_users(tmp_path: Path) -> None:
    table = tmp_path / "corpus.csv"
    table.write_text('path,start,end,id,group\na.mp4,1.5,3,first,"b, c"\nsub/b.mp4,,,,d\n', encoding="utf-8-sig")
    first, second = read_sources([str(table)], {})
    assert first == Entry("first", tmp_path / "a.mp4", 1.5, 3.0, {"group": "b, c"})
    assert second == Entry("b", tmp_path / "sub" / "b.mp4", None, None, {"group": "d"})


def test_a_parquet_manifest(tmp_path: Path) -> None:
    rows = {"path": ["a.mp4", "a.mp4"], "start": [0.0, 2.0], "end": [2.0, None], "rating": [3, None]}
    pq.write_table(pa.table(rows), tmp_path / "corpus.parquet")
    first, second = read_sources([str(tmp_path / "corpus.parquet")], {})
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (0.0, 2.0, 2.0, None)
    assert (first.extra, second.extra) == ({"rating": "3"}, {"rating": ""})
    assert first.id != second.id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file\na.mp4\n", "path"),
        ("path,start\na.mp4,soon\n", "start"),
        ("path,end\na.mp4,-1\n", "end"),
        ("path,id\na.mp4,../up\n", "folder"),
        ("path,id\na.mp4,x\nb.mp4,X\n", "2 clips"),
    ],
)
def test_a_wrong_manifest_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "corpus.csv").write_text(text)
    with pytest.raises(UsageError, match=says):
        read_sources([str(tmp_path / "corpus.csv")], {})


def test_an_unreadable_manifest(tmp_path: Path) -> None:
    (tmp_path / "corpus.csv").write_bytes(b"path\n\xff\xfe\x00\n")
    (tmp_path / "corpus.parquet").write_bytes(b"junk")
    for name in ("corpus.csv", "corpus.parquet"):
        with pytest.raises(InputError, match=name):
            read_sources([str(tmp_path / name)], {})


def test_shards_share_everything_and_nothing_twice(tmp_path: Path) -> None:
    touched(tmp_path, *(f"{number}.mp4" for number in range(10)))
    whole = read_sources([str(tmp_path)], {})
    parts = [ids(Shard.parse(f"{index}/3").part(whole)) for index in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(ids(whole))
    assert [len(part) for part in parts] == [4, 3, 3]


@pytest.mark.parametrize("word", ["0/3", "4/3", "a/3", "3", "1/2/3"])
def test_a_wrong_shard(word: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        Shard.parse(word)
