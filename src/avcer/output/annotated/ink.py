"""Drawing on pictures: text as prepared masks, filled and shaded rectangles. All of it may lie partly outside."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from avcer.output.lettering import families, showable
from avcer.plotting import FontProperties, findfont, get_font
from avcer.types import Image

Colour: TypeAlias = "tuple[int, int, int]"
"""Blue, green, red."""
WHITE: Final = (245, 245, 245)
SOFT: Final = (176, 176, 176)
DARK: Final = (26, 24, 22)
"""The ground of the panel and of labels."""
GROOVE: Final = (52, 49, 46)
"""Of what is empty on it."""
KEPT: Final = 4096
"""So many texts are kept drawn: names, labels, whole percents and times."""


@lru_cache(KEPT)
def text_mask(text: str, size: int, bold: bool = False) -> Image:
    """``(height, width)``, how much of each pixel the text covers, 0 to 255; as high for every text of a size."""
    line = showable(text)
    font = _font(_family(line), size, bold)
    ascent, descent = font.getmetrics()
    width = max(int(np.ceil(font.getlength(line))), 1)
    mask = Pillow.new("L", (width, ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), line, fill=255, font=font)
    return np.asarray(mask)


def write(picture: Image, mask: Image, left: int, top: int, colour: Colour = WHITE) -> int:
    """Puts a text on the picture; returns its right edge."""
    here = _inside(picture, left, top, mask.shape[1], mask.shape[0])
    if here is not None:
        place, (x, y) = here
        height, width = place.shape[:2]
        cover = cv2.merge([mask[y : y + height, x : x + width]] * 3)
        inked = cv2.multiply(cover, np.array((*colour, 0.0)), scale=1 / 255)
        place[:] = cv2.add(cv2.multiply(place, cv2.bitwise_not(cover), scale=1 / 255), inked)
    return left + int(mask.shape[1])


def fill(picture: Image, left: int, top: int, width: int, height: int, colour: Colour) -> None:
    """Fills a rectangle."""
    here = _inside(picture, left, top, width, height)
    if here is not None:
        cv2.rectangle(here[0], (0, 0), (here[0].shape[1], here[0].shape[0]), colour, cv2.FILLED)


def shade(picture: Image, left: int, top: int, width: int, height: int) -> None:
    """Darkens a rectangle, so that white text can be read on it."""
    here = _inside(picture, left, top, width, height)
    if here is not None:
        here[0][:] = cv2.addWeighted(here[0], 0.25, np.full_like(here[0], DARK), 0.75, 0)


def frame(picture: Image, box: tuple[int, int, int, int], thick: int, colour: Colour) -> None:
    """The outline of a box: left, top, right, bottom, on the inside of its edges."""
    left, top, right, bottom = box
    fill(picture, left, top, right - left, thick, colour)
    fill(picture, left, bottom - thick, right - left, thick, colour)
    fill(picture, left, top, thick, bottom - top, colour)
    fill(picture, right - thick, top, thick, bottom - top, colour)


def _inside(picture: Image, left: int, top: int, width: int, height: int) -> tuple[Image, tuple[int, int]] | None:
    """The part of a rectangle that lies on the picture, and how much of it lies before its left and upper edge."""
    x, y = max(-left, 0), max(-top, 0)
    place = picture[top + y : max(top + height, 0), left + x : max(left + width, 0)]
    return (place, (x, y)) if place.size else None


@lru_cache
def _font(family: str, size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(FontProperties(family=family, weight="bold" if bold else "normal")), size)


@lru_cache(KEPT)
def _family(line: str) -> str:
    """The first family that shows all of the line, or else most of it."""

    def shown(family: str) -> int:
        font = get_font(findfont(FontProperties(family=family)))
        return sum(bool(font.get_char_index(ord(letter))) for letter in line)

    return max(families(), key=shown)
