"""A corpus of stored analyses as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import dataset

import avcer
from avcer.analysis import Analysis
from avcer.errors import InputError, UsageError
from avcer.labels import AVCER_12
from avcer.output import many
from avcer.output.writers import save

CLIPS = ("a", "deep/\u00e4 b", "z")


@pytest.fixture
def corpus(scene: Callable[..., Analysis], tmp_path: Path) -> Path:
    for number, name in enumerate(CLIPS):
        more = {"vocabulary": AVCER_12} if name == "z" else {}
        save(scene(frames=50 + number, faces=((0, 49, ()),), seed=number, **more), tmp_path / "c" / name, ["json"])
    save(scene(), tmp_path / "c" / ".unfinished", ["json"])
    return tmp_path / "c"


def test_it_is_gone_through_one_by_one(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []

    def load(path: Path) -> Analysis:
        loaded.append(path)
        return real(path)

    real = many.load_json
    monkeypatch.setattr(many, "load_json", load)
    found = avcer.load_many(corpus)
    assert found.clips == CLIPS
    assert len(found) == 3
    analyses: Iterator[Analysis] = iter(found)
    assert not loaded
    assert len(next(analyses).times_s) == 50
    assert len(loaded) == 1
    assert len(found["z"].times_s) == 52
    with pytest.raises(KeyError, match="'x'"):
        found["x"]


def test_pandas(corpus: Path) -> None:
    pytest.importorskip("pandas")
    frame = avcer.load_many(corpus).to_pandas("segments")
    assert list(frame.columns[:3]) == ["clip", "face", "start_s"]
    for name, analysis in avcer.load_many(corpus).items():
        assert list(frame[frame["clip"] == name]["label"]) == [
            segment.label for face in analysis.faces for segment in face.segments
        ]


def test_arrow_streams_a_clip_at_a_time_with_the_columns_of_all(corpus: Path) -> None:
    reader = avcer.load_many(corpus).arrow("compound")
    batches = list(reader)
    assert [batch["clip"][0].as_py() for batch in batches] == list(CLIPS)
    assert [len(batch) for batch in batches] == [50, 51, 52]
    assert {"Sadly Disgusted", "Sadly Angry"} <= set(reader.schema.names)
    assert batches[0]["Sadly Disgusted"].null_count == 50
    assert batches[2]["Sadly Disgusted"].null_count == 0


def test_three_readers_and_a_partitioned_dataset(corpus: Path, tmp_path: Path) -> None:
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    wanted = {(name, 50 + number) for number, name in enumerate(CLIPS)}
    with duckdb.connect() as connection:
        connection.register("reader", avcer.load_many(corpus).arrow())
        assert set(connection.sql("select clip, count(*) from reader group by clip").fetchall()) == wanted
    table = polars.from_arrow(avcer.load_many(corpus).arrow().read_all())
    assert set(table.group_by("clip").len().rows()) == wanted
    dataset.write_dataset(
        avcer.load_many(corpus).arrow(), tmp_path / "d", format="parquet", partitioning=["clip"],
        partitioning_flavor="hive",
    )  # fmt: skip
    read = dataset.dataset(tmp_path / "d", partitioning=dataset.partitioning(
        pa.schema([("clip", pa.string())]), flavor="hive"
    )).to_table()  # fmt: skip
    assert read.num_rows == 153
    assert set(read["clip"].to_pylist()) == set(CLIPS)


def test_what_cannot_be_read(corpus: Path, tmp_path: Path) -> None:
    (corpus / "a" / "analysis.npz").write_bytes(b"x")
    with pytest.raises(InputError, match=r"analysis\.npz"):
        list(avcer.load_many(corpus))
    found = avcer.load_many(corpus, skip_damaged=True)
    assert len(list(found)) == 2
    assert len(found.damaged) == 1
    with pytest.raises(InputError, match="holds no"):
        avcer.load_many(tmp_path / "nothing")
    with pytest.raises(UsageError, match="no table 'x'"):
        avcer.load_many(corpus / "z").arrow("x")
