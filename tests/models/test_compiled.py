from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.models import compiled
from avcer.models.core import openvino_core
from avcer.models.runtime import load_engine
from avcer.models.store import find


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path))
    return tmp_path


def answer() -> np.ndarray:
    model = find("mini", "dynamic")
    steps, features = model.card.inputs[1:]
    windows = np.random.default_rng(0).random((2, steps, features), np.float32)
    return load_engine(model, "cpu", "float32")(windows)[0]


def test_the_second_start_reads_what_the_first_kept(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = answer()
    [kept] = compiled.folder().iterdir()
    assert kept.parent == own_home / "compiled"
    monkeypatch.setattr(compiled, "_write", None)  # nothing is written the second time
    np.testing.assert_array_equal(answer(), first)


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_made_anew(damage: bytes | None) -> None:
    first = answer()
    [kept] = compiled.folder().iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100] + bytes(100) if damage is None else damage)
    np.testing.assert_array_equal(answer(), first)
    assert compiled._read(kept) is not None


def test_a_home_that_cannot_be_written_costs_only_time(own_home: Path) -> None:
    (own_home / "compiled").write_text("a file where the folder should be")
    assert answer().shape == (2, 7)


def test_a_user_without_a_home_can_analyse(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(compiled, "home", homeless)
    assert answer().shape == (2, 7)


def test_other_settings_are_kept_apart() -> None:
    answer()
    load_engine(find("mini", "dynamic"), "cpu")
    assert len(list(compiled.folder().iterdir())) == 2


def test_what_is_long_unused_goes(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_home / "compiled"
    folder.mkdir()
    (folder / "old.blob").write_bytes(b"")
    monkeypatch.setattr(compiled, "KEPT_S", -1)
    load_engine(find("mini", "dynamic"), "cpu")
    assert not (folder / "old.blob").exists()


def test_large_graphs_are_kept_with_halved_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    model = find("mini", "static")
    faces = np.random.default_rng(0).random((2, *model.card.inputs[1:]), np.float32)
    in_float32 = load_engine(model, "cpu", "float32")(faces)[0]
    monkeypatch.setattr(compiled, "LARGE", 0)
    for _ in range(2):
        np.testing.assert_allclose(load_engine(model, "cpu")(faces)[0], in_float32, atol=0.1)
    halved = [path for path in compiled.folder().iterdir() if path.is_dir()]
    if "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        [weights] = halved[0].glob("*.bin")
        assert weights.stat().st_size < model.graph.stat().st_size  # whose own weights are of 16 bits already
    else:
        assert not halved


def test_a_large_graph_in_float32_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "LARGE", 0)
    answer()
    assert not compiled.folder().exists()


def test_what_is_not_the_same_after_reading_it_back_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an LSTM in OpenVINO 2026.4, which then mixes up the rows of a batch."""
    monkeypatch.setattr(compiled, "_same", lambda compiled, read_back, card: False)
    answer()
    assert not compiled.folder().exists()


def test_reading_back_is_compared() -> None:
    class Says:
        def __init__(self, *values: float) -> None:
            self.values = values

        def create_infer_request(self) -> Says:
            return self

        def infer(self, inputs: list[np.ndarray]) -> dict[int, np.ndarray]:
            return {place: inputs[0] * value for place, value in enumerate(self.values)}

    card = find("mini", "detector").card
    assert compiled._same(Says(1.0, 2.0), Says(1.0, 2.0), card)
    assert not compiled._same(Says(1.0, 2.0), Says(1.0, 2.001), card)
