"""How much arithmetic a model is: the multiplications and additions of its graph, counted at a given input shape.

Counted are convolutions, matrix products and recurrent layers, where nearly all of it happens; a multiply-add is two
operations, as it is for the machine's rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np

from avcer.faces.detect import reduce
from avcer.models.card import ModelCard
from avcer.models.core import openvino_core
from avcer.models.store import InstalledModel

_RECURRENT: Final = {"LSTMSequence": 4, "GRUSequence": 3, "RNNSequence": 3, "LSTMCell": 3, "GRUCell": 2, "RNNCell": 2}
"""Operation -> which of its inputs are the weights of what comes in; those of the state follow."""


def gflop(model: InstalledModel, shape: Sequence[int]) -> float:
    """GFLOP of one call of a model with an input of that shape."""
    graph = openvino_core().read_model(model.graph)
    graph.reshape(list(shape))
    return gflop_of(graph)


def gflop_of(graph: Any) -> float:
    """GFLOP of one run of an OpenVINO model whose shapes are all known."""
    return 2 * sum(_multiply_adds(node) for node in graph.get_ordered_ops()) / 1e9


def input_shape(card: ModelCard, size: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    """The shape of one item: ``card.inputs`` with one in the batch, and ``size`` (height, width) for open sides."""
    height, width = size
    lengths = {"N": 1, "H": height, "W": width}
    return tuple(lengths[axis] if isinstance(axis, str) else axis for axis in card.inputs)


def detector_size(height: int, width: int, longest_side: int) -> tuple[int, int]:
    """Height and width at which the detector sees frames of that size."""
    rows, columns = reduce(np.empty((height, width, 3), np.uint8), longest_side).shape[:2]
    return rows, columns


def _multiply_adds(node: Any) -> int:
    kind = node.get_type_name()
    if kind in ("Convolution", "GroupConvolution"):
        # Weights are (out, in, ..), with groups (groups, out, in, ..): an output value takes one filter of them.
        weights = _shape(node, 1)
        return prod(_out(node)) * prod(weights[1 if kind == "Convolution" else 2 :])
    if kind in ("ConvolutionBackpropData", "GroupConvolutionBackpropData"):
        weights = _shape(node, 1)
        return prod(_shape(node, 0)) * prod(weights[1 if kind == "ConvolutionBackpropData" else 2 :])
    if kind == "MatMul":
        shape = _shape(node, 0)
        return prod(_out(node)) * shape[-2 if node.get_attributes()["transpose_a"] else -1]
    if kind in _RECURRENT:
        return _recurrent(node, kind)
    return 0


def _recurrent(node: Any, kind: str) -> int:
    """Every step multiplies all weights once; those of both directions are in one array."""
    batch, *rest = _shape(node, 0)
    steps = rest[0] if kind.endswith("Sequence") else 1
    place = _RECURRENT[kind]
    return batch * steps * (prod(_shape(node, place)) + prod(_shape(node, place + 1)))


def _shape(node: Any, place: int) -> tuple[int, ...]:
    return tuple(int(length) for length in node.input(place).get_shape())


def _out(node: Any) -> tuple[int, ...]:
    return tuple(int(length) for length in node.output(0).get_shape())
