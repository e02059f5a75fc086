from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avcer.faces.crop import crop, square_crop
from avcer.types import Image


def numbered(height: int, width: int) -> Image:
    """A picture whose blue is the column and whose green is the row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


def test_corners_are_truncated() -> None:
    part = crop(numbered(50, 60), np.array([10.9, 5.2, 20.9, 8.99], np.float32))
    assert part is not None
    assert part.shape == (3, 10, 3)
    assert part[0, 0].tolist() == [10, 5, 0]


def test_the_crop_stops_before_the_last_column_and_row() -> None:
    part = crop(numbered(50, 60), np.array([-7, -0.5, 80, 70], np.float32))
    assert part is not None
    assert part.shape == (49, 59, 3)


@pytest.mark.parametrize(
    "box", [(70, 10, 80, 20), (10, 10, 10.9, 30), (10, 10, 30, 10.9), (-20, 0, -5, 9), (30, 20, 10, 25), (59, 0, 70, 9)]
)
def test_nothing_left_is_none(box: tuple[float, ...]) -> None:
    assert crop(numbered(50, 60), np.array(box, np.float32)) is None


@pytest.mark.parametrize(
    ("clip", "frame", "number"), [("hamilton", 55, "05"), ("hamilton", 72, "10"), ("WolfgangLanger_Pexels", 36, "08")]
)
def test_crops_agree_with_the_released_implementation(
    clip: str, frame: int, number: str, golden: Path, clips: Path
) -> None:
    path = clips / {"hamilton": "short_hamilton_clip.mp4"}.get(clip, f"{clip}.mp4")
    expected = cv2.imread(str(golden / "crops" / f"{number}.png"))
    assert expected is not None
    with av.open(path) as container:
        image = next(
            decoded.to_ndarray(format="bgr24")
            for index, decoded in enumerate(container.decode(video=0))
            if index == frame
        )
    boxes = json.loads((golden / "tracker.json").read_text())[clip][frame]
    parts = [crop(image, np.array(box[:4], np.float32)) for box in boxes]
    # the released code writes its crops as JPEG, hence not to the last bit
    differences = [
        np.abs(part.astype(int) - expected).mean()
        for part in parts
        if part is not None and part.shape == expected.shape
    ]
    assert min(differences) < 1.5


def test_a_square_of_its_own_size_is_cut_as_it_is() -> None:
    part = square_crop(numbered(50, 60), np.array([10, 20, 20, 26], np.float32), margin=0.1, size=12)
    assert part is not None
    # centre (15, 23), side 10 * (1 + 2 * 0.1) = 12
    assert part[0, 0].tolist() == [9, 17, 0]
    assert part[-1, -1].tolist() == [20, 28, 0]


def test_beyond_the_picture_the_border_is_repeated() -> None:
    part = square_crop(numbered(50, 60), np.array([-5, -5, 5, 5], np.float32), margin=0, size=10)
    assert part is not None
    assert part[:6, :6].max() == 0
    assert part[-1, -1].tolist() == [4, 4, 0]


@pytest.mark.parametrize(("side", "size"), [(40, 10), (10, 40)])
def test_squares_come_in_the_size_asked_for(side: int, size: int) -> None:
    part = square_crop(numbered(50, 60), np.array([5, 5, 5 + side, 5 + side], np.float32), margin=0, size=size)
    assert part is not None
    assert part.shape == (size, size, 3)
    assert part.mean(axis=(0, 1))[0] == pytest.approx(4.5 + side / 2, abs=0.5)


@pytest.mark.parametrize("box", [(-10, 10, 0, 20), (10, -10, 20, 0), (60, 10, 70, 20), (10, 50, 20, 60)])
def test_no_square_of_what_lies_along_the_border_outside(box: tuple[float, ...]) -> None:
    assert square_crop(numbered(50, 60), np.array(box, np.float32), margin=0, size=8) is None


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (20, 10, 10, 20), (200, 10, 210, 20), (-50, -50, -30, -30)])
def test_no_square_without_area_or_outside(box: tuple[float, ...]) -> None:
    assert square_crop(numbered(50, 60), np.array(box, np.float32), margin=0.1, size=8) is None
