"""What a player shows: turned, mirrored, with square pixels, and each frame in its own size."""

from __future__ import annotations

import gc
from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avcer.media import Pictures, frames_at, probe
from recordings import VideoTrack, corners, grey, write


def shown(path: Path) -> NDArray[np.uint8]:
    return next(iter(Pictures(path))).image


def quarters(image: NDArray[np.uint8]) -> list[list[int]]:
    """The brightness in the middle of each quarter, in steps of 60."""
    height, width = image.shape[:2]
    return [[round((float(image[y, x, 0]) - 40) / 60) for x in (width // 4, 3 * width // 4)]
            for y in (height // 4, 3 * height // 4)]  # fmt: skip


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize(("degrees", "across", "down"), list(product((0, 90, 180, 270), (False, True), (False, True))))
def test_every_turn_and_mirror_image_is_applied(tmp_path, degrees, across, down, container):
    path = write(tmp_path / f"clip.{container}", VideoTrack([corners()] * 3, turned=(degrees, across, down)))
    image, clip = shown(path), probe(path)
    expected = np.rot90(np.array([[0, 1], [2, 3]]), degrees // 90)
    expected = expected[:, ::-1] if across else expected
    expected = expected[::-1] if down else expected
    assert quarters(image) == expected.tolist()
    assert clip.mirrored == (across != down)
    assert (clip.width, clip.height) == ((48, 64) if degrees % 180 else (64, 48)) == image.shape[1::-1]
    assert clip.rotation == (degrees + 180 * down) % 360


@pytest.mark.parametrize("degrees", [3, 87, 93, 178, 268])
def test_a_slanted_matrix_counts_as_the_nearest_quarter(tmp_path, degrees):
    path = write(tmp_path / "clip.mp4", VideoTrack([corners()] * 3, turned=(degrees, False, False)))
    assert probe(path).rotation == round(degrees / 90) % 4 * 90


@pytest.mark.parametrize(
    ("pixel", "size"),
    [
        (Fraction(24, 11), (768, 576)),
        (Fraction(16, 11), (512, 576)),
        (Fraction(8, 9), (352, 648)),
        (Fraction(1, 1), (352, 576)),
        (Fraction(405, 404), (352, 576)),  # a phone's rounding
        (Fraction(40, 1), (352, 576)),  # a mistake
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_pixels_that_are_not_square_are_made_so(tmp_path, pixel, size, name):
    path = write(tmp_path / name, VideoTrack([corners((352, 576))] * 2, pixel=pixel))
    clip = probe(path)
    assert (clip.width, clip.height) == size == shown(path).shape[1::-1]
    assert clip.pixel_aspect == pytest.approx(1.0 if size == (352, 576) else float(pixel))
    assert quarters(shown(path)) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_the_shape_of_the_pixels_may_change(tmp_path, codec):
    """From the very frame on, though the codec knows of it earlier."""
    parts = [write(tmp_path / f"{number}.ts", VideoTrack([corners((96, 64))] * 10, codec, pixel=Fraction(pixel)))
             for number, pixel in enumerate(("8/9", "32/27"))]  # fmt: skip
    path = tmp_path / "broadcast.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    widths = [frame.image.shape[1] for frame in Pictures(path)]
    assert widths == sorted(widths)
    assert widths.count(96) in (9, 10)  # of MPEG-2, FFmpeg drops the last frame before such a change
    assert widths.count(114) == 10


def test_pixels_are_made_square_before_the_turn(tmp_path):
    track = VideoTrack([corners((96, 48))] * 2, pixel=Fraction(2, 1), turned=(90, True, False))
    clip = probe(write(tmp_path / "clip.mp4", track))
    assert (clip.width, clip.height) == (48, 192)


def joined(tmp_path: Path, *sizes: tuple[int, int]) -> Path:
    """Pictures of several sizes, ten of each, in one track."""
    parts = [write(tmp_path / f"{width}x{height}.ts", VideoTrack([corners((width, height))] * 10, codec="libx264"))
             for width, height in sizes]  # fmt: skip
    path = tmp_path / "call.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_a_frame_keeps_its_size_when_it_changes(tmp_path):
    path = joined(tmp_path, (96, 64), (192, 128), (64, 96))
    pictures = Pictures(path)
    shapes = [frame.image.shape[1::-1] for frame in pictures]
    assert shapes == [(96, 64)] * 10 + [(192, 128)] * 10 + [(64, 96)] * 10
    clip = pictures.measured(probe(path))
    assert clip.sizes == ((0, 96, 64), (10, 192, 128), (20, 64, 96))
    assert (clip.width, clip.height) == (96, 64)
    assert any("changes in 2 places: 96x64, 192x128, 64x96" in line for line in pictures.warnings)


def test_a_frame_that_is_looked_up_has_its_own_size(tmp_path):
    path = joined(tmp_path, (96, 64), (64, 96))
    times_s = [frame.time_s for frame in Pictures(path)]
    assert [image.shape for _, image in frames_at(path, [times_s[2], times_s[15]])] == [(64, 96, 3), (96, 64, 3)]


def test_a_clip_of_one_size_has_no_note(tmp_path):
    pictures = Pictures(write(tmp_path / "clip.mp4", VideoTrack([grey(number) for number in range(5)])))
    assert len(list(pictures)) == 5
    assert pictures.warnings == []
    assert pictures.sizes == [(0, 64, 48)]


@pytest.mark.parametrize("degrees", [0, 90])
def test_decoded_frames_do_not_wait_for_the_cyclic_collector(tmp_path, degrees):
    path = write(tmp_path / "clip.mp4", VideoTrack([corners()] * 30, turned=(degrees, False, False)))
    gc.collect()
    gc.disable()
    try:
        before = decoded()
        assert sum(1 for _ in Pictures(path)) == 30
        assert decoded() == before
    finally:
        gc.enable()


def decoded() -> int:
    """How many decoded frames are in memory."""
    return sum(type(one) is av.VideoFrame for one in gc.get_objects())  # isinstance would ask stand-ins for their class
