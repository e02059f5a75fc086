"""Faults that ``benchmarks/fuzz.py`` found in files from outside: each is refused in one line."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcer.annotations.words import read_map
from avcer.batch.entries import Entry
from avcer.batch.record import Record, read_clips
from avcer.batch.sources import read_sources
from avcer.decision.express import SHIPPED, read_open
from avcer.decision.fuse import read_fusion
from avcer.errors import AvcerError, InputError, ModelError, UsageError
from avcer.labels import read_vocabulary
from avcer.models.card import CARD_FILE, ModelCard
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel, find
from avcer.output.corrections import FILE, read_corrections
from avcer.output.packing import pack, unpack

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("fusion.json", read_fusion),
        ("decision.json", read_open),
        ("mine.toml", read_vocabulary),
        ("words.toml", read_map),
        (FILE, lambda path: read_corrections(path.parent)),
        (CARD_FILE, lambda path: ModelCard.read(path.parent)),
    ],
)
def test_nesting_beyond_what_python_parses(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    path = tmp_path / name
    path.write_text(f"a = {DEEP}" if name.endswith(".toml") else DEEP)
    with pytest.raises(AvcerError, match="nested too deeply"):
        read(path)


@pytest.mark.parametrize("name", ["../card.json", ["model.onnx"], 0.5, "/etc/passwd"])
def test_a_card_names_files_of_its_own_folder_alone(tmp_path: Path, name: object) -> None:
    card = json.loads((find("mini", "dynamic").folder / CARD_FILE).read_text())
    card["graph"]["name"] = name
    (tmp_path / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not a readable model card"):
        ModelCard.read(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"a": \x01}'])
def test_a_record_whose_texts_are_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "batch.sqlite"
    with closing(Record(path)) as record:
        record.begin({}, "test")
        record.queue([Entry("clip", tmp_path / "clip.mp4")], {})
    with closing(sqlite3.connect(path)) as base:
        base.execute("UPDATE clips SET extra = CAST(? AS TEXT)", [content])
        base.commit()
    with pytest.raises(InputError, match="cannot be read as the record of a batch"):
        read_clips([path])


def test_an_error_is_one_line_whatever_a_library_says() -> None:
    assert str(UsageError("a.toml: cannot be read (line 1\n  column 2)")) == "a.toml: cannot be read (line 1 column 2)"


def test_numbers_of_the_rule_are_read_again_when_their_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "decision.json"
    path.write_bytes(SHIPPED.read_bytes())
    read_open(path)
    path.write_text("{}")
    with pytest.raises(UsageError):
        read_open(path)


def test_a_manifest_whose_texts_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"path": pa.array(["portrait.mp4"])}), path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"portrait", b"portr\xfft"))
    with pytest.raises(InputError, match="cannot be read as a manifest"):
        read_sources([str(path)], {})


@pytest.mark.parametrize("step", [0.0, -1.0, 5.0, math.nan])
def test_steps_of_arrays_that_are_none(step: float) -> None:
    with pytest.raises(ValueError, match="step"):
        unpack(pack(np.zeros((3, 1)), 0.5), step)


def test_a_model_that_is_not_the_one_on_its_card_is_not_run(tmp_path: Path) -> None:
    shipped = find("mini", "dynamic")
    for path in shipped.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    graph = tmp_path / shipped.card.graph.name
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelError, match="SHA-256"):
        load_engine(InstalledModel(shipped.card, tmp_path), "cpu")
