"""The colours of emotions, for any eye and for print without colours.

Chosen among the hues that people expect (anger red, disgust green, sadness blue, ..) so that every two are far apart in
CIELAB, also as protanopes, deuteranopes and tritanopes see them, and differ in lightness; a test measures both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from avcer.labels import BASIC, Vocabulary

EMOTIONS: Final = dict(
    zip(BASIC, ("#B0B0B0", "#A50F15", "#44AA66", "#3B1B5E", "#FFE24D", "#0072B2", "#7FD3F7"), strict=True)
)
"""In the order of ``labels.BASIC``."""
UNKNOWN: Final = "#E2E2E2"
"""Of a label in words of a person's own."""
_DARK, _LIGHT = "#1a1a1a", "#ffffff"


@dataclass(frozen=True)
class Label:
    """What a ribbon shows of a class: its name, and no colour, one, or two with the first emotion's above."""

    name: str
    colours: tuple[str, ...]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def bgr(colour: str) -> tuple[int, int, int]:
    """The same in the order of OpenCV."""
    red, green, blue = rgb(colour)
    return blue, green, red


def colours_of(label: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The colours of a label: one of an emotion, those of its first and second emotion of a compound, and no colour of
    'none'.
    """
    if label in EMOTIONS:
        return (EMOTIONS[label],)
    found = next((one for one in vocabulary.compounds if one.name == label), None)
    return () if found is None else (EMOTIONS[found.first], EMOTIONS[found.second])


def ink_on(colour: str) -> str:
    """Dark or white, whichever has the greater contrast to a colour (WCAG 2)."""
    light = luminance(colour)
    return _LIGHT if 1.05 / (light + 0.05) > (light + 0.05) / (luminance(_DARK) + 0.05) else _DARK


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as '#B0B0B0', 0 to 1 (IEC 61966-2-1)."""
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
