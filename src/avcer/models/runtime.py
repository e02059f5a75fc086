"""Runs a model: OpenVINO on the processor, PyTorch on a CUDA device, behind one small protocol."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final, Literal, get_args

import numpy as np

from avcer.errors import MissingExtraError, ModelError, UsageError
from avcer.models.compiled import PRECISION, compile_graph
from avcer.models.core import openvino_core
from avcer.models.engine import Engine, Items, Precision
from avcer.models.quantized import find_int8
from avcer.models.store import InstalledModel, check_file
from avcer.processors import engine_threads
from avcer.types import Float

Device = Literal["auto", "cpu", "cuda"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
_TURN: Final = Lock()
"""Held by the one large network that computes: see ``ModelCard.heavy``."""
_FIRST_ARRAY: Final = Lock()


def load_engine(
    model: InstalledModel, device: Device = "auto", precision: Precision = "default", threads: int | None = None
) -> Engine:
    """Makes ``model`` ready to run.

    Args:
        model: an installed model.
        device: ``auto`` takes CUDA where PyTorch and an NVIDIA driver are there, else the processor.
        precision: ``default`` computes in int8 where such a model was made, else in bfloat16 where the hardware has
            it; ``float32`` in neither.
        threads: of the processor, for a call; None for the processors that the process may use.

    Raises:
        ModelError: the file cannot be read, or its SHA-256 is not the one on the card.
        MissingExtraError: ``cuda`` without PyTorch.
        UsageError: ``cuda`` without a device; an unknown device.
    """
    if choose_device(device) == "cpu":
        made, threads = int8_in_use(model, "cpu", precision), engine_threads(threads)
        if made:  # was checked when it was found
            return OpenVINOEngine(made, "float32", threads, keep=True)
        check_file(model, model.card.graph)
        return OpenVINOEngine(model, precision, threads, keep=True)
    import torch

    from avcer.models.torch_engine import TorchEngine

    check_file(model, model.card.weights)
    if threads:
        torch.set_num_threads(threads)
    return TorchEngine(model, precision, "cuda")


def int8_in_use(
    model: InstalledModel, device: Literal["cpu", "cuda"], precision: Precision = "default"
) -> InstalledModel | None:
    """What was made of ``model`` in int8, where it runs in the model's place. What is left of it in another format is
    computed in float32: in bfloat16, OpenVINO 2026.4 ends the process with a division by zero.
    """
    return find_int8(model) if device == "cpu" and precision == "default" else None


def arithmetic(device: Literal["cpu", "cuda"], precision: Precision = "default") -> Literal["float32", "bfloat16"]:
    """What networks multiply in there, but for those that stay in float32 or run in int8."""
    return "bfloat16" if precision == "default" and _has_bfloat16(device) else "float32"


@cache
def _has_bfloat16(device: Literal["cpu", "cuda"]) -> bool:
    if device == "cuda":
        import torch

        supported: bool = torch.cuda.is_bf16_supported(including_emulation=False)
        return supported
    capabilities: list[str] = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "BF16" in capabilities


def choose_device(device: Device = "auto") -> Literal["cpu", "cuda"]:
    """Where ``device`` means to run; the errors are those of ``load_engine``."""
    if device not in DEVICES:
        raise UsageError(f"unknown device {device!r}: give one of {', '.join(DEVICES)}")
    if device == "cpu" or (device == "auto" and not (find_spec("torch") and _nvidia_driver())):
        return "cpu"
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError('device cuda needs PyTorch: pip install "avcer[torch]", or choose cpu') from error
    if torch.cuda.is_available():
        return "cuda"
    if device == "auto":
        return "cpu"
    raise UsageError("device cuda: PyTorch finds no CUDA device here; choose cpu")


class OpenVINOEngine:
    """A model's ONNX graph on the processor, on ``threads`` of its cores (0: all of them); see ``Engine``.

    Each call takes an inference request of its own from those that are free, so that calls from several threads do not
    meet; OpenVINO lets them share the cores. ``keep``: what was compiled is kept on disk for the next time.
    """

    def __init__(
        self, model: InstalledModel, precision: Precision = "default", threads: int = 0, keep: bool = False
    ) -> None:
        hints: dict[str, Any] = {PRECISION: "f32"} if precision == "float32" else {}
        if threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino_core()
            if keep:
                compiled = compile_graph(core, model, hints)
            else:
                compiled = core.compile_model(core.read_model(model.graph), "CPU", hints)
        except (OSError, RuntimeError) as error:
            raise ModelError(f"{model.graph}: OpenVINO cannot run it; try: avcer models verify") from error
        _take_an_array()
        self._turn: AbstractContextManager[Any] = _TURN if model.card.heavy else nullcontext()
        self._compiled = compiled
        self._free = deque([compiled.create_infer_request()])
        self._outputs: int = len(compiled.outputs)
        self.processor = str(core.get_property("CPU", "FULL_DEVICE_NAME"))

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """See ``Engine``."""
        request = self._request()
        with self._turn:
            # The outputs are copied, so that the request can be used again while its results are.
            results = request.infer([np.ascontiguousarray(batch, np.float32)], share_inputs=True)
        outputs = tuple(results[index] for index in range(self._outputs))
        self._free.append(request)  # not where the call failed: what such a request still does is not known
        return outputs

    def _request(self) -> Any:
        """A request that no other thread uses; a deque hands out each of its items once."""
        try:
            return self._free.pop()
        except IndexError:
            return self._compiled.create_infer_request()


def _take_an_array() -> None:
    """The first array that OpenVINO 2026.4 is given makes it look NumPy up; two threads that do so at once wait for
    each other for good, one with Python's lock and one with that of what is looked up.
    """
    import openvino

    with _FIRST_ARRAY:
        openvino.Tensor(np.zeros(1, np.float32))


def _nvidia_driver() -> bool:
    """Asked before PyTorch is imported, which takes seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
