from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.labels import AVCER_12
from avcer.output.document import load_json, save_json

Make = Callable[..., Analysis]


def assert_same(first: Any, second: Any, where: str = "analysis") -> None:
    """Equal records, numbers to seven digits, shapes and kinds of arrays included."""
    assert type(first) is type(second), where
    if is_dataclass(first):
        for field in fields(first):
            assert_same(getattr(first, field.name), getattr(second, field.name), f"{where}.{field.name}")
    elif isinstance(first, np.ndarray):
        assert (first.shape, first.dtype) == (second.shape, second.dtype), where
        np.testing.assert_allclose(first.astype(float), second.astype(float), rtol=1e-6, atol=6e-7, err_msg=where)
    elif isinstance(first, tuple):
        assert len(first) == len(second), where
        for place, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}[{place}]")
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}[{key!r}]")
    elif isinstance(first, float):
        assert first == pytest.approx(second, abs=6e-7), where
    else:
        assert first == second, where


@pytest.mark.parametrize(
    "fields_",
    [
        {"faces": ((5, 60, (range(20, 30),)), (40, 79, ()))},
        {"vocabulary": AVCER_12, "sound": False},
        {"faces": ()},
        {"faces": (), "sound": False},
        {"frames": 1, "faces": ((0, 0, ()),)},
        {"path": Path("имя \udcff 视频.mp4")},
    ],
)
def test_round_trip(scene: Make, tmp_path: Path, fields_: dict[str, Any]) -> None:
    analysis = scene(**fields_)
    assert_same(analysis, load_json(save_json(analysis, tmp_path / "analysis.json")))


def test_the_document_is_strict_json_that_names_itself(scene: Make, tmp_path: Path) -> None:
    analysis = scene(provenance={"timings": {"rtf": float("nan"), "path": Path("x"), "count": np.int64(3)}})
    analysis.provenance["weights"] = np.full((3, 7), 1 / 3)
    text = save_json(analysis, tmp_path / "a.json").read_text(encoding="ascii")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads(text, parse_constant=refuse)
    assert (document["format"], document["version"]) == ("avcer-analysis", 2)
    assert document["provenance"]["timings"] == {"rtf": None, "path": "x", "count": 3}
    assert np.shape(document["provenance"]["weights"]) == (3, 7)


def test_rows_that_are_not_valid_are_null(scene: Make, tmp_path: Path) -> None:
    analysis = scene(faces=((0, 99, (range(20, 30),)),))
    document = json.loads(save_json(analysis, tmp_path / "a.json").read_text())
    static = document["faces"][0]["said"]["static"]
    assert [place for place, row in enumerate(static) if row is None] == list(range(20, 30))
    assert document["faces"][0]["curves"]["VS"]["classes"][25] is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: '{"format": "something else"}',
        lambda text: text.replace('"version":2', '"version":3'),
        lambda text: text.replace('"faces"', '"persons"'),
        lambda text: text.replace('"classes":[', '"classes":[0,'),
        lambda text: text.replace('"frames":[0,', '"frames":[999999999,'),
        lambda text: text.replace('"frames":[0,', '"frames":["x",'),
        lambda text: text.replace('"times_s":[', '"times_s":[[1,2],'),
    ],
)
def test_damaged_and_foreign_files_get_one_line(scene: Make, tmp_path: Path, damage: Callable[[str], str]) -> None:
    path = save_json(scene(), tmp_path / "a.json")
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match="analyse the clip again") as caught:
        load_json(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="analyse the clip again"):
        load_json(tmp_path / "a.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_json(tmp_path / "gone.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_json(tmp_path)


def test_the_methods_of_the_record_use_it(scene: Make, tmp_path: Path) -> None:
    analysis = scene()
    (path,) = analysis.save(tmp_path / "new" / "folder", ["json"])
    assert_same(replace(analysis), Analysis.load(path))


def test_memory_does_not_grow_with_the_clip(scene: Make, tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        analysis = scene(frames=frames, faces=((0, frames - 1, ()),))
        tracemalloc.start()
        save_json(analysis, tmp_path / "a.json")
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(2000) < 4e6
    assert peak(6000) < 4e6


def test_a_twenty_minute_clip_is_written_in_seconds(scene: Make, tmp_path: Path) -> None:
    analysis = scene(frames=30_000, faces=((0, 29_999, ()),))
    started = time.process_time()
    save_json(analysis, tmp_path / "a.json")
    assert time.process_time() - started < 15
