from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avcer.faces import detect
from avcer.faces.detect import Detector, DetectorOptions
from avcer.models.runtime import load_engine
from avcer.models.store import find
from avcer.types import Face, Float, Image
from fakes import card

CARD = replace(card("detector", (), mean=[104, 117, 123], scale=1.0), architecture="retinaface-mobilenet0.25")


class FakeEngine:
    """Says that the priors numbered ``sure`` are faces with the scores given, exactly where they stand."""

    def __init__(self, sure: dict[int, float]) -> None:
        self.sure, self.given = sure, np.empty(0, np.float32)

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        self.given = batch
        count = len(detect.priors(*batch.shape[2:]))
        scores = np.zeros((len(batch), count, 2), np.float32)
        for prior, score in self.sure.items():
            scores[:, prior, 1] = score
        return np.zeros((len(batch), count, 4), np.float32), scores, np.zeros((len(batch), count, 10), np.float32)


def black(height: int, width: int) -> Image:
    return np.zeros((height, width, 3), np.uint8)


def test_priors_stand_on_cells_row_by_row() -> None:
    anchors = detect.priors(20, 36)
    # 3x5 cells at stride 8, 2x3 at 16, 1x2 at 32, two priors each
    assert anchors.shape == (2 * (15 + 6 + 2), 4)
    assert anchors[:3].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32], [12, 4, 16, 16]]
    assert anchors[10].tolist() == [4, 12, 16, 16]
    assert anchors[30:32].tolist() == [[8, 8, 64, 64], [8, 8, 128, 128]]
    assert anchors[-1].tolist() == [48, 16, 512, 512]


def test_boxes_and_landmarks_decode_by_hand() -> None:
    anchors = np.array([[100, 50, 32, 32]], np.float32)
    offsets = np.array([[2.5, -5, 5 * np.log(2), 0]], np.float32)
    # the centre moves by 0.1 * offset * 32 to (108, 34); the width doubles
    np.testing.assert_allclose(detect.decode_boxes(offsets, anchors), [[76, 18, 140, 50]], atol=1e-4)
    # of one that is no square, the width counts to the side and the height upwards
    flat, offsets = np.array([[100, 50, 20, 40]], np.float32), np.array([[1, 1, 0, 5 * np.log(3)]], np.float32)
    np.testing.assert_allclose(detect.decode_boxes(offsets, flat), [[92, -6, 112, 114]], atol=1e-4)
    landmarks = np.tile(np.array([[10, -10]], np.float32), 5)
    np.testing.assert_allclose(detect.decode_landmarks(landmarks, anchors), [[[132, 18]] * 5], atol=1e-4)


def test_suppression_counts_pixels_inclusively() -> None:
    first, score = [0, 0, 9, 9], np.array([0.9, 0.8], np.float32)
    # counted inclusively, both are 10 x 10 and share 5 x 10 or 6 x 10: IoU 0.333 and 0.429
    assert detect.suppress(np.array([first, [5, 0, 14, 9]], np.float32), score) == [0, 1]
    assert detect.suppress(np.array([first, [4, 0, 13, 9]], np.float32), score) == [0]
    assert detect.suppress(np.array([[0, 0, 3, 3], [2, 0, 5, 3]], np.float32), score) == [0, 1]  # 4 x 4 pixels: 0.333
    # not counted so, these share 5 x 9 of 9 x 9 each: IoU 0.385, which would be kept
    assert detect.SAME_FACE_IOU > 45 / (81 + 81 - 45)


def test_suppression_puts_the_best_first() -> None:
    boxes = np.array([[0, 0, 9, 9], [100, 0, 109, 9], [1, 0, 10, 9]], np.float32)
    assert detect.suppress(boxes, np.array([0.8, 0.85, 0.9], np.float32)) == [2, 1]
    assert detect.suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) == []


def test_boxes_come_back_in_pixels_of_the_whole_picture() -> None:
    engine = FakeEngine({1: 0.9})
    (face,) = Detector(CARD, engine, DetectorOptions(longest_side=320)).detect(black(360, 1280))
    assert engine.given.shape == (1, 3, 90, 320)
    np.testing.assert_allclose(face.box, [-48, -48, 80, 80])
    np.testing.assert_allclose(face.landmarks, [[16, 16]] * 5)


@pytest.mark.parametrize("longest_side", [0, 640, 100])
def test_a_picture_is_never_enlarged(longest_side: int) -> None:
    engine = FakeEngine({})
    Detector(CARD, engine, DetectorOptions(longest_side)).detect(black(60, 100))
    assert engine.given.shape == (1, 3, 60, 100)


def test_a_very_narrow_picture_keeps_a_pixel() -> None:
    assert detect.reduce(black(2000, 1), 640).shape == (640, 1, 3)


def test_unsure_and_small_faces_are_left_out() -> None:
    engine = FakeEngine({0: 0.9, 5: 0.85, 11: 0.79})  # sides 16, 32, 32
    image = black(64, 64)
    assert [face.score for face in Detector(CARD, engine).detect(image)] == pytest.approx([0.85])
    low = FakeEngine({112: 0.95})  # of side 16, at the left of the lowest row
    assert Detector(CARD, low).detect(image) == []
    everything = Detector(CARD, engine, DetectorOptions(min_score=0.5, least_side=0)).detect(image)
    assert [face.score for face in everything] == pytest.approx([0.9, 0.85, 0.79])


def test_the_mean_is_taken_off_in_bgr_order_and_then_scaled() -> None:
    engine = FakeEngine({})
    image = np.full((8, 8, 3), (110, 120, 130), np.uint8)
    Detector(CARD, engine).detect(image)
    assert engine.given[0, :, 0, 0].tolist() == [6, 3, 7]
    assert detect.network_input([image], [100, 100, 100], 0.5)[0, :, 0, 0].tolist() == [5, 10, 15]


def test_a_batch_gives_what_its_pictures_give() -> None:
    detector = Detector(CARD, FakeEngine({1: 0.9}))
    assert [len(faces) for faces in detector.detect_batch([black(64, 64)] * 3)] == [1, 1, 1]
    assert detector.detect_batch([]) == []


def test_detections_agree_with_the_released_implementation(shared: Path, golden: Path) -> None:
    torch = pytest.importorskip("torch")
    from avcer.models.networks import build

    network = build(CARD.architecture).eval()
    path = shared / "data" / "weights" / "retinaface_mobilenet0.25.pth"
    weights = torch.load(path, weights_only=True, map_location="cpu")
    network.load_state_dict({name.removeprefix("module."): tensor for name, tensor in weights.items()})

    def engine(batch: Float) -> tuple[Float, ...]:
        with torch.inference_mode():
            return tuple(output.numpy() for output in network(torch.from_numpy(batch)))

    detector = Detector(CARD, engine, DetectorOptions(longest_side=0, least_side=0))
    expected = np.load(golden / "detector.npz")
    for name in expected.files:
        found = detector.detect(read(golden / "frames" / f"{name}.png"))
        assert len(found) == len(expected[name])
        for face, (*box, score), landmarks in zip(found, expected[name][:, :5], expected[name][:, 5:], strict=True):
            np.testing.assert_allclose(face.box, box, atol=0.01)
            np.testing.assert_allclose(face.landmarks.ravel(), landmarks, atol=0.01)
            assert face.score == pytest.approx(score, abs=1e-4)


@pytest.fixture(scope="module")
def mini() -> Detector:
    model = find("mini", "detector")
    return Detector(model.card, load_engine(model, "cpu"))


@pytest.mark.parametrize(
    "clip",
    [
        "WolfgangLanger_Pexels.mp4",
        "face_noface.mov",
        "liveportrait_d13.mp4",
        "liveportrait_d14.mp4",
        "liveportrait_d20.mp4",
        "pcavs_00002.mp4",
        "sadtalker_1.mp4",
        "single_face.mp4",
    ],
)
def test_the_mini_detector_is_sure_of_the_one_face(clip: str, clips: Path, mini: Detector) -> None:
    assert len(sure(mini, mini.detect(frames(clips / clip, 1)[0]))) == 1


def test_the_mini_detector_is_sure_of_no_face_where_there_is_none(clips: Path, mini: Detector) -> None:
    found = mini.detect_batch(frames(clips / "no_face.mp4", 95)[::10])
    assert [len(sure(mini, faces)) for faces in found] == [0] * 10


def sure(detector: Detector, faces: list[Face]) -> list[Face]:
    """Those that may begin a track."""
    return [face for face in faces if face.score >= detector.begin_score]


def read(path: Path) -> Image:
    image = cv2.imread(str(path))
    assert image is not None, f"{path}: no picture"
    return image.astype(np.uint8)


def frames(path: Path, count: int) -> list[Image]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="bgr24") for frame, _ in zip(container.decode(video=0), range(count))]  # noqa: B905


def test_few_pictures_are_looked_at_at_once() -> None:
    """What is held in memory grows with their number; a processor is no faster for it."""
    sizes: list[int] = []

    class Counts(FakeEngine):
        def __call__(self, batch: Float) -> tuple[Float, ...]:
            sizes.append(len(batch))
            return super().__call__(batch)

    found = Detector(CARD, Counts({0: 0.9}), DetectorOptions(least_side=0)).detect_batch([black(60, 80)] * 7)
    assert [len(faces) for faces in found] == [1] * 7
    assert sizes == [3, 3, 1]


def test_boxes_beyond_all_bounds_are_no_faces() -> None:
    """A network that was never trained says such things; what comes after must not have to know."""

    class Wild(FakeEngine):
        def __call__(self, batch: Float) -> tuple[Float, ...]:
            offsets, scores, landmarks = super().__call__(batch)
            offsets[:, 0] = (0, 0, 1e4, np.nan)
            offsets[:, 1] = (1e9, 0, 0, 0)
            return offsets, scores, landmarks

    detector = Detector(CARD, Wild({0: 0.99, 1: 0.98, 40: 0.97}), DetectorOptions(least_side=0))
    assert [round(face.score, 2) for face in detector.detect(black(64, 64))] == [0.97]
