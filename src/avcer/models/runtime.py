"""Runs a model: OpenVINO on the processor, PyTorch on a CUDA device, behind one small protocol."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np

from avcer.errors import MissingExtraError, ModelError, UsageError
from avcer.models.compiled import PRECISION, compile_graph
from avcer.models.store import InstalledModel
from avcer.types import Float

Device = Literal["auto", "cpu", "cuda"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
Precision = Literal["default", "float32"]


LARGE: Final = 50_000_000
"""Bytes of a graph: networks of this size fill all cores, and two at once are slower than one after the other."""
_TURN: Final = Lock()


class Engine(Protocol):
    """A model that is ready to run. One thread at a time may call it."""

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """The outputs for a batch of any size, in the order in which the model declares them."""
        ...


def load_engine(model: InstalledModel, device: Device = "auto", precision: Precision = "default") -> Engine:
    """Makes ``model`` ready to run.

    Args:
        model: an installed model.
        device: ``auto`` takes CUDA where PyTorch and an NVIDIA driver are there, else the processor.
        precision: ``default`` computes in bfloat16 where the hardware has it; ``float32`` never does.

    Raises:
        ModelError: the files cannot be read.
        MissingExtraError: ``cuda`` without PyTorch.
        UsageError: ``cuda`` without a device; an unknown device.
    """
    if choose_device(device) == "cpu":
        return OpenVINOEngine(model, precision, keep=True)
    return TorchEngine(model, precision, "cuda")


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
        self._turn: AbstractContextManager[Any] = _TURN if model.graph.stat().st_size > LARGE else nullcontext()
        self._request = compiled.create_infer_request()
        self._outputs: int = len(compiled.outputs)
        self.processor = str(core.get_property("CPU", "FULL_DEVICE_NAME"))

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """See ``Engine``."""
        with self._turn:
            results = self._request.infer([np.ascontiguousarray(batch, np.float32)], share_inputs=True)
        return tuple(results[index] for index in range(self._outputs))


class TorchEngine:
    """A model's weights in its PyTorch network, on the named PyTorch device."""

    def __init__(self, model: InstalledModel, precision: Precision, device: str) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from avcer.models.networks import build

        network = build(model.card.architecture)
        try:
            network.load_state_dict(load_file(model.weights))
        except (OSError, RuntimeError, SafetensorError) as error:
            what = f"does not fit the network {model.card.architecture}"
            raise ModelError(f"{model.weights}: {what}; try: avcer models verify") from error
        self._network = network.eval().to(device)
        self._device = device
        self._precision = precision

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """See ``Engine``."""
        import torch

        with torch.inference_mode(), _arithmetic(self._device, self._precision):
            outputs = self._network(torch.from_numpy(np.ascontiguousarray(batch, np.float32)).to(self._device))
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        return tuple(output.float().cpu().numpy() for output in outputs)


def _arithmetic(device: str, precision: Precision) -> AbstractContextManager[Any]:
    import torch

    if device == "cpu":
        return ExitStack()
    if precision == "default" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast(device, dtype=torch.bfloat16)
    # Convolutions would else run in TF32, whose ten bits of mantissa are not float32.
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _nvidia_driver() -> bool:
    """Asked before PyTorch is imported, which takes seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
