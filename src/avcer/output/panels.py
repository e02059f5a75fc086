"""The panels of a timeline: the strip of faces, the curves, what AV is made of, and the other faces."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from avcer.labels import NONE, Vocabulary
from avcer.output.filmstrip import Still
from avcer.output.lettering import families, fitted, showable
from avcer.output.page import CURVES, FAINT, INK, LEFT, PALE, SMALL_POINTS, SOFT, SPAN, TEXT_POINTS, label_rows
from avcer.output.runs import Runs, joining_line, lane_line
from avcer.types import CompoundTimeline, Double, Image

_JOINED: Final = 150
"""With more stretches than this, upright pieces would be a thicket: they are left out."""
_STRIP_FILL: Final = "#c9c9c9"


def draw_filmstrip(axes: Axes, slots: tuple[Still | None, ...], limits_s: tuple[float, float]) -> None:
    """Pictures side by side, each in its part of the time axis, a mark below at its very moment; gaps stay empty."""
    count = len(slots)
    high = SPAN / count if count > 1 else SPAN
    inches = axes.get_position().height * axes.figure.get_figheight()
    half = 0.47 * inches / high if count else 0.0
    axes.set(xlim=(0, count), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    for place, still in enumerate(slots):
        box = (place + 0.5 - half, place + 0.5 + half, 0.06, 1.0)
        if still is None or still.image is None:
            axes.add_patch(
                Rectangle((box[0], box[2]), 2 * half, 0.94, facecolor=PALE, edgecolor=FAINT, linewidth=0.6, clip_on=False)
            )
            continue
        axes.imshow(_rgb(still.image), extent=box, aspect="auto", interpolation="antialiased", zorder=2)
        moment = (still.time_s - limits_s[0]) / (limits_s[1] - limits_s[0]) * count
        axes.plot([moment], [0.0], marker="^", markersize=2.6, color=SOFT, clip_on=False, linestyle="none")
    axes.set(xlim=(0, count), ylim=(0, 1))


def _rgb(image: Image) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)


def draw_curves(axes: Axes, runs: dict[str, Runs], vocabulary: Vocabulary) -> None:
    """A row for each compound and 'none' below them; each curve in its own lane of the row of its class."""
    rows = len(vocabulary)
    axes.set_ylim(-0.5, rows + 0.5)
    for row in range(0, rows + 1, 2):
        axes.axhspan(row - 0.5, row + 0.5, color=PALE, linewidth=0, zorder=0)
    points = axes.get_position().height * axes.figure.get_figheight() * 72 / (rows + 1)
    for curve in CURVES:
        heights = class_rows(runs[curve.name], vocabulary) + curve.lane
        x, y = lane_line(runs[curve.name], heights)
        width = max(curve.thickness * points, 1.0)
        axes.plot(x, y, color=curve.colour, linewidth=width, solid_capstyle="butt", label=curve.name, zorder=3)
        if len(heights) <= _JOINED:
            x, y = joining_line(runs[curve.name], heights)
            thin = 0.9 if curve.name == "AV" else 0.5
            axes.plot(x, y, color=curve.colour, linewidth=thin, alpha=0.55, label=f"_{curve.name}", zorder=2)
    figure = axes.figure
    names = [fitted(figure, showable(name), LEFT - 0.2, TEXT_POINTS) for name in (NONE, *vocabulary.names[::-1])]
    label_rows(axes, range(rows + 1), names, family=families())
    axes.get_yticklabels()[0].set(color=SOFT, style="italic")


def class_rows(runs: Runs, vocabulary: Vocabulary) -> Double:
    """``(R,)`` heights: the first compound on top, 'none' at 0."""
    return np.where(runs.classes < 0, 0, len(vocabulary) - runs.classes).astype(np.float64)


def draw_time_shares(axes: Axes, runs: Runs, vocabulary: Vocabulary) -> None:
    """Right of the rows, how much of the decided time AV gives to each class, in per cent."""
    total = runs.durations_s.sum()
    if total <= 0:
        return
    style = {"size": SMALL_POINTS, "color": INK, "va": "center", "ha": "right", "family": families()}
    for index in range(-1, len(vocabulary)):
        share = runs.durations_s[runs.classes == index].sum() / total
        height = 0 if index < 0 else len(vocabulary) - index
        if share > 0:
            text = f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"
            axes.text(1 + 0.5 / SPAN, height, text, transform=axes.get_yaxis_transform(), **style)


def draw_score(axes: Axes, timeline: CompoundTimeline, ends_s: Double) -> None:
    """The score of AV over time as a stack: how much of it each model gave. Frames without a decision stay empty."""
    x, score = _steps(timeline, ends_s, timeline.probability)
    below = np.zeros_like(score)
    for place, curve in enumerate(CURVES[:3]):
        _, part = _steps(timeline, ends_s, timeline.probability * timeline.shares[:, place])
        axes.fill_between(x, below, below + part, color=curve.colour, alpha=0.75, linewidth=0, label=curve.name)
        below = below + part
    axes.plot(x, score, color=INK, linewidth=0.8, solid_joinstyle="miter", label="AV")
    top = max(1.0, float(np.nanmax(score, initial=0.0)) * 1.05)
    axes.set_ylim(0, top)
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(axis="y", labelcolor=SOFT)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def _steps(timeline: CompoundTimeline, ends_s: Double, values: Double) -> tuple[Double, Double]:
    """``values (T,)`` as a line that is level over each frame, NaN where the timeline is not valid."""
    x = np.stack([timeline.times_s, ends_s], axis=1).ravel()
    return x, np.repeat(np.where(timeline.valid, values, np.nan), 2)


def draw_face_strip(axes: Axes, runs: Runs, vocabulary: Vocabulary) -> None:
    """What AV says of one face, on a single line: a block a stretch with its name as far as it fits."""
    axes.set(ylim=(0, 1), yticks=[])
    seconds = axes.get_xlim()[1] - axes.get_xlim()[0]
    blocks = zip(runs.starts_s.tolist(), runs.durations_s.tolist(), runs.classes.tolist(), strict=True)
    for start_s, duration_s, index in blocks:
        fill = "white" if index < 0 else _STRIP_FILL
        axes.add_patch(
            Rectangle((start_s, 0.12), duration_s, 0.76, facecolor=fill, edgecolor=SOFT, linewidth=0.4, zorder=2)
        )
        text = _block_text(axes, NONE if index < 0 else vocabulary.names[index], duration_s / seconds * SPAN - 0.06)
        if text:
            style = {"size": SMALL_POINTS, "color": INK, "family": families(), "parse_math": False}
            axes.text(start_s + duration_s / 2, 0.47, text, ha="center", va="center", zorder=3, **style)


def _block_text(axes: Axes, name: str, inches: float) -> str:
    """The name, its initials, or nothing, whichever fits."""
    if inches < 0.1:
        return ""
    name = showable(name)
    initials = "".join(word[0] for word in name.split()).upper() if name != NONE else ""
    return next((text for text in (name, initials) if fitted(axes.figure, text, inches, SMALL_POINTS) == text), "")


def draw_portrait(axes: Axes, still: Still) -> None:
    """One face, filling small axes."""
    axes.set_axis_off()
    if still.image is not None:
        axes.imshow(_rgb(still.image), aspect="auto", interpolation="antialiased")
