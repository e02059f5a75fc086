from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer import processors
from avcer.errors import MissingExtraError, ModelError, UsageError
from avcer.models import runtime
from avcer.models.card import FileRecord
from avcer.models.core import openvino_core
from avcer.models.runtime import OpenVINOEngine, load_engine
from avcer.models.store import InstalledModel, sha256
from avcer.models.torch_engine import TorchEngine
from avcer.types import Float


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_both_engines_agree_at_any_batch_size(written: InstalledModel, batch: int) -> None:
    windows = np.random.default_rng(batch).random((batch, 10, 512), np.float32)

    (on_openvino,) = OpenVINOEngine(written, "float32")(windows)
    (on_torch,) = TorchEngine(written, "float32", "cpu")(windows)

    assert on_openvino.shape == (batch, 7)
    assert on_openvino.dtype == on_torch.dtype == np.float32
    np.testing.assert_allclose(on_openvino, on_torch, atol=1e-5)


def test_an_engine_keeps_no_hold_of_earlier_results(written: InstalledModel) -> None:
    engine = load_engine(written, "cpu", "float32")
    (first,) = engine(np.zeros((1, 10, 512), np.float32))
    kept = first.copy()
    engine(np.ones((1, 10, 512), np.float32))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("make", [OpenVINOEngine, partial(TorchEngine, device="cpu")])
def test_threads_that_call_at_once_get_what_each_would_alone(written: InstalledModel, make: Any) -> None:
    engine = make(written, "float32")
    batches = list(np.random.default_rng(0).random((8, 4, 10, 512), np.float32))
    alone = [engine(batch)[0] for batch in batches]
    together = threading.Barrier(len(batches))

    def call(batch: Float) -> list[Float]:
        together.wait()
        return [engine(batch)[0] for _ in range(3)]

    with ThreadPoolExecutor(len(batches)) as pool:
        answers = list(pool.map(call, batches))
    for expected, repeated in zip(alone, answers, strict=True):
        for answer in repeated:
            np.testing.assert_array_equal(answer, expected)


def test_a_request_is_used_again_and_one_whose_call_failed_is_not(written: InstalledModel) -> None:
    engine = OpenVINOEngine(written, "float32")
    (first,) = engine._free
    engine(np.zeros((1, 10, 512), np.float32))
    assert list(engine._free) == [first]
    with pytest.raises(RuntimeError):
        engine(np.zeros((1, 10, 511), np.float32))
    assert not engine._free
    assert engine(np.zeros((1, 10, 512), np.float32))[0].shape == (1, 7)


@pytest.mark.parametrize(("usable", "asked", "used"), [(64, 1, 1), (1, 2, 2), (1, None, 1)])
def test_an_engine_uses_as_many_threads_as_it_is_told(
    written: InstalledModel, monkeypatch: pytest.MonkeyPatch, usable: int, asked: int | None, used: int
) -> None:
    """Or as many as the process may use, whatever the machine has."""
    monkeypatch.setattr(processors, "available", lambda: usable)
    engine = load_engine(written, "cpu", "float32", asked)
    assert isinstance(engine, OpenVINOEngine)
    assert engine._compiled.get_property("INFERENCE_NUM_THREADS") == min(used, os.cpu_count() or 1)


def test_default_precision_stays_close(written: InstalledModel) -> None:
    windows = np.random.default_rng(0).random((2, 10, 512), np.float32)
    (default,) = load_engine(written, "cpu")(windows)
    (exact,) = load_engine(written, "cpu", "float32")(windows)
    np.testing.assert_allclose(default, exact, atol=0.02)


def test_auto_is_the_processor_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_nvidia_driver", lambda: False)
    assert runtime.choose_device("auto") == "cpu"


def test_cuda_without_torch_names_the_extra(written: InstalledModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"avcer\[torch\]"):
        load_engine(written, "cuda")


def test_cuda_without_a_device_says_so(written: InstalledModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="choose cpu"):
        load_engine(written, "cuda")
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        load_engine(written, "gpu")  # type: ignore[arg-type]


TWO_AT_ONCE = """
import sys, threading
import numpy as np
from avcer.models.runtime import load_engine
from avcer.models.store import find

models = [find("mini", role) for role in ("dynamic", "audio")]
engines = [load_engine(model, "cpu") for model in models]
together = threading.Barrier(2)

def call(place):
    batch = np.zeros((1, *models[place].card.inputs[1:]), np.float32)
    together.wait()
    engines[place](batch)

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=call, args=(place,)) for place in (0, 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_calls_of_two_threads_do_not_wait_for_each_other() -> None:
    """Without the care that is taken, some of such processes hang."""
    subprocess.run([sys.executable, "-c", TWO_AT_ONCE], check=True, timeout=60)


FIRST_CALL = """
import numpy as np
from avcer.models import runtime
from avcer.models.store import find

{before}
model = find("mini", "dynamic")
engine = runtime.OpenVINOEngine(model)

class Asked(np.lib.NumpyVersion):
    def __init__(self, version):
        print("NumPy is looked up")
        super().__init__(version)

np.lib.NumpyVersion = Asked
engine(np.zeros((1, *model.card.inputs[1:]), np.float32))
"""


@pytest.mark.parametrize(
    ("before", "said"), [("", ""), ("runtime._take_an_array = lambda: None", "NumPy is looked up\n")]
)
def test_numpy_is_looked_up_before_the_first_call(before: str, said: str) -> None:
    """The second case shows that OpenVINO still does it in that call where nobody takes care; that is what can hang."""
    run = [sys.executable, "-c", FIRST_CALL.format(before=before)]
    assert subprocess.run(run, check=True, timeout=60, capture_output=True, text=True).stdout == said


def test_a_broken_graph_is_one_line(written: InstalledModel, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written.folder, tmp_path / "broken"))
    graph = folder / "model.onnx"
    graph.write_bytes(b"not a graph")
    card = replace(written.card, graph=FileRecord(graph.name, graph.stat().st_size, sha256(graph)))
    with pytest.raises(ModelError, match=r"model\.onnx: OpenVINO cannot run it"):
        load_engine(InstalledModel(card, folder), "cpu")


def test_a_graph_that_changed_since_it_was_installed_is_not_run(written: InstalledModel, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written.folder, tmp_path / "changed"))
    graph = folder / written.card.graph.name
    content = bytearray(graph.read_bytes())
    content[-1] ^= 1
    graph.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx: is damaged \(its SHA-256 is not the one on its card\)"):
        load_engine(InstalledModel(written.card, folder), "cpu")


def test_there_is_one_core_of_openvino_whoever_asks() -> None:
    with ThreadPoolExecutor(2) as pool:
        cores = [openvino_core(), *pool.map(lambda _: openvino_core(), range(2))]
    assert len({id(core) for core in cores}) == 1


def test_large_engines_take_turns_and_small_ones_do_not(written: InstalledModel) -> None:
    heavy = replace(written, card=replace(written.card, graph=replace(written.card.graph, bytes=100_000_000)))
    turns = [OpenVINOEngine(model, "float32")._turn for model in (heavy, heavy, written)]
    assert turns[0] is turns[1] is runtime._TURN
    assert turns[2] is not turns[0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of Unix")
def test_an_interruption_is_heard_after_engines_have_come_and_gone() -> None:
    """With a core of OpenVINO each, the process ended with a segmentation fault: see ``models.core``."""
    code = (
        "import os, signal, time\n"
        "from avcer.models.runtime import OpenVINOEngine\n"
        "from avcer.models.store import find\n"
        "first, second = (OpenVINOEngine(find('mini', 'dynamic')) for _ in range(2))\n"
        "del first\n"
        "del second\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(5)\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "heard"), done.stderr
