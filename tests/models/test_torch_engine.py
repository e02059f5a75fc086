"""The engine of the GPU, on PyTorch's device ``cpu``, and on a GPU where there is one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.errors import ModelError
from avcer.faces.detect import Detector, DetectorOptions, network_input
from avcer.models import torch_engine
from avcer.models.card import ROLES, Role
from avcer.models.checkpoints import CHECKPOINTS
from avcer.models.preparation import Scaling
from avcer.models.runtime import OpenVINOEngine, load_engine
from avcer.models.store import InstalledModel, find
from avcer.models.torch_engine import TorchEngine
from avcer.types import Float, Image

SHAPES: dict[Role, tuple[int, ...]] = {
    "detector": (3, 90, 160),
    "static": (1, 48, 48),
    "dynamic": (10, 192),
    "audio": (67, 266),
}
NEAR = {"cpu": 1e-5, "cuda": 1e-4}
"""How near float32 on a device comes to the processor's, of 1 or in proportion."""


@pytest.fixture(
    params=["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]
)
def device(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_engine, "_has_bfloat16", lambda _: True)


def pictures(count: int, height: int = 90, width: int = 160, channels: int = 3) -> Image:
    random = np.random.default_rng(count)
    return random.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def arrays(role: Role, count: int) -> Float:
    return np.random.default_rng(count).random((count, *SHAPES[role]), np.float32)


def near(ours: tuple[Float, ...], theirs: tuple[Float, ...], limit: float) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=limit, rtol=limit)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("count", [1, 5])
def test_both_engines_agree_on_arrays(role: Role, count: int, device: str) -> None:
    model, batch = find("mini", role), arrays(role, count)
    near(TorchEngine(model, "float32", device)(batch), OpenVINOEngine(model, "float32")(batch), NEAR[device])


def test_pixels_of_frames_are_prepared_on_the_device(device: str) -> None:
    model, frames = find("mini", "detector"), pictures(3)
    prepared = network_input(frames, model.card.preprocessing["mean"], model.card.preprocessing["scale"])
    near(TorchEngine(model, "float32", device)(frames), OpenVINOEngine(model, "float32")(prepared), NEAR[device])


def test_pixels_of_faces_are_prepared_on_the_device(device: str) -> None:
    model, faces = find("mini", "static"), pictures(3, 48, 48, 1)
    prepared = faces.transpose(0, 3, 1, 2) / np.float32(255)
    near(TorchEngine(model, "float32", device)(faces), OpenVINOEngine(model, "float32")(prepared), NEAR[device])


def test_the_stations_say_the_same_with_either_engine(device: str) -> None:
    model, face = find("mini", "static"), pictures(1, 80, 60)[0]
    ours, theirs = (
        StaticModel(model.card, engine)
        for engine in (TorchEngine(model, "float32", device), OpenVINOEngine(model, "float32"))
    )
    pixels, prepared = ours.prepare_face(face), theirs.prepare_face(face)
    assert (pixels.shape, pixels.dtype) == ((48, 48, 1), np.uint8)
    assert (prepared.shape, prepared.dtype) == ((1, 48, 48), np.float32)
    one, other = ours.predict(pixels[None]), theirs.predict(prepared[None])
    near((one.features, ours.heatmaps(pixels[None])), (other.features, theirs.heatmaps(prepared[None])), NEAR[device])
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=NEAR[device])


def test_the_detector_sends_reduced_pixels() -> None:
    class Remembers:
        takes_pixels = True

        def __call__(self, batch: Any) -> Any:
            self.batch = batch
            count = 2 * (20 * 12 + 10 * 6 + 5 * 3)
            return tuple(np.zeros((len(batch), count, width), np.float32) for width in (4, 2, 10))

    engine = Remembers()
    detector = Detector(find("mini", "detector").card, engine, DetectorOptions(longest_side=160))
    assert detector.detect_batch(list(pictures(2, 180, 320))) == [[], []]
    assert (engine.batch.shape, engine.batch.dtype) == ((2, 90, 160, 3), np.uint8)


@pytest.mark.parametrize("role", ["detector", "static"])
def test_mean_and_scale_are_those_of_the_stations(role: Role) -> None:
    """What the card says, against the preparation on the processor."""
    cards = [find("mini", role).card, *(one.card for one in CHECKPOINTS if one.card.role == role)]
    for card in cards:
        scaling = Scaling.of_card(card)
        if role == "detector":
            pixels = pictures(1)[0]
            prepared = network_input([pixels], card.preprocessing["mean"], card.preprocessing["scale"])[0]
        else:
            size, channels = card.inputs[2], card.inputs[1]
            pixels = pictures(1, int(size), int(size), 3)[0]
            pixels[...] = pixels[..., :channels]  # grey where the network is
            prepared = StaticModel(card, lambda batch: (batch,)).prepare_face(pixels)
            pixels = pixels[..., :channels]
        as_on_device = (pixels.astype(np.float32) - np.array(scaling.mean, np.float32)) * np.float32(scaling.scale)
        np.testing.assert_allclose(as_on_device.transpose(2, 0, 1), prepared, atol=1e-6)


@pytest.mark.usefixtures("with_bfloat16")
@pytest.mark.parametrize("role", ["detector", "static"])
def test_weights_are_halved_once_and_norms_are_not(role: Role, device: str) -> None:
    model = find("mini", role)
    engine = TorchEngine(model, "default", device)
    kinds = {
        type(layer).__name__: layer.weight.dtype for layer in engine._network.modules() if hasattr(layer, "weight")
    }
    assert kinds.pop("BatchNorm2d") == torch.float32
    assert set(kinds.values()) == {torch.bfloat16}
    batch = pictures(3) if role == "detector" else pictures(3, 48, 48, 1)
    exact = TorchEngine(model, "float32", device)(batch)
    for half, full in zip(engine(batch), exact, strict=True):
        assert half.dtype == np.float32
        assert 0 < np.abs(half - full).max() < 0.05 * np.abs(full).max()


@pytest.mark.usefixtures("with_bfloat16")
@pytest.mark.parametrize("role", ["dynamic", "audio"])
def test_recurrent_networks_stay_in_float32(role: Role) -> None:
    model, batch = find("mini", role), arrays(role, 3)
    near(TorchEngine(model, "default", "cpu")(batch), TorchEngine(model, "float32", "cpu")(batch), 0)


@pytest.mark.usefixtures("with_bfloat16")
def test_float32_is_float32_where_there_is_bfloat16() -> None:
    engine = TorchEngine(find("mini", "static"), "float32", "cpu")
    assert {weight.dtype for weight in engine._network.parameters()} == {torch.float32}


def test_float32_means_no_tf32() -> None:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    TorchEngine(find("mini", "dynamic"), "float32", "cpu")
    backends: Any = torch.backends
    assert {one.fp32_precision for one in (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul)} == {"ieee"}
    assert not torch.backends.cudnn.allow_tf32  # which other code may ask for
    assert not torch.backends.cuda.matmul.allow_tf32


def test_normalised_weights_are_worked_out_once() -> None:
    torch.manual_seed(0)
    network, sound = nn.Sequential(weight_norm(nn.Conv1d(2, 3, 5)), nn.ReLU()), torch.randn(1, 2, 20)
    before = network(sound)
    torch_engine._fix_weights(network)
    assert [name for name, _ in network.named_parameters()] == ["0.bias", "0.weight"]
    assert torch.equal(network(sound), before)


class Small(nn.Module):
    """A network on a device whose memory holds two items."""

    def __init__(self, network: nn.Module, holds: int = 2) -> None:
        super().__init__()
        self.network, self.holds = network, holds
        self.sizes: list[int] = []

    def forward(self, batch: Tensor) -> Any:
        self.sizes.append(len(batch))
        if len(batch) > self.holds:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return self.network(batch)


@pytest.fixture
def engine() -> TorchEngine:
    return TorchEngine(find("mini", "static"), "float32", "cpu")


def test_any_number_of_items_goes_in_calls_of_a_batch(engine: TorchEngine) -> None:
    faces = pictures(8, 48, 48, 1)
    whole = engine(faces)
    engine.batch, engine._network = 3, Small(engine._network, holds=3)
    near(engine(faces), whole, 1e-6)
    assert engine._network.sizes == [3, 3, 2]


def test_where_memory_is_short_the_batch_is_halved_for_good(engine: TorchEngine) -> None:
    faces = pictures(7, 48, 48, 1)
    whole = engine(faces)
    engine._network = Small(engine._network)
    near(engine(faces), whole, 1e-6)
    assert engine._network.sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert engine.batch == 1
    near(engine(faces[:2]), tuple(output[:2] for output in whole), 1e-6)
    assert max(engine._network.sizes[9:]) == 1


def test_an_item_that_memory_does_not_hold_is_one_line(engine: TorchEngine) -> None:
    engine._network = Small(engine._network, holds=0)
    with pytest.raises(ModelError, match="too large for the memory of the GPU; choose --device cpu") as caught:
        engine(pictures(4, 48, 48, 1))
    assert "\n" not in str(caught.value)


def test_the_stations_ask_for_the_batch_of_the_engine() -> None:
    class Wide:
        batch = 100

        def __init__(self) -> None:
            self.sizes: list[int] = []

        def __call__(self, batch: Any) -> Any:
            self.sizes.append(len(batch))
            return np.zeros((len(batch), 7), np.float32), np.zeros((len(batch), 2), np.float32)

    wide = Wide()
    StaticModel(find("mini", "static").card, wide).predict(np.zeros((150, 1, 48, 48), np.float32))
    DynamicModel(find("mini", "dynamic").card, wide).predict(np.zeros((150, 10, 2), np.float32))
    assert wide.sizes == [100, 50, 100, 50]


def test_cuda_is_this_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(torch_engine, "TorchEngine", lambda *given: made.append(given))
    model = find("mini", "static")
    load_engine(model, "cuda", "float32")
    assert made == [(model, "float32", "cuda")]


def test_weights_of_another_network_are_refused(written: InstalledModel) -> None:
    foreign = InstalledModel(replace(written.card, architecture="emo-affectnet-resnet50"), written.folder)
    with pytest.raises(ModelError, match="does not fit the network"):
        TorchEngine(foreign, "float32", "cpu")


def test_calls_of_several_threads_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving the batch and going on is not for two threads at once, and one call fills a device."""
    engine = TorchEngine(find("mini", "dynamic"), "float32", "cpu")
    inside: list[bool] = []
    run = engine._run

    def watched(batch: Any) -> tuple[Float, ...]:
        assert not inside
        inside.append(True)
        time.sleep(0.002)
        outputs = run(batch)
        inside.clear()
        return outputs

    monkeypatch.setattr(engine, "_run", watched)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(engine, [arrays("dynamic", 1)] * 8))) == 8
