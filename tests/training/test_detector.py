from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

from avcer.errors import InputError  # noqa: E402
from avcer.evaluation.tables.detection import Scene  # noqa: E402
from avcer.faces.detect import Detector, decode_boxes, decode_landmarks, priors  # noqa: E402
from avcer.models.card import ModelCard  # noqa: E402
from avcer.models.runtime import load_engine  # noqa: E402
from avcer.models.store import InstalledModel  # noqa: E402
from avcer.training import detector, scenes  # noqa: E402
from avcer.training.loop import Plan  # noqa: E402
from avcer.types import Float  # noqa: E402

PLAN = Plan.read(detector.RECIPE)
TINY = replace(
    PLAN, epochs=2, batch_size=4, bfloat16=False,
    options={**PLAN.options, "side": 64, "validation_share": 0.3},
)  # fmt: skip


def drawn_scene(number: int) -> Scene:
    """A disc with two eyes, or nothing, on noise."""
    random = np.random.default_rng(number)
    image = random.integers(0, 80, (90, 120, 3), np.uint8)
    faces = np.zeros((0, 15), np.float32)
    if number % 4:
        x, y, r = (int(value) for value in random.integers((40, 40, 20), (80, 50, 30)))
        cv2.circle(image, (x, y), r, (150, 180, 220), -1)
        points = [
            (x - r / 3, y - r / 3),
            (x + r / 3, y - r / 3),
            (x, y),
            (x - r / 3, y + r / 2),
            (x + r / 3, y + r / 2),
        ]
        for eye_x, eye_y in points[:2]:
            cv2.circle(image, (int(eye_x), int(eye_y)), r // 6, (0, 0, 0), -1)
        faces = np.array([[x - r, y - r, x + r, y + r, 0.99, *np.ravel(points)]], np.float32)
    return Scene(f"drawn/{number}", "drawn", cv2.imencode(".jpg", image)[1].tobytes(), faces)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"name": scene.name, "source": scene.source, "image": scene.encoded, "boxes": scene.faces.tolist()}
        for scene in map(drawn_scene, range(24))
    ]
    path = tmp_path_factory.mktemp("detector") / "scenes.parquet"
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    return path


def test_frames_of_a_clip_stay_on_one_side() -> None:
    for clip in range(50):
        sides = {
            scenes.is_validation(Scene(f"clip-{clip}.mp4#{frame:05}", "clips", b"", np.zeros((0, 15))), 0.5)
            for frame in range(0, 60, 15)
        }
        assert len(sides) == 1


def test_the_split_has_its_share() -> None:
    kept = [scenes.is_validation(Scene(f"{name}.jpg", "made", b"", np.zeros((0, 15))), 0.08) for name in range(4000)]
    assert np.mean(kept) == pytest.approx(0.08, abs=0.02)


def test_pictures_whose_face_the_teacher_missed_are_left_out() -> None:
    nothing, something = np.zeros((0, 15), np.float32), np.zeros((1, 15), np.float32)
    assert not scenes.is_trainable(Scene("a", scenes.MISSED_FACES_SOURCE, b"", nothing))
    assert scenes.is_trainable(Scene("a", scenes.MISSED_FACES_SOURCE, b"", something))
    assert scenes.is_trainable(Scene("a", "elsewhere", b"", nothing))


def test_a_mirrored_face_keeps_its_left_eye_left() -> None:
    face = np.array([[10, 0, 30, 20, 14, 5, 26, 6, 20, 10, 15, 15, 25, 16]], np.float32)
    expected = [[70, 0, 90, 20, 74, 6, 86, 5, 80, 10, 75, 16, 85, 15]]
    assert scenes.mirror(face, 100).tolist() == expected
    assert scenes.mirror(scenes.mirror(face, 100), 100).tolist() == face.tolist()


def test_a_sample_depends_on_seed_epoch_and_index_only() -> None:
    pictures = [drawn_scene(number) for number in range(8)]
    first, again, other = (scenes.AugmentedScenes(pictures, PLAN.options, 1, epoch)[3].image for epoch in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_boxes_stay_on_the_faces_of_augmented_pictures() -> None:
    """The disc is much brighter than the noise around it, wherever it went."""
    options = {**PLAN.options, "mosaic": 0.5, "background": 0, "scale": [0.5, 1.2], "mosaic_scale": [0.5, 0.7]}
    pictures = scenes.AugmentedScenes([drawn_scene(number) for number in (1, 2, 3, 5)], options, 0, 0)
    samples = [pictures[index] for index in range(4)]
    assert sum(sample.sure for sample in samples) >= 4
    for sample in samples:
        for box in sample.faces[: sample.sure, :4]:
            x, y = ((box[:2] + box[2:]) / 2).astype(int)
            radius = (box[2] - box[0]) / 2
            middle = sample.image[y, x].astype(float).mean()
            rim = sample.image[y, np.clip(int(x + 1.15 * radius), 0, 255)].astype(float).mean()
            assert middle != pytest.approx(rim, abs=1), (box, middle, rim)


def sized(x: float, y: float, side: float) -> Float:
    points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]) * side + (x, y)
    return np.array([x, y, x + side, y + side, *points.ravel()], np.float32)


def test_targets_decode_to_the_faces_they_came_from() -> None:
    anchors, face = priors(128, 128), sized(20, 30, 40)
    classes, boxes, landmarks = detector.assign(face[None], 1, anchors)
    matched = classes == detector.FACE
    assert matched.sum() > 1
    np.testing.assert_allclose(decode_boxes(boxes[matched], anchors[matched]), [face[:4]] * matched.sum(), atol=1e-3)
    points = decode_landmarks(landmarks[matched], anchors[matched])
    np.testing.assert_allclose(points, [face[4:].reshape(5, 2)] * matched.sum(), atol=1e-3)


def test_every_face_has_a_prior_and_doubtful_ones_teach_nothing() -> None:
    anchors = priors(128, 128)
    tiny, doubtful = sized(3, 3, 7), sized(60, 60, 32)
    classes, _, _ = detector.assign(np.stack([tiny, doubtful]), 1, anchors)
    assert (classes == detector.FACE).sum() == 1
    assert anchors[classes == detector.FACE].tolist() == [[4, 4, 16, 16]]
    assert (classes == detector.NEITHER).sum() > 1
    assert (detector.assign(np.zeros((0, 14), np.float32), 0, anchors)[0] == detector.BACKGROUND).all()


class _KilledError(Exception):
    pass


def test_a_killed_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pictures = [drawn_scene(number) for number in range(16)]

    def killed(line: str) -> None:
        if line.startswith("epoch 1/"):
            raise _KilledError

    with pytest.raises(_KilledError):
        detector.learn(pictures, TINY, tmp_path, killed)
    lines: list[str] = []
    detector.learn(pictures, TINY, tmp_path, lines.append)
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["2/2"]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_training_writes_a_model_that_runs(table: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    card = detector.train([table], tmp_path, epochs=1, report=lines.append)
    assert ModelCard.read(tmp_path / "model") == card
    assert card.scores["faces"] > 0
    assert lines[0].endswith("for validation")
    found = Detector(card, load_engine(InstalledModel(card, tmp_path / "model"), "cpu")).detect(drawn_scene(1).image())
    assert isinstance(found, list)


def test_pictures_without_faces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="faces both to learn from and for validation"):
        detector.learn([drawn_scene(number) for number in range(0, 80, 4)], TINY, tmp_path, print)
