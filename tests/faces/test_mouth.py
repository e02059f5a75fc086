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


def test_a_face_that_has_come_nearer_and_tilted_is_laid_on_itself() -> None:
    """About the middle of the patch: about another point, something of both would be left."""
    assert said([face(0.4), turned(face(0.4), 1.06, 6)] * 10, 8)[-1] < 0.02


def test_what_was_exactly_a_second_ago_is_over() -> None:
    movement = MouthMovement()
    opened = [1.0, *[0.0] * 9]
    found = [movement(number / 8, face(one), BOX) for number, one in enumerate(opened)]
    assert found[8] > 0.1  # at 1 s, the change at 1/8 s still counts
    assert found[9] == pytest.approx(0, abs=1e-3)
