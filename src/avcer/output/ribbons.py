"""Ribbons of labels: a colour for an emotion, two for a compound, grey for neutral, hatched for none, gaps as gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from avcer.labels import NONE
from avcer.output.colours import UNKNOWN, Label, ink_on
from avcer.output.lettering import showable, width_of
from avcer.output.page import SMALL_POINTS, SPAN, height_of, small_type
from avcer.output.runs import Runs
from avcer.plotting import Axes, PolyCollection
from avcer.types import Boolean, Double

LEAST_SHARE: Final = 0.25
"""The weaker emotion of a compound has at least so much of the ribbon's height, so that it is seen."""
HATCH: Final = "#9a9a9a"
_PARTED: Final = 0.02
"""Neighbours that are both wider than this, in inches, are parted by a thin white line."""
_AIR: Final = 0.07
"""Beside a text, in inches, both sides together."""
_LINE: Final = 1.2
"""The height of a line of text by its size."""


def draw_ribbon(axes: Axes, runs: Runs, labels: Sequence[Label], band: tuple[float, float] = (0.0, 1.0)) -> None:
    """The stretches as blocks between two heights of ``axes``, whose limits are set already."""
    low, high = band
    for place in np.unique(runs.classes).tolist():
        chosen = runs.classes == place
        if place < 0:
            _blocks(axes, runs, chosen, low, high, facecolor="white", edgecolor=HATCH, hatch="//////", label=NONE)
            continue
        name, colours = labels[place].name, [*labels[place].colours] or [UNKNOWN]
        cut = high - (high - low) * first_share(runs.salience[chosen]) if len(colours) > 1 else low
        _blocks(axes, runs, chosen, cut, high, facecolor=colours[0], label=name)
        if len(colours) > 1:
            _blocks(axes, runs, chosen, low, cut, facecolor=colours[1], label=f"_{name}")
    _part(axes, runs, low, high)


def first_share(salience: Double) -> Double:
    """Of a compound's ribbon, the share of the height that its first emotion has, from percents ``(R,)``."""
    return np.clip(np.nan_to_num(salience / 100, nan=0.5), LEAST_SHARE, 1 - LEAST_SHARE)


def _blocks(axes: Axes, runs: Runs, chosen: Boolean, low: Double | float, high: Double | float, **style: Any) -> None:
    """Blocks as one collection; without smoothed edges, which would show as seams."""
    left, right = runs.starts_s[chosen], runs.ends_s[chosen]
    low, high = (np.broadcast_to(side, left.shape) for side in (low, high))
    corners = [np.stack(corner, axis=1) for corner in ((left, low), (left, high), (right, high), (right, low))]
    shapes: Any = np.stack(corners, axis=1)
    axes.add_collection(PolyCollection(shapes, linewidth=0, antialiased=False, zorder=2, **style), autolim=False)


def _part(axes: Axes, runs: Runs, low: float, high: float) -> None:
    wide = runs.durations_s * _inches_per_s(axes) > _PARTED
    meets = np.isclose(runs.starts_s[1:], runs.ends_s[:-1], rtol=0, atol=1e-9)
    moments = runs.starts_s[1:][meets & wide[1:] & wide[:-1]]
    axes.vlines(moments, low, high, color="white", linewidth=0.8, zorder=3)


def write_names(axes: Axes, runs: Runs, labels: Sequence[Label]) -> None:
    """The name of each label inside its blocks, where it fits: of a compound, in the part of its stronger emotion."""
    high = height_of(axes)
    per_s = _inches_per_s(axes)
    stretches = zip(runs.starts_s, runs.ends_s, runs.classes.tolist(), first_share(runs.salience), strict=True)
    for start_s, end_s, place, share in stretches:
        label = labels[place] if place >= 0 else Label(NONE, ())
        low, top, colour = _part_for_text(label, float(share))
        text = showable(label.name)
        if high * (top - low) < _LINE * SMALL_POINTS / 72 or (end_s - start_s) * per_s < 0.1:
            continue
        if width_of(text, SMALL_POINTS) + _AIR > (end_s - start_s) * per_s:
            continue
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if place < 0 else None
        style = small_type(ink_on(colour)) | {"bbox": box}
        axes.text((start_s + end_s) / 2, (low + top) / 2 - 0.01, text, ha="center", zorder=4, **style)


def _part_for_text(label: Label, share: float) -> tuple[float, float, str]:
    """The lower and upper end of the part of a block that its name is written in, and the colour of that part."""
    if len(label.colours) < 2:
        return 0.0, 1.0, (*label.colours, "#ffffff")[0]
    return (1 - share, 1.0, label.colours[0]) if share >= 0.5 else (0.0, 1 - share, label.colours[1])


def _inches_per_s(axes: Axes) -> float:
    left, right = axes.get_xlim()
    return SPAN / (right - left)
