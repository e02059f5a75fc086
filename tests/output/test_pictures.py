from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.errors import InputError, ModelError
from avcer.models.card import FileRecord
from avcer.models.store import InstalledModel
from avcer.output import pictures
from avcer.output.pictures import write_faces, write_heatmaps
from avcer.types import Float
from fakes import card

Make = Callable[..., Analysis]

NOTHING = FileRecord("", 0, "0" * 64)
CARD = replace(card("static", margin=0.1, size=48), graph=NOTHING, weights=NOTHING)


@pytest.fixture
def analysis(scene: Make, tmp_path: Path) -> Analysis:
    """Thirty frames of growing brightness; face 0 with a gap, face 1 later."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for index in range(30):
            picture = np.full((180, 320, 3), 8 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    options = {"models": "mini", "device": "cpu", "precision": "float32", "rule": "1"}
    used = {"options": options, "models": {"static": {"sha256": NOTHING.sha256}}}
    return scene(frames=30, faces=((0, 25, (range(5, 10),)), (20, 29, ())), path=path, provenance=used)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A static model that looks at the upper left corner."""

    def run(batch: Float) -> tuple[Float, ...]:
        assert batch.shape[1:] == (1, 48, 48)
        heat = np.zeros((len(batch), 3, 3), np.float32)
        heat[:, 0, 0] = 5
        return np.zeros((len(batch), 7), np.float32), np.zeros((len(batch), 8), np.float32), heat

    monkeypatch.setattr(pictures, "choose", lambda family, role, own: InstalledModel(CARD, Path("models")))
    monkeypatch.setattr(pictures, "load_engine", lambda *_: run)


def test_faces_of_every_frame_where_they_are_seen(analysis: Analysis, tmp_path: Path) -> None:
    paths = write_faces(analysis, tmp_path)
    names = [str(path.relative_to(tmp_path / "faces")) for path in sorted(paths)]
    first = [f"0/{frame:06d}.jpg" for frame in [*range(5), *range(10, 26)]]
    assert names == first + [f"1/{frame:06d}.jpg" for frame in range(20, 30)]
    picture = cv2.imread(str(tmp_path / "faces" / "0" / "000020.jpg"))
    assert picture is not None
    assert picture.shape[0] == 50
    assert picture.mean() == pytest.approx(160, abs=4)


@pytest.mark.usefixtures("engine")
def test_two_heat_maps_a_second(analysis: Analysis, tmp_path: Path) -> None:
    paths = write_heatmaps(analysis, tmp_path)
    names = [str(path.relative_to(tmp_path / "heatmaps")) for path in sorted(paths)]
    assert names == ["0/000000.png", "0/000013.png", "1/000020.png"]
    picture = cv2.imread(str(tmp_path / "heatmaps" / "1" / "000020.png"))
    assert picture is not None
    assert picture.shape == (224, 224, 3)
    blue, red = picture[5, 5, 0], picture[5, 5, 2]
    assert red > blue  # hot where the model looks


@pytest.mark.usefixtures("engine")
def test_another_static_model_is_refused(analysis: Analysis, tmp_path: Path) -> None:
    analysis.provenance["models"]["static"]["sha256"] = "1" * 64
    with pytest.raises(ModelError, match="not the static model that made this analysis"):
        write_heatmaps(analysis, tmp_path)


def test_a_clip_that_is_gone(scene: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_faces(scene(path=tmp_path / "gone.mp4"), tmp_path)


def test_a_clip_without_a_face_has_no_pictures(scene: Make, tmp_path: Path) -> None:
    assert write_faces(scene(faces=(), path=tmp_path / "gone.mp4"), tmp_path) == []
