"""The roof: how fast this processor multiplies matrices, measured with the library that also runs the models."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from avcer.models.core import openvino_core
from avcer.models.engine import Precision

SIDE: Final = 2048
"""Of the square matrices: too large for the inner caches, as the large layers of the networks are."""
DEPTH: Final = 2
"""Products in a row, so that the way in and out of the model hardly counts."""
MOST_RUNS: Final = 12
MOST_S: Final = 3.0


@dataclass(frozen=True)
class Machine:
    """A processor: its name, how many threads OpenVINO starts on it, and its matrix rates in GFLOP a second.

    ``rates``: by the number format in which OpenVINO computes, always ``float32``, and ``bfloat16`` (or another short
    format) where the processor has it, and ``int8``; ``default`` names the one that it takes when left to itself.
    """

    processor: str
    threads: int
    default: str
    rates: dict[str, float]

    def format_of(self, precision: Precision) -> str:
        """The number format behind a precision of an analysis."""
        return "float32" if precision == "float32" else self.default

    def best(self, again: Machine) -> Machine:
        """The same machine, measured twice: other work can only make it look slower."""
        return replace(self, rates={name: max(rate, again.rates[name]) for name, rate in self.rates.items()})

    def as_dict(self) -> dict[str, Any]:
        """For a document."""
        return asdict(self)


def measure(side: int = SIDE) -> Machine:
    """Measures this machine's rates with square matrices of that side; takes a few seconds."""
    core = openvino_core()
    rates: dict[str, float] = {}
    default, threads = "float32", 1
    for hints in ({"INFERENCE_PRECISION_HINT": "f32"}, {}):
        compiled = core.compile_model(_products(side), "CPU", hints)
        default = str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
        default = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}.get(default, default)
        threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        if default not in rates:
            rates[default] = 2 * DEPTH * side**3 / _fastest_s(compiled, side) / 1e9
    in_int8 = core.compile_model(_products(side, whole=True), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rates["int8"] = 2 * DEPTH * side**3 / _fastest_s(in_int8, side) / 1e9
    return Machine(str(core.get_property("CPU", "FULL_DEVICE_NAME")), threads, default, rates)


def _products(side: int, whole: bool = False) -> Any:
    """``(side, side)`` multiplied with ``DEPTH`` matrices, one after the other; ``whole``: of numbers that OpenVINO can
    multiply in int8.
    """
    import openvino
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    entry = ops.parameter([side, side], np.float32)
    value = entry
    for _ in range(DEPTH):
        matrix = random.standard_normal((side, side), np.float32) / np.float32(side**0.5)
        weights = ops.constant(matrix)
        if whole:
            value, weights = _rounded(value), _rounded(weights)
        value = ops.matmul(value, weights, False, False)
    return openvino.Model([value], [entry], "products")


def _rounded(value: Any) -> Any:
    """To the multiples of 0.04 from -5.12 to 5.08, which are the whole numbers of eight bits."""
    from openvino import opset13 as ops

    low, high = np.array(-5.12, np.float32), np.array(5.08, np.float32)
    return ops.fake_quantize(value, low, high, low, high, 256)


def _fastest_s(compiled: Any, side: int) -> float:
    """The shortest of several runs, in seconds: what the machine can do, not what it does beside other work."""
    request = compiled.create_infer_request()
    matrix = np.random.default_rng(1).standard_normal((side, side), np.float32)
    request.infer([matrix], share_inputs=True)
    taken: list[float] = []
    while len(taken) < MOST_RUNS and sum(taken) < MOST_S:
        started = time.perf_counter()
        request.infer([matrix], share_inputs=True)
        taken.append(time.perf_counter() - started)
    return min(taken)
