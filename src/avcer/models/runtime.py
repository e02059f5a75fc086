"""Runs a model: OpenVINO on the processor, PyTorch on a CUDA device, behind one small protocol."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from avcer.errors import MissingExtraError, ModelError, UsageError
from avcer.models.compiled import PRECISION, compile_graph
from avcer.models.quantized import find_int8
from avcer.models.store import InstalledModel
from avcer.types import Float

Device = Literal["auto", "cpu", "cuda"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
Precision = Literal["default", "float32"]
Items: TypeAlias = NDArray[np.float32 | np.uint8]
"""A batch as its station prepares it: float32 as the model's card says, or pixels where ``takes_pixels`` says so."""


LARGE: Final = 50_000_000
"""Bytes of a graph: networks of this size fill all cores, and two at once are slower than one after the other."""
_TURN: Final = Lock()


class Engine(Protocol):
    """A model that is ready to run. One thread at a time may call it.

    What suits its device better than what suits a processor it says in attributes: see ``batch_size`` and
    ``takes_pixels``.
    """

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """The outputs for a batch of any size, in the order in which the model declares them."""
        ...


def batch_size(engine: Engine, usual: int) -> int:
    """How many items ``engine`` wants a call: what its attribute ``batch`` says, else what is usual."""
    size: int = getattr(engine, "batch", usual)
    return size


def takes_pixels(engine: Engine) -> bool:
    """Whether ``engine`` wants pictures as they are, ``(N, H, W, C)`` of uint8, and does the rest on its device."""
    takes: bool = getattr(engine, "takes_pixels", False)
    return takes


def load_engine(model: InstalledModel, device: Device = "auto", precision: Precision = "default") -> Engine:
    """Makes ``model`` ready to run.

    Args:
        model: an installed model.
        device: ``auto`` takes CUDA where PyTorch and an NVIDIA driver are there, else the processor.
        precision: ``default`` computes in int8 where such a model was made, else in bfloat16 where the hardware has
            it; ``float32`` in neither.

    Raises:
        ModelError: the files cannot be read.
        MissingExtraError: ``cuda`` without PyTorch.
        UsageError: ``cuda`` without a device; an unknown device.
    """
    if choose_device(device) == "cpu":
        made = int8_in_use(model, "cpu", precision)
        return OpenVINOEngine(made, "float32", keep=True) if made else OpenVINOEngine(model, precision, keep=True)
    from avcer.models.torch_engine import TorchEngine

    return TorchEngine(model, precision, "cuda")


def int8_in_use(
    model: InstalledModel, device: Literal["cpu", "cuda"], precision: Precision = "default"
) -> InstalledModel | None:
    """What was made of ``model`` in int8, where it runs in the model's place. What is left of it in another format is
    computed in float32: in bfloat16, OpenVINO 2026.4 ends the process with a division by zero.
    """
    return find_int8(model) if device == "cpu" and precision == "default" else None


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
    """A model's ONNX graph on the processor, on ``threads`` of its cores (0: all of them).

    ``keep``: what was compiled is kept on disk for the next time.
    """

    def __init__(
        self, model: InstalledModel, precision: Precision = "default", threads: int = 0, keep: bool = False
    ) -> None:
        import openvino

        hints: dict[str, Any] = {PRECISION: "f32"} if precision == "float32" else {}
        if threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            if keep:
                compiled = compile_graph(core, model, hints)
            else:
                compiled = core.compile_model(core.read_model(model.graph), "CPU", hints)
        except (OSError, RuntimeError) as error:
            raise ModelError(f"{model.graph}: OpenVINO cannot run it; try: avcer models verify") from error
        _take_an_array()
        self._turn: AbstractContextManager[Any] = _TURN if model.card.graph.bytes > LARGE else nullcontext()
        self._request = compiled.create_infer_request()
        self._outputs: int = len(compiled.outputs)
        self.processor = str(core.get_property("CPU", "FULL_DEVICE_NAME"))

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """See ``Engine``."""
        with self._turn:
            results = self._request.infer([np.ascontiguousarray(batch, np.float32)], share_inputs=True)
        return tuple(results[index] for index in range(self._outputs))


def _take_an_array() -> None:
    """The first array that OpenVINO 2026.4 is given makes it look NumPy up; two threads that do so at once wait for
    each other for good, one with Python's lock and one with that of what is looked up.
    """
    import openvino

    with _TURN:
        openvino.Tensor(np.zeros(1, np.float32))


def _nvidia_driver() -> bool:
    """Asked before PyTorch is imported, which takes seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
