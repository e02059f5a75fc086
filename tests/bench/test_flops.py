"""Counted arithmetic, against counts by hand and by PyTorch's own counter."""

from __future__ import annotations

from math import prod

import numpy as np
import openvino
import pytest
import torch
from openvino import opset13 as ops
from torch.utils.flop_counter import FlopCounterMode

from avcer.bench.flops import detector_size, gflop, gflop_of, input_shape
from avcer.models.networks import build
from avcer.models.store import find


def weights(*shape: int) -> openvino.Node:
    return ops.constant(np.zeros(shape, np.float32))


def counted(result: openvino.Node, entry: openvino.Node) -> int:
    return round(gflop_of(openvino.Model([result], [entry], "made")) * 1e9)


def test_a_convolution_by_hand() -> None:
    entry = ops.parameter([2, 3, 8, 6], np.float32)
    result = ops.convolution(entry, weights(5, 3, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1])
    assert counted(result, entry) == 2 * (2 * 5 * 4 * 3) * (3 * 3 * 3)


def test_a_convolution_in_groups_by_hand() -> None:
    entry = ops.parameter([1, 4, 8, 8], np.float32)
    result = ops.group_convolution(entry, weights(2, 3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    assert counted(result, entry) == 2 * (6 * 8 * 8) * (2 * 3 * 3)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_matrix_product_by_hand(transposed: bool) -> None:
    entry = ops.parameter([7, 11, 5] if transposed else [7, 5, 11], np.float32)
    result = ops.matmul(entry, weights(11, 13), transposed, False)
    assert counted(result, entry) == 2 * 7 * 5 * 11 * 13


def test_recurrent_layers_by_hand() -> None:
    """The mini dynamic model: a layer at each of ten steps, a GRU of three gates, a layer over both at each step."""
    model = find("mini", "dynamic")
    by_hand = 10 * (192 * 64 + 3 * 96 * (64 + 96) + (96 + 64) * 7)
    assert round(gflop(model, (1, 10, 192)) * 1e9) == 2 * by_hand
    assert gflop(model, (3, 10, 192)) == pytest.approx(3 * gflop(model, (1, 10, 192)))


@pytest.mark.parametrize("role", ["detector", "static"])
def test_the_shipped_networks_as_pytorch_counts_them(role: str) -> None:
    model = find("mini", role)  # type: ignore[arg-type]
    shape = input_shape(model.card, (96, 160))
    network = build(model.card.architecture).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(shape))
    assert gflop(model, shape) == pytest.approx(counter.get_total_flops() / 1e9, rel=0.01)


def test_shapes() -> None:
    assert input_shape(find("mini", "detector").card, (360, 640)) == (1, 3, 360, 640)
    assert prod(input_shape(find("mini", "audio").card)) == 67 * 266
    assert detector_size(720, 1280, 640) == (360, 640)
    assert detector_size(720, 1280, 0) == (720, 1280)
