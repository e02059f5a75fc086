from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.decision.compound import RULES, TABLE, Row, decide
from avcer.decision.fuse import MEAN
from avcer.errors import InputError, OutputError
from avcer.labels import AVCER_12
from avcer.modalities import MODALITIES
from avcer.output.document import load_json, save_json
from avcer.output.packing import read_archive

Make = Callable[..., Analysis]


PRECISION = {"boxes": 0.0051, "landmarks": 0.051, "salience": 0.0102, "scores": 5.1e-5, "shares": 5.1e-4}
"""As the docs say; the rest is exact to 0.000005."""
OF_CURVES = {"probability": 5.1e-5, "scores": 5.1e-3, "salience": 0.051}


def precision(where: str) -> float:
    name = where.rpartition(".")[2]
    if ".track." in where and name == "scores":
        return 5.1e-4
    return (PRECISION | OF_CURVES if ".curves[" in where else PRECISION).get(name, 5e-6)


def assert_same(first: Any, second: Any, where: str = "analysis") -> None:
    """Equal records to the precision of the document, shapes and kinds of arrays included."""
    near = precision(where)
    assert type(first) is type(second), where
    if is_dataclass(first):
        for field in fields(first):
            assert_same(getattr(first, field.name), getattr(second, field.name), f"{where}.{field.name}")
    elif isinstance(first, np.ndarray):
        assert (first.shape, first.dtype) == (second.shape, second.dtype), where
        exact = first.dtype.kind in "ib"
        atol = 0 if exact else near
        np.testing.assert_allclose(first.astype(float), second.astype(float), rtol=0, atol=atol, err_msg=where)
    elif isinstance(first, tuple):
        assert len(first) == len(second), where
        for place, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}[{place}]")
    elif isinstance(first, dict):
        assert list(first) == list(second), where
        for key in first:
            assert_same(first[key], second[key], f"{where}[{key!r}]")
    elif isinstance(first, float):
        assert first == pytest.approx(second, abs=near), where
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
    timings = {"rtf": float("nan"), "path": Path("x"), "count": np.int64(3)}
    analysis = scene(provenance={"timings": timings, "weights": np.full((3, 7), 1 / 3)})
    text = save_json(analysis, tmp_path / "a.json").read_text(encoding="ascii")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads(text, parse_constant=refuse)
    assert (document["format"], document["version"]) == ("avcer-analysis", 2)
    assert document["provenance"]["timings"] == {"rtf": None, "path": "x", "count": 3}
    assert np.shape(document["provenance"]["weights"]) == (3, 7)


def test_what_a_speaker_is_known_by_must_be_seven_numbers(scene: Make, tmp_path: Path) -> None:
    path = save_json(scene(), tmp_path / "a.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    for row in ([0.0] * 6, [0.0] * 6 + [None], "x"):
        path.write_text(json.dumps(document | {"usual": {"audio": row}}), encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.json: not a whole analysis"):
            load_json(path)
    del document["usual"]  # of a time before there were any
    path.write_text(json.dumps(document), encoding="utf-8")
    assert load_json(path).usual == {}


def test_the_document_says_what_is_asked_without_the_arrays(scene: Make, tmp_path: Path) -> None:
    analysis = scene(faces=((5, 60, (range(20, 30),)), (40, 79, ())))
    document = json.loads(save_json(analysis, tmp_path / "a.json").read_text())
    assert [face["id"] for face in document["faces"]] == [0, 1, None]
    first = document["faces"][0]
    assert (first["first_frame"], first["last_frame"], first["seen_frames"]) == (5, 60, 46)
    told = [(segment["label"], segment["kind"], segment["start_s"]) for segment in first["segments"]]
    assert told == [(s.label, s.kind, round(s.start_s, 6)) for s in analysis.faces[0].segments]
    assert document["decisions"] == list(analysis.labels)
    assert [row["curve"] for row in document["modalities"]] == ["VS", "VD", "A"]


WEIGHTS = {"fusion": MEAN.as_dict()}


def test_what_follows_from_the_rest_is_left_out_and_comes_back(scene: Make, tmp_path: Path) -> None:
    """Fused values by the weights, scores by the released rule, the sound of a face from the clip's."""
    analysis = scene(faces=((0, 99, (range(20, 30),)),), provenance=WEIGHTS)
    path = save_json(analysis, tmp_path / "a.json")
    stored = set(read_archive(path.with_suffix(".npz").read_bytes()))
    assert not {"faces/0/fused/values", "faces/0/expression/scores", "faces/0/said/audio/values"} & stored
    assert_same(analysis, load_json(path))


def test_what_does_not_follow_is_stored(scene: Make, tmp_path: Path) -> None:
    """In a few rows, and everywhere: whoever decided otherwise than the provenance says gets back what was decided."""
    analysis = scene(provenance=WEIGHTS)
    face = analysis.faces[0]
    face.fused.values[7] += 0.25
    face.expression.scores[11:14] = 0.5
    face.curves["VS"].scores[:] = np.random.default_rng(1).random(face.curves["VS"].scores.shape)
    path = save_json(analysis, tmp_path / "a.json")
    stored = read_archive(path.with_suffix(".npz").read_bytes())
    assert stored["faces/0/fused/values/instead"].shape[2] == 1
    assert "faces/0/curves/VS/curve_scores" in stored
    assert_same(analysis, load_json(path))


@pytest.mark.parametrize("rule", RULES)
def test_any_rule_comes_back(scene: Make, tmp_path: Path, rule: str) -> None:
    analysis = scene(provenance=WEIGHTS | {"options": {"rule": rule}})
    assert_same(analysis, load_json(save_json(analysis, tmp_path / "a.json")))


def test_documents_leave_out_only_what_every_reader_of_their_version_computes(
    scene: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that is newer has its scores in the document, whole."""
    assert [rule for rule in RULES if not TABLE[rule].stored] == ["1", "2", "both", "sum", "gated", "geometric"]
    analysis = scene(provenance=WEIGHTS | {"options": {"rule": "sum"}})
    monkeypatch.setitem(TABLE, "sum", Row("a new rule"))
    path = save_json(analysis, tmp_path / "a.json")
    assert_same(analysis, load_json(path))
    assert "faces/0/expression/scores" in read_archive(path.with_suffix(".npz").read_bytes())


def test_version_1_is_read(tmp_path: Path) -> None:
    """Made with the last version that wrote it: two faces, the first with a gap, and sound alone."""
    analysis = Analysis.load(Path(__file__).parent / "data" / "analysis-version-1.json")
    assert [face.id for face in analysis.faces] == [0, 1, None]
    assert analysis.modalities == MODALITIES
    first = analysis.faces[0]
    assert first.frames.tolist() == [*range(1, 8)]
    assert first.static.valid.tolist() == [True, True, False, False, True, True, True]
    assert [segment.label for segment in first.segments][:2] == ["Disgustedly Surprised", "Happily Surprised"]
    assert {segment.kind for segment in analysis.segments} == {"compound", "none"}
    decided = first.expression.classes >= 0
    assert (first.expression.kind[decided] == 3).all()
    again = decide(first.fused, analysis.vocabulary, "1")
    np.testing.assert_allclose(first.expression.salience, again.salience, atol=1e-4)
    np.testing.assert_array_equal(first.expression.classes, again.classes)
    assert_same(analysis, load_json(save_json(analysis, tmp_path / "analysis.json")))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: '{"format": "something else"}',
        lambda text: text.replace('"version": 2', '"version": 3'),
        lambda text: text.replace('"faces"', '"persons"'),
        lambda text: text.replace('"said": ["static"', '"said": ["strange"'),
        lambda text: text.replace('"curves": ["VS"', '"curves": ["XX"'),
        lambda text: text.replace('"steps": {"times_s": 1e-06', '"steps": {"times_s": "x"'),
        lambda text: text.replace('"arrays": {', '"array": {'),
    ],
)
def test_damaged_and_foreign_files_get_one_line(scene: Make, tmp_path: Path, damage: Callable[[str], str]) -> None:
    path = save_json(scene(), tmp_path / "a.json")
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before
    with pytest.raises(InputError, match="analyse the clip again") as caught:
        load_json(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "another"])
def test_missing_and_damaged_arrays_get_one_line(scene: Make, tmp_path: Path, damage: str) -> None:
    path = save_json(scene(), tmp_path / "a.json")
    arrays = path.with_suffix(".npz")
    content = arrays.read_bytes()
    if damage == "missing":
        arrays.unlink()
    elif damage == "cut":
        arrays.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        arrays.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    else:
        save_json(scene(seed=1), tmp_path / "b.json").with_suffix(".npz").replace(arrays)
    with pytest.raises(InputError, match=r"a\.npz: .*a\.json") as caught:
        load_json(path)
    assert "\n" not in str(caught.value)


def test_nothing_is_ever_unpickled(scene: Make, tmp_path: Path) -> None:
    """Arrays with a pickle inside are refused, even where their hash is right."""
    path = save_json(scene(), tmp_path / "a.json")
    arrays = path.with_suffix(".npz")
    np.savez(arrays, times_s=np.array([{"a": 1}], object))
    document = json.loads(path.read_text())
    document["arrays"]["sha256"] = hashlib.sha256(arrays.read_bytes()).hexdigest()
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="allow_pickle"):
        load_json(path)


def test_a_full_disk_leaves_both_files_as_they_were(
    scene: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_json(scene(), tmp_path / "a.json")
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("avcer.output.document.writing.write_archive", full)
    with pytest.raises(OutputError, match="No space left"):
        save_json(scene(seed=1), path)
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_files_that_are_not_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="analyse the clip again"):
        load_json(tmp_path / "a.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_json(tmp_path / "gone.json")
    with pytest.raises(InputError, match=r"analysis\.json: cannot be read"):
        load_json(tmp_path)


def test_the_methods_of_the_record_use_it(scene: Make, tmp_path: Path) -> None:
    analysis = scene()
    path, arrays = analysis.save(tmp_path / "new" / "folder", ["json"])
    assert (path.name, arrays.name) == ("analysis.json", "analysis.npz")
    assert_same(replace(analysis), Analysis.load(path))
    assert_same(replace(analysis), Analysis.load(path.parent))


def test_an_hour_is_small_and_quick(scene: Make, tmp_path: Path) -> None:
    """A sixth of it, here; ``benchmarks/documents.py`` tries the hour with two faces: 2 s, 1 s, 15 MB."""
    frames = 15_000
    analysis = scene(frames=frames, faces=((0, frames - 1, ()), (0, frames - 1, ())), provenance=WEIGHTS)
    started = time.process_time()
    path = save_json(analysis, tmp_path / "analysis.json")
    saved = time.process_time()
    load_json(path)
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 15e6 / 6
    assert saved - started < 2
    assert time.process_time() - saved < 1
