"""The panel below the picture: the seven emotions of whoever leads, what is said, and a ribbon for each person."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

import numpy as np

from avcer.labels import BASIC
from avcer.output.annotated import ink
from avcer.output.annotated.canvas import Canvas, draw_colours
from avcer.output.annotated.facts import Moment, Ribbon, Stretch
from avcer.output.colours import EMOTIONS, bgr
from avcer.types import Image

WINDOW_S: Final = 12.0
"""Seconds that a ribbon shows, half of them past."""
TICK_S: Final = 2
MOST_RIBBONS: Final = 3
BARS_WIDTH: Final = 0.34
"""The part of the width that the seven have at most."""


class Panel:
    """Draws the panel.

    Args:
        canvas: the sizes.
        ribbons: of the persons.
        start_s: the time of the recording at which the video begins.
        lasts_s: how long it is.
    """

    def __init__(self, canvas: Canvas, ribbons: tuple[Ribbon, ...], start_s: float, lasts_s: float) -> None:
        self._canvas = canvas
        self._ribbons = ribbons
        self._starts_s = [[part.start_s for part in ribbon.stretches] for ribbon in ribbons]
        self._ends_s = [[part.end_s for part in ribbon.stretches] for ribbon in ribbons]
        self._start_s, self._lasts_s = start_s, max(lasts_s, 1e-6)
        unit, self._pad = canvas.pixels, canvas.pixels(12)
        self._small, self._row = unit(13), unit(18)
        self._bars_right = min(unit(360), round(BARS_WIDTH * canvas.width)) + self._pad
        names = [ink.text_mask(name, self._small) for name in BASIC]
        self._name_right = self._pad + max(mask.shape[1] for mask in names) + unit(8)
        self._percent_left = self._bars_right - ink.text_mask("100 %", self._small).shape[1]
        self._left = self._bars_right + 2 * self._pad
        if len(ribbons) > 1:
            self._left += min(max(self._mask(one.name).shape[1] for one in ribbons), unit(110)) + unit(8)
        self._right = canvas.width - self._pad
        self._tops, self._height = self._rows()
        self._ground = self._drawn_ground(names)

    def draw(self, out: Image, moment: Moment, time_s: float, number: int) -> None:
        """Draws the panel of one frame, shown at ``time_s`` of the recording, on the lower part of ``out``."""
        panel = out[self._canvas.height :]
        panel[:] = self._ground
        self._draw_seven(panel, moment)
        self._draw_headline(panel, moment, time_s, number)
        if self._right - self._left > 2 * self._pad:
            self._draw_ribbons(panel[:, self._left : self._right], time_s)
        done = min(max((time_s - self._start_s) / self._lasts_s, 0), 1)
        thick = self._canvas.pixels(3)
        ink.fill(panel, 0, len(panel) - thick, round(done * panel.shape[1]), thick, ink.SOFT)

    def _rows(self) -> tuple[list[int], int]:
        """Where the ribbons begin, and how high they are; between the headline and the ticks."""
        unit, count = self._canvas.pixels, max(len(self._ribbons), 1)
        top, bottom = unit(56), self._canvas.panel - unit(27)
        height = min((bottom - top) // count, unit(34))
        return [top + height * place for place in range(count)], height

    def _drawn_ground(self, names: list[Image]) -> Image:
        ground = np.full((self._canvas.panel, self._canvas.width, 3), ink.DARK, np.uint8)
        for place, mask in enumerate(names):
            top = self._bar_top(place)
            ink.write(ground, mask, self._pad, top, ink.SOFT)
            self._bar(ground, place, 1.0, ink.GROOVE)
        for ribbon, top in zip(self._ribbons, self._tops, strict=False):
            if len(self._ribbons) > 1:
                mask = self._mask(ribbon.name)
                room = self._left - self._canvas.pixels(8) - self._bars_right - 2 * self._pad
                ink.write(
                    ground, mask[:, : max(room, 1)], self._bars_right + 2 * self._pad, self._middle(top, mask), ink.SOFT
                )
        for top in self._tops:
            gap = self._canvas.pixels(2)
            ink.fill(ground, self._left, top + gap, self._right - self._left, self._height - 2 * gap, ink.GROOVE)
        return ground

    def _bar_top(self, place: int) -> int:
        return self._canvas.pixels(11) + place * self._row

    def _bar(self, panel: Image, place: int, value: float, colour: ink.Colour) -> None:
        room = self._percent_left - self._canvas.pixels(8) - self._name_right
        top, height = self._bar_top(place) + self._canvas.pixels(3), self._row - self._canvas.pixels(7)
        ink.fill(panel, self._name_right, top, max(round(value * room), 0), max(height, 1), colour)

    def _draw_seven(self, panel: Image, moment: Moment) -> None:
        if moment.seven is None:
            return
        for place, (emotion, value) in enumerate(zip(BASIC, moment.seven.tolist(), strict=True)):
            self._bar(panel, place, value, bgr(EMOTIONS[emotion]))
            mask = self._mask(f"{100 * value:.0f} %")
            ink.write(panel, mask, self._bars_right - mask.shape[1], self._bar_top(place))

    def _draw_headline(self, panel: Image, moment: Moment, time_s: float, number: int) -> None:
        unit, left = self._canvas.pixels, self._bars_right + 2 * self._pad
        clock = self._mask(f"{_clock(time_s - self._start_s)} · frame {number}")
        at_clock = self._right - clock.shape[1]
        ink.write(panel, clock, at_clock, unit(12), ink.SOFT)
        text, shown = ("nothing known", ink.SOFT) if moment.said is None else (moment.said.text, ink.WHITE)
        bar = unit(6)
        if moment.said is not None:
            draw_colours(panel, (left, unit(10), bar, unit(40)), moment.said)
        left += bar + unit(8)
        room = panel[:, : max(at_clock - self._pad, left + 1)]
        right = ink.write(room, ink.text_mask(text, unit(21), bold=True), left, unit(6), shown)
        if moment.said is not None:
            ink.write(room, ink.text_mask(moment.said.percent, unit(21)), right + unit(9), unit(6))
        under = " · ".join(f"{heading} {label}" for heading, label in moment.curves)
        ink.write(panel[:, : self._right], self._mask(under), left, unit(33), ink.SOFT)

    def _draw_ribbons(self, place: Image, time_s: float) -> None:
        """On the columns of the panel that are the ribbons'."""
        width, gap = place.shape[1], self._canvas.pixels(2)
        scale, begin_s = width / WINDOW_S, time_s - WINDOW_S / 2
        for ribbon, starts_s, ends_s, top in zip(self._ribbons, self._starts_s, self._ends_s, self._tops, strict=False):
            first, last = bisect_right(ends_s, begin_s), bisect_left(starts_s, begin_s + WINDOW_S)
            for part in ribbon.stretches[first:last]:
                self._draw_stretch(place, part, (top + gap, self._height - 2 * gap), begin_s, scale)
        self._draw_ticks(place, begin_s, scale)
        top, bottom = self._tops[0] - gap, self._tops[-1] + self._height + gap
        ink.fill(place, width // 2 - gap // 2, top, gap, bottom - top, ink.WHITE)

    def _draw_stretch(self, place: Image, part: Stretch, rows: tuple[int, int], begin_s: float, scale: float) -> None:
        left, right = (round((edge_s - begin_s) * scale) for edge_s in (part.start_s, part.end_s))
        draw_colours(place, (left, rows[0], max(right - left - 1, 1), rows[1]), part.said)
        at, mask = max(left, 0) + self._canvas.pixels(6), self._mask(part.said.text)
        if at + mask.shape[1] + self._canvas.pixels(4) <= min(right, place.shape[1]):
            ink.write(place, mask, at, rows[0] + (rows[1] - mask.shape[0]) // 2)

    def _draw_ticks(self, place: Image, begin_s: float, scale: float) -> None:
        top = self._tops[-1] + self._height
        first = int(np.ceil((begin_s - self._start_s) / TICK_S)) * TICK_S
        for tick_s in range(max(first, 0), first + int(WINDOW_S) + TICK_S, TICK_S):
            at = round((self._start_s + tick_s - begin_s) * scale)
            if tick_s > self._lasts_s or at >= place.shape[1]:
                break
            ink.fill(place, at, top, 1, self._canvas.pixels(4), ink.SOFT)
            mask = self._mask(f"{tick_s // 60}:{tick_s % 60:02d}")
            ink.write(place, mask, at - mask.shape[1] // 2, top + self._canvas.pixels(4), ink.SOFT)

    def _middle(self, top: int, mask: Image) -> int:
        return top + (self._height - int(mask.shape[0])) // 2

    def _mask(self, text: str) -> Image:
        return ink.text_mask(text, self._small)


def _clock(time_s: float) -> str:
    """Minutes, seconds and milliseconds; hours where there are any."""
    whole_ms = max(round(time_s * 1000), 0)
    minutes, rest_ms = divmod(whole_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    shown = f"{minutes:02d}:{rest_ms / 1000:06.3f}"
    return f"{hours}:{shown}" if hours else shown
