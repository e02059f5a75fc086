from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import fakes
from avcer.emotion.crops import resize_nearest
from avcer.emotion.static import StaticModel, overlay
from avcer.labels import BASIC, VISUAL
from avcer.models.runtime import load_engine
from avcer.models.store import find
from avcer.types import Float, Image

IN_VISUAL_ORDER = [BASIC.index(emotion) for emotion in VISUAL]


card = partial(fakes.card, "static")


def picture(height: int, width: int) -> Image:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def box(*corners: float) -> Float:
    return np.array(corners, np.float32)


class FakeEngine:
    """Logits 0 to 6, features -1 and 1, a heat map whose peak is 4; remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        self.batches.append(len(batch))
        logits = np.tile(np.arange(7, dtype=np.float32), (len(batch), 1))
        features = np.tile(np.array([-1, 1], np.float32), (len(batch), 1))
        heat = np.tile(np.array([[0, 1], [2, 4]], np.float32), (len(batch), 1, 1))
        return logits, features, heat


@pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 61), (224, 224), (301, 199), (1080, 17)])
def test_nearest_neighbour_chooses_pillows_pixels(height: int, width: int) -> None:
    image = picture(height, width)
    expected = np.asarray(Pillow.fromarray(image).resize((224, 224), Pillow.Resampling.NEAREST))
    assert np.array_equal(resize_nearest(image, 224), expected)


def test_published_preparation_is_bgr_minus_the_mean() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[...] = (10, 20, 30)
    prepared = StaticModel(card(VISUAL), FakeEngine()).prepare(image, box(10, 10, 60, 80))
    assert prepared is not None
    assert prepared.shape == (3, 224, 224)
    assert prepared.dtype == np.float32
    assert prepared[:, 0, 0].tolist() == pytest.approx([10 - 91.4953, 20 - 103.8827, 30 - 131.0912], abs=1e-4)


def test_mini_preparation_is_grey_and_square() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    prepared = StaticModel(card(size=48, margin=0.1), FakeEngine()).prepare(image, box(10, 10, 60, 80))
    assert prepared is not None
    assert prepared.shape == (1, 48, 48)
    assert prepared.dtype == np.float32
    assert np.allclose(prepared, 1)


@pytest.mark.parametrize("preprocessing", [{}, {"size": 48, "margin": 0.0}])
@pytest.mark.parametrize("corners", [(20, 20, 20, 20), (300, 300, 400, 400), (-50, -50, -10, -10)])
def test_nothing_to_see_is_none(preprocessing: dict[str, float], corners: tuple[float, ...]) -> None:
    model = StaticModel(card(**preprocessing), FakeEngine())
    assert model.prepare(picture(100, 120), box(*corners)) is None
    assert model.picture(picture(100, 120), box(*corners)) is None


@pytest.mark.parametrize("preprocessing", [{}, {"size": 48, "margin": 0.0}])
def test_the_picture_is_what_the_network_sees(preprocessing: dict[str, float]) -> None:
    model = StaticModel(card(**preprocessing), FakeEngine())
    image = cv2.GaussianBlur(picture(300, 300), (0, 0), 15)
    seen = model.picture(image, box(50, 60, 250, 270))
    prepared = model.prepare(image, box(50, 60, 250, 270))
    assert seen is not None
    assert prepared is not None
    assert seen.shape == (224, 224, 3)
    assert np.allclose(model.prepare_face(seen), prepared, atol=0.02 if preprocessing else 3)


def test_predict_orders_classes_and_cuts_batches() -> None:
    engine = FakeEngine()
    output = StaticModel(card(VISUAL), engine).predict(np.zeros((37, 3, 4, 4), np.float32))
    assert max(engine.batches) <= 16
    assert output.probabilities.shape == (37, 7)
    assert np.allclose(output.probabilities.sum(axis=1), 1)
    assert np.argsort(output.probabilities[0]).tolist() == IN_VISUAL_ORDER
    assert output.features.tolist() == [[0, 1]] * 37


def test_heatmaps_reach_one() -> None:
    heat = StaticModel(card(), FakeEngine()).heatmaps(np.zeros((2, 1, 4, 4), np.float32))
    assert heat.tolist() == [[[0, 0.25], [0.5, 1]]] * 2


def test_a_map_of_zeros_stays_one() -> None:
    class Cold(FakeEngine):
        def __call__(self, batch: Float) -> tuple[Float, ...]:
            logits, features, heat = super().__call__(batch)
            return logits, features, heat * 0

    assert np.all(StaticModel(card(), Cold()).heatmaps(np.zeros((1, 1, 4, 4), np.float32)) == 0)


def test_an_overlay_is_red_where_the_heat_is() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[3, 5] = 1
    drawn = overlay(np.full((70, 70, 3), 100, np.uint8), heat)
    blue, _, red = drawn[35, 55].astype(int)
    assert red > blue
    blue, _, red = drawn[5, 5].astype(int)
    assert blue > red


def test_golden_published_model(golden: Path, stand_in) -> None:  # type: ignore[no-untyped-def]
    reference = np.load(golden / "static.npz")
    engine = stand_in("static", "emo-affectnet-resnet50")
    model = StaticModel(card(VISUAL), engine)
    faces = [cv2.imread(str(path)) for path in sorted((golden / "crops").glob("*.png"))]
    batch = np.stack([model.prepare_face(face) for face in faces])
    assert np.array_equal(batch[:3, :, ::16, ::16], reference["input_first3_every16"])

    output = model.predict(batch)
    assert np.abs(output.probabilities[:, IN_VISUAL_ORDER] - reference["probabilities"]).max() < 1e-3
    assert np.abs(output.features - np.maximum(reference["features"], 0)).max() < 1e-3
    assert np.abs(engine(batch[:3])[1] - reference["features"][:3]).max() < 1e-3

    for face, heat, expected in zip(faces[:3], model.heatmaps(batch[:3]), reference["heatmap_first3"], strict=True):
        as_released = overlay(cv2.resize(face, (224, 224))[..., ::-1], heat)  # RGB picture under BGR colours
        close = np.abs(as_released.astype(int) - expected.astype(int)).max(axis=2) <= 2
        assert close.mean() > 0.99


def test_the_shipped_model_is_far_better_than_chance(shared: Path) -> None:
    from pyarrow import parquet

    model = find("mini", "static")
    static = StaticModel(model.card, load_engine(model, "cpu"))
    table = parquet.read_table(shared / "data" / "faces" / "ferplus-00.parquet").to_pylist()
    rows = [row for row in table if row["split"] == "valid" and max(row[name.lower()] for name in BASIC) > 5][:300]
    faces = [cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_COLOR) for row in rows]
    output = static.predict(np.stack([static.prepare_face(face) for face in faces]))
    labels = np.array([np.argmax([row[name.lower()] for name in BASIC]) for row in rows])
    assert np.allclose(output.probabilities.sum(axis=1), 1)
    assert np.mean(output.probabilities.argmax(axis=1) == labels) > 0.8
