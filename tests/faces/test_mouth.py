"""Whether a mouth moves: made-up faces that speak, sway, or are photographs."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from avcer.faces.mouth import MouthMovement
from avcer.types import Image

BOX = np.array([40, 30, 140, 130], np.float32)


def face(
    opened: float = 0.0, shift: tuple[float, float] = (0, 0), light: float = 1.0, noise: float = 0.0, seed: int = 0
) -> Image:
    """A face of 100 pixels: brows, eyes, nose, and a mouth that is so far open."""
    image = np.full((160, 200, 3), 60, np.uint8)
    cv2.ellipse(image, (90, 80), (42, 54), 0, 0, 360, (150, 160, 170), -1)
    for x in (72, 108):
        cv2.ellipse(image, (x, 66), (8, 4), 0, 0, 360, (40, 40, 50), -1)
        cv2.line(image, (x - 9, 56), (x + 9, 54), (50, 50, 60), 3)
    cv2.line(image, (90, 68), (90, 88), (110, 120, 130), 4)
    cv2.ellipse(image, (90, 106), (16, 2 + round(10 * opened)), 0, 0, 360, (60, 50, 110), -1)
    moved = cv2.warpAffine(image, np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]]), (200, 160))
    grain = np.random.default_rng(seed).normal(0, noise, moved.shape)
    return np.clip(moved * light + grain, 0, 255).astype(np.uint8)


def said(images: list[Image], rate: float = 25.0) -> list[float]:
    movement = MouthMovement()
    return [movement(number / rate, image, BOX) for number, image in enumerate(images)]


def open_and_shut(number: int, rate: float = 25.0) -> float:
    """Four syllables a second."""
    return float(np.sin(np.pi * 4 * number / rate) ** 2)


def test_a_mouth_that_speaks_moves_and_a_photograph_does_not() -> None:
    speaking = said([face(open_and_shut(number), noise=2, seed=number) for number in range(40)])
    still = said([face(0.5, noise=2, seed=number) for number in range(40)])
    assert speaking[-1] > 0.1 > 0.03 > still[-1]
    assert said([face(0.5)] * 40)[-1] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("rate", [6.0, 60.0])
def test_at_any_rate(rate: float) -> None:
    count = round(2 * rate)
    assert said([face(open_and_shut(number, rate * 1.13)) for number in range(count)], rate)[-1] > 0.1
    assert said([face(noise=2, seed=number) for number in range(count)], rate)[-1] < 0.03


def test_swaying_and_flickering_is_no_speech() -> None:
    random = np.random.default_rng(0)
    places = np.cumsum(random.normal(0, 0.4, (40, 2)), axis=0)
    swaying = said([face(0.4, (float(x), float(y)), random.normal(1, 0.03)) for x, y in places])
    assert swaying[-1] < 0.045
    dark = said([face(open_and_shut(number), light=0.4) for number in range(40)])
    assert dark[-1] > 0.1


def test_brows_that_move_are_no_speech() -> None:
    frames = []
    for number in range(40):
        image = face(0.3)
        cv2.rectangle(image, (60, 46), (122, 50 + round(8 * open_and_shut(number))), (60, 60, 70), -1)
        frames.append(image)
    assert said(frames)[-1] < 0.045


def test_the_past_alone_counts_and_about_a_second_of_it() -> None:
    silent, speaking = [face(0.2)] * 50, [face(open_and_shut(number)) for number in range(50)]
    found = said(silent + speaking + silent)
    assert np.isnan(found[:8]).all()
    assert found[:50] == pytest.approx(said(silent), nan_ok=True)
    assert found[49] < 0.01 < 0.1 < found[75]
    assert found[-1] < 0.01


def test_three_comparisons_tell_enough() -> None:
    assert np.isnan(said([face(0.5)] * 5, 8)).tolist() == [True, True, True, False, False]


def test_of_a_large_face_every_so_many_pixels_are_read_twice_as_many_as_a_patch_has() -> None:
    """Of 200 pixels every third, beginning with those 0.7 of its side away from its middle."""
    random, movements = np.random.default_rng(0), (MouthMovement(), MouthMovement())
    for number in range(5):
        clear = np.kron(face(number % 2), np.ones((2, 2, 1), np.uint8))
        noisy = random.integers(0, 256, clear.shape, np.uint8)
        noisy[20::3, 40::3] = clear[20::3, 40::3]
        found = [one(number / 8, image, 2 * BOX) for one, image in zip(movements, (clear, noisy), strict=True)]
    assert found[0] == found[1] > 0.5


def test_a_face_that_was_away_begins_anew() -> None:
    movement = MouthMovement()
    for number in range(30):
        movement(number / 25, face(open_and_shut(number)), BOX)
    assert np.isnan(movement(9.0, face(1.0), BOX))
    assert np.isnan(movement(9.1, face(1.0), np.array([500, 500, 600, 600], np.float32)))


@pytest.mark.parametrize(("away_s", "known"), [(0.375, True), (0.5, False)])
def test_half_a_second_is_away(away_s: float, known: bool) -> None:
    movement = MouthMovement()
    for number in range(9):
        movement(number / 8, face(open_and_shut(3 * number)), BOX)
    assert np.isnan(movement(1.0 + away_s, face(0.5), BOX)) != known


def test_large_and_small_faces_cost_next_to_nothing() -> None:
    """A fiftieth of the ten milliseconds that a frame takes; the quickest of some tries, since others work, too."""
    movement, image, tries = MouthMovement(), cv2.resize(face(0.5), (1600, 1280)).astype(np.uint8), []
    for number in range(60):
        begun = time.perf_counter()
        movement(number * 0.12, image, 8 * BOX)
        tries.append(time.perf_counter() - begun)
    assert min(tries[5:]) < 0.0006


def test_a_face_that_was_gone_begins_anew_and_is_then_known_for_good() -> None:
    movement, times = MouthMovement(), [*np.arange(0, 5, 0.04), *np.arange(5.6, 7, 0.04)]
    known = [not np.isnan(movement(time_s, face(0.5), BOX)) for time_s in times if time_s < 5 or time_s >= 5.6]
    after = known[125:]
    assert known[124]
    assert not after[0]
    assert after == sorted(after)
    assert after[-1]


def turned(image: Image, grown: float, degrees: float) -> Image:
    """The picture larger and turned about the middle of the face."""
    motion = cv2.getRotationMatrix2D((90, 80), degrees, grown)
    return cv2.warpAffine(image, motion, (200, 160), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def test_coming_nearer_and_tilting_the_head_is_no_speech() -> None:
    def moved(number: int, opened: float) -> Image:
        return turned(face(opened), 1 + 0.06 * float(np.sin(number / 5)), 6 * float(np.sin(number / 4)))

    assert said([moved(number, 0.4) for number in range(40)])[-1] < 0.045
    assert said([turned(face(0.4), 1, number - 20) for number in range(40)])[-1] < 0.045
    assert said([turned(face(0.4), 1 + 0.008 * number, 0) for number in range(40)])[-1] < 0.045
    assert said([moved(number, open_and_shut(number)) for number in range(40)])[-1] > 0.1


@pytest.mark.parametrize(
    "after",
    [
        *(face(0.4, shift) for shift in ((3, 0), (-3, 0), (0, 3), (0, -3))),
        *(turned(face(0.4), grown, degrees) for grown, degrees in ((1.06, 0), (0.94, 0), (1, 6), (1, -6), (1.06, 6))),
        *(face(0.4, light=light) for light in (1.2, 0.8)),
    ],
)
def test_a_face_elsewhere_nearer_tilted_or_in_another_light_is_laid_on_itself(after: Image) -> None:
    assert said([face(0.4), after] * 10, 8)[-1] < 0.02


def test_a_mouth_that_opens_wide_moves_as_much_as_the_face_has_contrast_whatever_the_light() -> None:
    for light in (1.0, 0.5):
        assert said([face(0.0, light=light), face(1.0, light=light)] * 10, 8)[-1] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("left", "top"), [(300, 0), (0, 250), (300, 250)])
def test_a_mouth_moves_alike_wherever_in_the_picture_it_is(left: int, top: int) -> None:
    frames, large = [face(open_and_shut(number)) for number in range(20)], []
    for image in frames:
        picture = np.full((500, 600, 3), 60, np.uint8)
        picture[top : top + 160, left : left + 200] = image
        large.append(picture)
    there = MouthMovement()
    box = BOX + np.array([left, top, left, top], np.float32)
    found = [there(number / 25, image, box) for number, image in enumerate(large)]
    assert found[-1] == pytest.approx(said(frames)[-1], rel=1e-3)


def test_what_was_exactly_a_second_ago_is_over() -> None:
    movement = MouthMovement()
    opened = [1.0, *[0.0] * 9]
    found = [movement(number / 8, face(one), BOX) for number, one in enumerate(opened)]
    assert found[8] > 0.1  # at 1 s, the change at 1/8 s still counts
    assert found[9] == pytest.approx(0, abs=1e-3)
