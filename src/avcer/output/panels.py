"""A panel of the timeline: the ribbon of labels, the pictures, the probabilities, and the modalities' own ribbons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avcer.analysis import Analysis
from avcer.modalities import FUSED, Modality
from avcer.output.curves import draw_curves
from avcer.output.filmstrip import Filmstrip, Still
from avcer.output.lettering import families, fitted, showable
from avcer.output.page import (
    FAINT,
    INK,
    LEFT,
    MARGIN,
    PALE,
    SMALL_POINTS,
    SOFT,
    SPAN,
    TEXT_POINTS,
    Page,
    height_of,
    row_points,
)
from avcer.output.ribbons import draw_ribbon, write_names
from avcer.output.shares import per_cent
from avcer.output.story import Story, Told
from avcer.plotting import Axes, Rectangle
from avcer.types import Image

FILM: Final = 0.66
EMPTY_FILM: Final = 0.24
GAP: Final = 0.045


@dataclass(frozen=True)
class Sizes:
    """Heights in inches of a panel's line of text, its ribbon, all its curves, one modality's ribbon, and the space
    below it.
    """

    heading: float
    ribbon: float
    curves: float
    own: float
    below: float

    def panel(self, modalities: int) -> float:
        """The height of a panel without pictures."""
        return self.heading + self.ribbon + GAP + self.curves + GAP + modalities * self.own + self.below

    @property
    def overview(self) -> float:
        """The height of the panel of whoever leads, where it is none of the others, without pictures."""
        return self.heading + self.ribbon + self.below


def draw_heading(page: Page, top: float, sizes: Sizes, told: Told, story: Story) -> None:
    """Whose panel it is; over the time axis, how long it is seen and what is said of it."""
    middle = top + sizes.heading / 2 - 0.01
    page.text(MARGIN, middle, told.name, size=TEXT_POINTS, weight="bold", color=INK)
    shown = told.on_screen_s / (story.limits_s[1] - story.limits_s[0])
    parts = [f"on screen {per_cent(shown)} of the time"] if told.on_screen_s else []
    page.text(LEFT, middle, fitted("  ·  ".join([*parts, told.summary]), SPAN, SMALL_POINTS), size=SMALL_POINTS)


def draw_labels(page: Page, top: float, sizes: Sizes, told: Told, story: Story) -> Axes:
    """The ribbon of what is decided from all modalities together, with names."""
    axes = page.axes(f"ribbon {told.name}", top, sizes.ribbon)
    axes.set(xlim=story.limits_s, ylim=(0, 1), yticks=[])
    _no_clock(axes)
    runs = told.runs[FUSED]
    draw_ribbon(axes, runs, story.labels)
    write_names(axes, runs, story.labels)
    page.text(LEFT - 0.07, top + sizes.ribbon / 2, FUSED, ha="right", color=INK, size=SMALL_POINTS)
    if not len(runs.classes):
        page.text(LEFT + SPAN / 2, top + sizes.ribbon / 2, "nothing to decide from", ha="center", size=SMALL_POINTS)
    return axes


def draw_film(page: Page, top: float, analysis: Analysis, story: Story, film: Filmstrip) -> None:
    """Pictures of whoever leads, each in its part of the time axis; a pale band where there are none."""
    high = film_height(analysis, film)
    axes = page.axes("film", top, high)
    if high == FILM:
        draw_filmstrip(axes, film.slots, story.limits_s)
        return
    draw_empty_film(axes)
    text = "no face found" if analysis.primary is None else "no pictures of faces: the clip is not at hand"
    page.text(LEFT + SPAN / 2, top + high / 2, text, ha="center", size=SMALL_POINTS)


def film_height(analysis: Analysis, film: Filmstrip) -> float:
    """The height of the pictures, or of the pale band in their place, in inches."""
    return FILM if film.readable and analysis.primary is not None else EMPTY_FILM


def draw_emotions(page: Page, top: float, sizes: Sizes, told: Told, story: Story) -> Axes:
    """The probabilities of the seven."""
    axes = page.axes(f"curves {told.name}", top, sizes.curves)
    axes.set_xlim(*story.limits_s)
    draw_curves(axes, told.emotions)
    _no_clock(axes)
    return axes


def draw_own(page: Page, top: float, sizes: Sizes, told: Told, story: Story, modalities: Sequence[Modality]) -> Axes:
    """What each modality alone would say, as thin ribbons."""
    count = len(modalities)
    axes = page.axes(f"modalities {told.name}", top, count * sizes.own)
    axes.set(xlim=story.limits_s, ylim=(0, count))
    for place, modality in enumerate(modalities):
        base = count - 1 - place
        draw_ribbon(axes, told.runs[modality.curve], story.labels, (base + 0.12, base + 0.88))
    centres = [count - 0.5 - place for place in range(count)]
    names = [fitted(showable(one.curve), LEFT - 0.2, SMALL_POINTS) for one in modalities]
    size = row_points(sizes.own)
    axes.set_yticks(centres, names, parse_math=False, size=size, color=INK, family=families())
    axes.tick_params(axis="y", length=0, pad=4)
    _no_clock(axes)
    return axes


def draw_portrait(page: Page, top: float, still: Still | None, told: Told) -> None:
    """A picture of the face below its name."""
    if still is None or still.image is None:
        return
    side = 0.52
    axes = page.axes(f"portrait {told.face}", top + 0.03, side, MARGIN, side)
    axes.set_axis_off()
    axes.imshow(_rgb(still.image), aspect="auto", interpolation="antialiased")


def _no_clock(axes: Axes) -> None:
    axes.tick_params(axis="x", labelbottom=False, length=0)
    axes.spines["bottom"].set(color=FAINT)


def draw_filmstrip(axes: Axes, slots: tuple[Still | None, ...], limits_s: tuple[float, float]) -> None:
    """Pictures side by side, each in its part of the time axis, a mark below at its very moment; gaps stay empty."""
    count = len(slots)
    # Squares as high as the axes, in the data's unit: one slot.
    half = 0.47 * height_of(axes) * count / SPAN
    axes.set(xlim=(0, count), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    for place, still in enumerate(slots):
        box = (place + 0.5 - half, place + 0.5 + half, 0.06, 1.0)
        if still is None or still.image is None:
            _draw_empty(axes, box[0], 2 * half)
            continue
        axes.imshow(_rgb(still.image), extent=box, aspect="auto", interpolation="antialiased", zorder=2)
        moment = (still.time_s - limits_s[0]) / (limits_s[1] - limits_s[0]) * count
        axes.plot([moment], [0.0], marker="^", markersize=2.6, color=SOFT, clip_on=False, linestyle="none")
    axes.set(xlim=(0, count), ylim=(0, 1))


def draw_empty_film(axes: Axes) -> None:
    """A pale band where the pictures would be."""
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    _draw_empty(axes, 0, 1)


def _draw_empty(axes: Axes, left: float, width: float) -> None:
    box = Rectangle((left, 0.06), width, 0.94, facecolor=PALE, edgecolor=FAINT, linewidth=0.6, clip_on=False)
    axes.add_patch(box)


def _rgb(image: Image) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)
