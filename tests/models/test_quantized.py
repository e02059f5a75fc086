"""Models in int8 in the per-user folder: found for the very model they were made of, and for no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from avcer.models.core import openvino_core
from avcer.models.quantized import GRAPH, NUMBERS, describe, find_int8, folder, keep_int8, remove_int8
from avcer.models.runtime import int8_in_use, load_engine
from avcer.models.store import InstalledModel, find


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path))
    return tmp_path


def kept(bias: float = 0.0) -> InstalledModel:
    """The mini dynamic model in the place of its own int8 version; its first output raised by ``bias``."""
    from openvino import opset13 as ops

    model = find("mini", "dynamic")
    graph = openvino_core().read_model(model.graph)
    raised = ops.add(graph.outputs[0].get_node().input_value(0), np.float32(bias))
    new = folder() / "new"
    new.mkdir(parents=True)
    openvino.save_model(openvino.Model([raised], graph.get_parameters(), "raised"), new / GRAPH)
    describe(model, new, {"int8": {"same": 1.0}})
    keep_int8(model, new)
    return model


def test_found_for_its_model_with_its_check() -> None:
    assert find_int8(find("mini", "dynamic")) is None
    model = kept()
    made = find_int8(model)
    assert made is not None
    assert made.graph.name == GRAPH
    assert made.card.scores["int8"] == {"same": 1.0}
    assert made.card.labels == model.card.labels
    assert made.card.graph.bytes == sum((made.folder / name).stat().st_size for name in (GRAPH, NUMBERS))


def test_not_found_for_another_model_of_its_name() -> None:
    model = kept()
    other = replace(model, card=replace(model.card, graph=replace(model.card.graph, sha256="1" * 64)))
    assert find_int8(other) is None


@pytest.mark.parametrize("name", [GRAPH, NUMBERS])
def test_a_damaged_one_is_none(name: str) -> None:
    model = kept()
    made = find_int8(model)
    assert made is not None
    (made.folder / name).write_bytes(b"short")
    assert find_int8(model) is None


def test_a_new_one_replaces_the_earlier() -> None:
    kept()
    kept()
    assert len(list(folder().iterdir())) == 1


def test_removed() -> None:
    model = kept()
    assert remove_int8(model.card.name)
    assert find_int8(model) is None
    assert not remove_int8(model.card.name)


def test_it_runs_where_the_precision_is_left_open_and_nowhere_else() -> None:
    model = find("mini", "dynamic")
    steps, features = model.card.inputs[1:]
    windows = np.random.default_rng(0).random((2, int(steps), int(features)), np.float32)
    before, exact = (load_engine(model, "cpu", precision)(windows)[0].copy() for precision in ("default", "float32"))
    kept(bias=7.0)
    np.testing.assert_allclose(load_engine(model, "cpu")(windows)[0], before + 7, atol=0.1)
    np.testing.assert_array_equal(load_engine(model, "cpu", "float32")(windows)[0], exact)
    assert int8_in_use(model, "cpu")
    assert int8_in_use(model, "cpu", "float32") is None
    assert int8_in_use(model, "cuda") is None
