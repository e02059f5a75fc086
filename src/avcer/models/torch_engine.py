"""Runs a model in PyTorch on a CUDA device: pixels go up, what the network says comes back. Needs torch.

Tests run the same code with PyTorch's device ``cpu``; an analysis on the processor never imports this module.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import parametrize

from avcer.errors import ModelError
from avcer.models.card import Role
from avcer.models.engine import Items, Precision
from avcer.models.networks import build
from avcer.models.preparation import Scaling
from avcer.models.store import InstalledModel
from avcer.types import Float

BATCH: Final[dict[Role, int]] = {"detector": 32, "static": 128, "dynamic": 512, "audio": 16}
"""Items a call at most. Reckoned, not measured: ``benchmarks/gpu.py`` shows what others do."""


def load_network(model: InstalledModel) -> nn.Module:
    """The network of ``model`` with its weights, for evaluation: in float32 on the processor.

    Raises:
        ModelError: the weights cannot be read, or are those of another network.
    """
    network = build(model.card.architecture)
    try:
        network.load_state_dict(load_file(model.weights))
    except (OSError, RuntimeError, SafetensorError) as error:
        what = f"does not fit the network {model.card.architecture}"
        raise ModelError(f"{model.weights}: {what}; try: avcer models verify") from error
    return network.eval()


class TorchEngine:
    """A model's network on a PyTorch device; see ``Engine``.

    It takes pictures as they are, ``(N, H, W, C)`` of uint8, a quarter of what prepared ones would be to send up, and
    prepares them on the device; arrays of float32 it takes as the graph does. ``batch`` is how many items it wants a
    call; where the device's memory does not hold these, it halves that number and goes on. Calls from several threads
    take turns: one fills the device.
    """

    def __init__(self, model: InstalledModel, precision: Precision, device: str = "cuda") -> None:
        self.batch = BATCH[model.card.role]
        self.takes_pixels = model.card.role in ("detector", "static")
        self._model = model
        self._turn = Lock()
        self._device = torch.device(device)
        network = load_network(model)
        _fix_weights(network)
        if precision == "float32":
            _forbid_tf32()
        self._half = _half_for(network, precision, self._device)
        if self._half:
            _halve(network, self._half)
        self._network = network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        scaling = Scaling.of_card(model.card) if self.takes_pixels else Scaling((0.0,), 1.0)
        self._mean = torch.tensor(scaling.mean, device=self._device).view(1, -1, 1, 1)
        self._scale = scaling.scale

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """See ``Engine``.

        Raises:
            ModelError: the device's memory does not hold a single item.
        """
        with self._turn:
            return self._in_parts(batch)

    def _in_parts(self, batch: Items) -> tuple[Float, ...]:
        """As many items at once as the memory holds."""
        if len(batch) <= self.batch:
            try:
                return self._run(batch)
            except torch.cuda.OutOfMemoryError as error:
                if len(batch) == 1:
                    remedy = "choose --device cpu or a smaller --longest-side"
                    raise ModelError(f"{self._model.folder}: too large for the memory of the GPU; {remedy}") from error
            # Outside the handler: the exception holds on to what the failed call had allocated.
            self.batch = len(batch) // 2
        most = self.batch
        parts = self._in_parts(batch[:most]), self._in_parts(batch[most:])
        return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    def _run(self, batch: Items) -> tuple[Float, ...]:
        with torch.inference_mode():
            given = self._upload(batch)
            with self._arithmetic():
                outputs = self._network(given)
            outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
            # Into pinned memory, all at once, and one wait for all.
            results = [output.float().to("cpu", non_blocking=True) for output in outputs]
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()
        return tuple(result.numpy() for result in results)

    def _upload(self, batch: Items) -> Tensor:
        """The network's input on the device. Not through pinned memory, which would be one more copy on the host and
        save nothing, as the next thing is to wait for the result.
        """
        given = torch.from_numpy(np.ascontiguousarray(batch)).to(self._device, non_blocking=True)
        if given.dtype != torch.uint8:
            return given.float()
        # Pixels side by side, seen as planes, are what PyTorch calls channels_last.
        return (given.permute(0, 3, 1, 2).float() - self._mean) * self._scale

    def _arithmetic(self) -> AbstractContextManager[Any]:
        """Autocast knows what must stay in float32 (softmax, layer norms, sums); the weights that it would convert on
        every call have been converted once.
        """
        return torch.autocast(self._device.type, dtype=self._half) if self._half else nullcontext()


def _half_for(network: nn.Module, precision: Precision, device: torch.device) -> torch.dtype | None:
    """The 16 bits in which ``network`` multiplies; None for float32.

    Networks with a recurrent layer stay in float32: they are small, errors add up from step to step, and autocast runs
    these layers in float16 whatever it is told. So does everything where bfloat16 is missing: nobody has shown that
    what the published networks compute stays below the 65,504 of float16.
    """
    recurrent = any(isinstance(layer, nn.RNNBase) for layer in network.modules())
    return torch.bfloat16 if precision == "default" and not recurrent and _has_bfloat16(device) else None


def _has_bfloat16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def _halve(network: nn.Module, half: torch.dtype) -> None:
    """Converts the weights of convolutions and linear layers. Norms keep theirs: statistics lose too much in 16 bits,
    and PyTorch norms halves with them as they are.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            layer.to(half)


def _fix_weights(network: nn.Module) -> None:
    """Works out normalised weights once, which a network for training does on every call."""
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")


def _forbid_tf32() -> None:
    """For the whole process and for good: the switches are not a thread's own, and two engines run at once.

    TF32 has ten bits of mantissa, which is not float32; PyTorch takes it for convolutions unless it is told not to.
    """
    backends: Any = torch.backends
    # The older switches, too: where they contradict the newer ones, whoever asks for them gets an error.
    backends.cudnn.allow_tf32 = backends.cuda.matmul.allow_tf32 = False
    for operations in (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        operations.fp32_precision = "ieee"
