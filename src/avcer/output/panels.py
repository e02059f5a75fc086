"""The panels of a timeline: the strip of faces, the curves, what AV is made of, and the other faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from avcer.labels import NONE
from avcer.output.filmstrip import Still
from avcer.output.lettering import families, fitted, showable
from avcer.output.page import (
    FAINT,
    INK,
    LEFT,
    PALE,
    SMALL_POINTS,
    SOFT,
    SPAN,
    TEXT_POINTS,
    Curve,
    height_of,
    label_rows,
    small_type,
)
from avcer.output.runs import Runs, condensed, joining_line, lane_line
from avcer.plotting import Axes, Rectangle
from avcer.types import Double, ExpressionTimeline, Image

_JOINED: Final = 200
"""Where a curve has more stretches than this, upright pieces would be a thicket: they are left out."""
_COLUMNS: Final = 750
"""With more frames than this, their scores are averaged over this many equal stretches: two dots of the print each."""
_BLOCK: Final = "#cccccc"


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


def draw_curves(axes: Axes, runs: dict[str, Runs], curves: Sequence[Curve], labels: tuple[str, ...]) -> None:
    """A row for each label and 'none' below them; each curve in its own lane of the row of its class."""
    rows = len(labels)
    axes.set_ylim(-0.5, rows + 0.5)
    for row in range(0, rows + 1, 2):
        axes.axhspan(row - 0.5, row + 0.5, color=PALE, linewidth=0, zorder=0)
    points = height_of(axes) * 72 / (rows + 1)
    joined = max(len(part.classes) for part in runs.values()) <= _JOINED
    for curve in curves:
        heights = class_rows(runs[curve.name], labels) + curve.lane
        x, y = lane_line(runs[curve.name], heights)
        width = max(curve.thickness * points, 1.0)
        axes.plot(x, y, color=curve.colour, linewidth=width, solid_capstyle="butt", label=curve.name, zorder=3)
        if joined:
            x, y = joining_line(runs[curve.name], heights)
            thin = 0.9 if curve.name == "AV" else 0.5
            axes.plot(x, y, color=curve.colour, linewidth=thin, alpha=0.55, label=f"_{curve.name}", zorder=2)
    names = [fitted(showable(name), LEFT - 0.2, TEXT_POINTS) for name in (NONE, *labels[::-1])]
    label_rows(axes, range(rows + 1), names, family=families())
    axes.get_yticklabels()[0].set(color=SOFT, style="italic")


def class_rows(runs: Runs, labels: tuple[str, ...]) -> Double:
    """``(R,)`` heights: the first label on top, 'none' at 0."""
    return np.where(runs.classes < 0, 0, len(labels) - runs.classes).astype(np.float64)


def draw_time_shares(axes: Axes, runs: Runs, labels: tuple[str, ...]) -> None:
    """Right of the rows, how much of the decided time AV gives to each class."""
    total = runs.durations_s.sum()
    for index in range(-1, len(labels)):
        share = runs.durations_s[runs.classes == index].sum() / total
        if share > 0:
            _note_right(axes, 0 if index < 0 else len(labels) - index, _per_cent(share))


def _note_right(axes: Axes, height: float, text: str) -> None:
    axes.text(1 + 0.5 / SPAN, height, text, ha="right", transform=axes.get_yaxis_transform(), **small_type())


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"


def draw_score(axes: Axes, timeline: ExpressionTimeline, curves: Sequence[Curve], ends_s: Double) -> None:
    """The score of AV over time as a stack: how much of it each model gave. Frames without a decision stay empty."""
    parts = timeline.probability[:, np.newaxis] * timeline.shares
    rows = np.where(timeline.valid[:, np.newaxis], np.column_stack([timeline.probability, parts]), np.nan)
    edges_s = np.stack([timeline.times_s, ends_s], axis=1)
    crowded = len(rows) > _COLUMNS
    if crowded:
        edges_s, rows = condensed(edges_s, rows, _COLUMNS)
    x, steps = edges_s.ravel(), np.repeat(rows, 2, axis=0)
    below = np.where(np.isnan(steps[:, 0]), np.nan, 0.0)
    for curve, part in zip(curves[:-1], steps[:, 1:].T, strict=True):
        axes.fill_between(x, below, below + part, color=curve.colour, alpha=0.75, linewidth=0, label=curve.name)
        below = below + part
    thin = 0.3 if crowded else 0.7  # a thick outline would hide what is below it
    axes.plot(x, steps[:, 0], color=INK, linewidth=thin, solid_joinstyle="miter", label="AV", clip_on=False)
    axes.set_ylim(0, max(1.0, float(np.nanmax(rows[:, 0], initial=0.0)) * 1.05))
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.tick_params(axis="y", labelcolor=SOFT)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def draw_face_strip(axes: Axes, runs: Runs, labels: tuple[str, ...]) -> None:
    """What AV says of one face, on a single line: a block a stretch, its name or its initials in it as far as they fit,
    and right of it the class that has most of its time.
    """
    axes.set(ylim=(0, 1), yticks=[])
    inches_per_s = SPAN / (axes.get_xlim()[1] - axes.get_xlim()[0])
    blocks = zip(runs.starts_s.tolist(), runs.durations_s.tolist(), runs.classes.tolist(), strict=True)
    for start_s, duration_s, index in blocks:
        inches = duration_s * inches_per_s
        fill, edge = PALE if index < 0 else _BLOCK, 0.7 if inches > 0.02 else 0.0
        axes.add_patch(Rectangle((start_s, 0.1), duration_s, 0.8, facecolor=fill, edgecolor="white", linewidth=edge))
        text = _block_text(_named(labels, index), inches - 0.05)
        if text:
            axes.text(start_s + duration_s / 2, 0.48, text, ha="center", zorder=3, **small_type())

    if len(runs.classes):
        times = np.bincount(runs.classes + 1, runs.durations_s)
        most = int(np.argmax(times))
        _note_right(axes, 0.48, f"{_initials(_named(labels, most - 1))} {_per_cent(times[most] / times.sum())}")


def _named(labels: tuple[str, ...], index: int) -> str:
    return NONE if index < 0 else labels[index]


def _block_text(name: str, inches: float) -> str:
    """The name, its initials, or nothing, whichever fits."""
    if inches < 0.1:
        return ""
    texts = (showable(name), _initials(name))
    return next((text for text in texts if fitted(text, inches, SMALL_POINTS) == text), "")


def _initials(name: str) -> str:
    return name if name == NONE else "".join(word[0] for word in showable(name).split())[:3].upper()


def draw_portrait(axes: Axes, still: Still) -> None:
    """One face, filling small axes."""
    axes.set_axis_off()
    if still.image is not None:
        axes.imshow(_rgb(still.image), aspect="auto", interpolation="antialiased")
