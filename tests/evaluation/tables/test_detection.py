from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from avcer.errors import InputError
from avcer.evaluation.tables.detection import Scene, box_iou, match_faces, read_scenes
from avcer.types import Face, Float


def face(x: float, y: float, side: float, score: float = 0.9) -> Face:
    return Face(np.array([x, y, x + side, y + side], np.float32), np.zeros((5, 2), np.float32), score)


def known(*faces: tuple[float, float, float, float]) -> Float:
    return np.array([(x, y, x + side, y + side, score) for x, y, side, score in faces], np.float32).reshape(-1, 5)


def test_iou_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]], np.float32)
    np.testing.assert_allclose(box_iou(boxes[:1], boxes), [[1, 1 / 3, 0]], atol=1e-6)
    assert box_iou(boxes, boxes[:0]).shape == (3, 0)


def test_recall_and_precision_by_hand() -> None:
    true = [known((0, 0, 40, 0.99), (100, 0, 40, 0.9)), known()]
    found = [[face(2, 0, 40, 0.95), face(200, 0, 40, 0.85)], [face(0, 0, 40, 0.5)]]
    matches = match_faces(found, true)
    everything = matches.at(0)
    assert (everything.recall, everything.precision) == (0.5, pytest.approx(1 / 3))
    assert (everything.faces, everything.detections) == (2, 3)
    sure = matches.at(0.9)
    assert (sure.recall, sure.precision, sure.f1) == (0.5, 1.0, pytest.approx(2 / 3))


def test_a_true_face_is_found_once() -> None:
    scores = match_faces([[face(0, 0, 40, 0.8), face(1, 0, 40, 0.9)]], [known((0, 0, 40, 1))]).at(0)
    assert (scores.recall, scores.precision) == (1.0, 0.5)


def test_doubtful_and_small_faces_are_neither_right_nor_wrong() -> None:
    true = [known((0, 0, 40, 0.6), (100, 0, 20, 1.0))]
    scores = match_faces([[face(0, 0, 40), face(99, 0, 25), face(200, 0, 10)]], true).at(0)
    assert (scores.faces, scores.detections) == (0, 0)
    assert np.isnan(scores.recall)
    assert np.isnan(scores.precision)
    assert scores.f1 == 0


def test_a_table_is_read_back(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    encoded = cv2.imencode(".png", np.full((4, 6, 3), (1, 2, 3), np.uint8))[1].tobytes()
    rows = [{"name": "a", "source": "made", "image": encoded, "boxes": [[float(i) for i in range(15)]]}]
    rows.append({"name": "b", "source": "made", "image": b"", "boxes": []})
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "scenes.parquet")
    first, second = read_scenes(tmp_path / "scenes.parquet")
    assert first.image().shape == (4, 6, 3)
    assert first.faces.tolist() == [list(range(15))]
    assert second.faces.shape == (0, 15)
    with pytest.raises(InputError, match="b: not a picture"):
        second.image()


def test_another_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "scenes.parquet"
    path.write_bytes(b"not a table")
    with pytest.raises(InputError, match=r"scenes\.parquet: cannot be read as a Parquet table"):
        read_scenes(path)


def test_a_broken_picture_is_refused() -> None:
    with pytest.raises(InputError, match="a: not a picture"):
        Scene("a", "made", b"nonsense", known()).image()
