"""Every two of the seven colours can be told apart, also by people with another colour vision, and in print without."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from avcer.labels import AVCER_12, BASIC, Compound, Vocabulary
from avcer.output.colours import EMOTIONS, colours_of, ink_on, luminance
from avcer.types import Double

SIGHTS = {
    "usual": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""What somebody sees of linear RGB (Machado, Oliveira and Fernandes, IEEE TVCG 15, 2009; severity 1)."""


def seen(colours: tuple[str, ...], sight: str) -> Double:
    """``(N, 3)`` CIELAB."""
    rgb = np.array([[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    shown = np.clip(linear @ SIGHTS[sight].T, 0, 1)
    again = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(again[np.newaxis].astype(np.float32), cv2.COLOR_RGB2LAB)[0].astype(np.float64)


@pytest.mark.parametrize(("sight", "least"), [("usual", 30), ("protanope", 24), ("deuteranope", 24), ("tritanope", 19)])
def test_every_two_are_far_apart(sight: str, least: float) -> None:
    """In CIELAB, of which 2.3 can just be told apart side by side."""
    points = seen(tuple(EMOTIONS.values()), sight)
    for one, other in combinations(range(len(points)), 2):
        assert np.linalg.norm(points[one] - points[other]) >= least, (BASIC[one], BASIC[other])


def test_in_grey_they_differ_in_lightness() -> None:
    lightness = np.sort(seen(tuple(EMOTIONS.values()), "usual")[:, 0])
    assert np.diff(lightness).min() > 8


def test_they_are_the_seven() -> None:
    assert tuple(EMOTIONS) == BASIC


def test_a_compound_has_two_colours_and_none_has_none() -> None:
    for compound in AVCER_12.compounds:
        assert colours_of(compound.name, AVCER_12) == (EMOTIONS[compound.first], EMOTIONS[compound.second])
    own = Vocabulary("own", (Compound("Bittersweet", "Happiness", "Sadness"),))
    assert colours_of("Bittersweet", own) == (EMOTIONS["Happiness"], EMOTIONS["Sadness"])
    assert colours_of("Fear", own) == (EMOTIONS["Fear"],)
    assert colours_of("none", own) == ()


@pytest.mark.parametrize("colour", EMOTIONS.values())
def test_text_can_be_read_on_every_colour(colour: str) -> None:
    """WCAG 2 asks for 4.5 of small text."""
    high, low = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5
