"""The colours of the seven emotions, told apart by people who see colours differently (Okabe and Ito, 2008)."""

from __future__ import annotations

from typing import Final

from avcer.labels import BASIC

EMOTIONS: Final = dict(
    zip(BASIC, ("#808080", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9"), strict=True)
)
"""In the order of ``labels.BASIC``."""
UNKNOWN: Final = "#b8b8b8"
"""Of a label in words of a person's own."""


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def bgr(colour: str) -> tuple[int, int, int]:
    """The same in the order of OpenCV."""
    red, green, blue = rgb(colour)
    return blue, green, red
