"""The published networks against what the released implementation computed, with the same stand-in weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avcer.models.networks import build

Weights = Callable[[str], dict[str, Tensor]]

CHECKPOINTS = {
    "retinaface-mobilenet0.25": "retinaface_mobilenet0.25",
    "retinaface-resnet50": "retinaface_resnet50",
    "emo-affectnet-resnet50": "static",
    "avcer-lstm": "dynamic",
    "avcer-wav2vec2-8": "audio_8cl_v3",
    "avcer-wav2vec2-7": "audio_7cl_v2",
}


@pytest.mark.parametrize("architecture", CHECKPOINTS)
def test_names_and_shapes_are_the_checkpoints_own(shared: Path, architecture: str) -> None:
    listed = json.loads((shared / "reference" / "manifests.json").read_text())[CHECKPOINTS[architecture]]
    with torch.device("meta"):
        tensors = build(architecture).state_dict()
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == {
        name: shape for name, (shape, _) in listed.items()
    }


@torch.no_grad()
def test_static(golden: Path, standin_weights: Weights) -> None:
    network = _network("emo-affectnet-resnet50", standin_weights("static"))
    expected = np.load(golden / "static.npz")
    faces = np.stack([_face(golden / "crops" / f"{index:02d}.png") for index in range(12)])
    np.testing.assert_array_equal(faces[:3, :, ::16, ::16], expected["input_first3_every16"])

    logits, features, heat = network(torch.from_numpy(faces))

    np.testing.assert_allclose(logits.softmax(1), expected["probabilities"], atol=1e-4)
    np.testing.assert_allclose(features, expected["features"], atol=1e-4)
    assert heat.shape == (12, 7, 7)


@torch.no_grad()
def test_dynamic(golden: Path, standin_weights: Weights) -> None:
    network = _network("avcer-lstm", standin_weights("dynamic"))
    expected = np.load(golden / "dynamic.npz")
    logits = network(torch.from_numpy(expected["windows"]))
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)


def _network(architecture: str, weights: dict[str, Tensor]) -> nn.Module:
    network = build(architecture)
    network.load_state_dict(weights)
    return network.eval()


def _face(path: Path) -> NDArray[np.float32]:
    """The preparation of the released code, spelled out with Pillow."""
    from PIL import Image

    rgb = Image.fromarray(cv2.imread(str(path))[:, :, ::-1]).resize((224, 224), Image.Resampling.NEAREST)
    bgr = np.asarray(rgb, np.float32)[:, :, ::-1] - np.array((91.4953, 103.8827, 131.0912), np.float32)
    return np.ascontiguousarray(bgr.transpose(2, 0, 1))
