"""The picture of the video: the clip's frame on top, the panel below it; and the boxes on the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2

from avcer.output.annotated import ink
from avcer.output.annotated.facts import Said, Seen
from avcer.types import Float, Image

PANEL_ROWS: Final = 7
LEAST_UNIT, MOST_UNIT = 0.6, 3.0


@dataclass(frozen=True)
class Canvas:
    """Sizes in pixels. ``width``, ``height``: of the clip's frames as they are drawn, both even; ``unit``: what is one
    pixel high in a picture of 720 lines; ``panel``: the height of the panel below.
    """

    width: int
    height: int
    unit: float
    panel: int

    @classmethod
    def of(cls, width: int, height: int) -> Canvas:
        """For frames of this size."""
        unit = min(max(min(width, height) / 720, LEAST_UNIT), MOST_UNIT)
        panel = round(unit * (18 * PANEL_ROWS + 26))
        return cls(width + width % 2, height + height % 2, unit, panel + panel % 2)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video."""
        return self.width, self.height + self.panel

    def pixels(self, units: float) -> int:
        """So many units in whole pixels, at least 1."""
        return max(round(units * self.unit), 1)


def fit(canvas: Canvas, image: Image, out: Image) -> tuple[float, int, int]:
    """Puts a frame on the upper part of ``out``: as it is where it has the canvas's size, else as large as fits, in
    the middle.

    Returns:
        How many pixels of the canvas a pixel of the frame is, and where the frame's left and upper edges are.
    """
    height, width = image.shape[:2]
    if canvas.width - width in (0, 1) and canvas.height - height in (0, 1):
        out[:height, :width] = image
        out[height : canvas.height] = out[height - 1]
        out[: canvas.height, width:] = out[: canvas.height, width - 1 : width]
        return 1.0, 0, 0
    scale = min(canvas.width / width, canvas.height / height)
    small = cv2.resize(
        image, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA
    )
    left, top = (canvas.width - small.shape[1]) // 2, (canvas.height - small.shape[0]) // 2
    out[: canvas.height] = 0
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return scale, left, top


def draw_face(canvas: Canvas, out: Image, seen: Seen, box: Float) -> None:
    """A face's box, ``(4,)`` in pixels of the canvas, and its label above it, or below where there is no room."""
    picture = out[: canvas.height]
    left, top, right, bottom = (round(edge) for edge in box.tolist())
    colour = seen.said.colours[0] if seen.said else ink.SOFT
    thick = canvas.pixels(4 if seen.leads else 2)
    ink.frame(picture, (left - 1, top - 1, right + 1, bottom + 1), 1, ink.DARK)
    ink.frame(picture, (left, top, right, bottom), thick, colour)
    masks = _label(canvas, seen)
    if not masks:
        return
    pad, bar = canvas.pixels(7), canvas.pixels(6)
    height = masks[0].shape[0] + canvas.pixels(4)
    width = bar + pad + sum(mask.shape[1] + pad for mask in masks)
    left = max(min(left, canvas.width - width), 0)
    above = top - height
    top = above if above >= 0 else min(bottom, canvas.height - height)
    ink.shade(picture, left, top, width, height)
    if seen.said:
        draw_colours(picture, (left, top, bar, height), seen.said)
    at = left + bar + pad
    for mask in masks:
        at = ink.write(picture, mask, at, top + canvas.pixels(2)) + pad


def draw_colours(picture: Image, place: tuple[int, int, int, int], said: Said) -> None:
    """Left, top, width, height: filled with the colours of a label's emotions, each with its share of the height."""
    left, top, width, height = place
    first = height if len(said.colours) == 1 else round(height * min(max(said.share, 0.15), 0.85))
    ink.fill(picture, left, top, width, first, said.colours[0])
    if len(said.colours) > 1:
        ink.fill(picture, left, top + first, width, height - first, said.colours[1])


def _label(canvas: Canvas, seen: Seen) -> list[Image]:
    """The texts of a face's label: name, what is said, how likely."""
    size = canvas.pixels(17)
    texts = [(seen.name, False)] if seen.name else []
    if seen.said:
        texts += [(seen.said.text, True), (seen.said.percent, False)]
    return [ink.text_mask(text, size, bold) for text, bold in texts if text]
