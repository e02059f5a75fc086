"""The probabilities of the seven as small curves, one above the other on one scale, with the spread in a column."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from avcer.labels import BASIC
from avcer.output.colours import EMOTIONS
from avcer.output.columns import Profile
from avcer.output.lettering import families
from avcer.output.page import FAINT, INK, SOFT, height_of, row_points
from avcer.plotting import Axes
from avcer.types import Double

_HEIGHT: Final = 0.88
"""What a probability of 1 is high, in rows."""


def draw_curves(axes: Axes, shown: Profile) -> None:
    """A row for each emotion, Neutral on top: the mean as an area, and around it a paler band from the least to the
    most in each column of the page.
    """
    rows = len(BASIC)
    axes.set_ylim(0, rows)
    x = shown.edges_s.ravel()
    for place, name in enumerate(BASIC):
        base = rows - 1 - place
        mean, low, high = (base + _HEIGHT * _steps(part[:, place]) for part in (shown.mean, shown.low, shown.high))
        axes.axhline(base, color=FAINT, linewidth=0.5, zorder=1)
        colour = EMOTIONS[name]
        axes.fill_between(x, base, mean, color=colour, alpha=0.9, linewidth=0, zorder=2.5, label=name)
        if shown.low is shown.mean:
            axes.plot(x, mean, color=INK, linewidth=0.3, alpha=0.7, solid_joinstyle="miter", zorder=3)
        else:
            axes.fill_between(x, low, high, color=colour, alpha=0.35, linewidth=0, zorder=2, label=f"_{name}")
    _name_rows(axes, rows)


def _steps(values: Double) -> Double:
    """Each value at the start and at the end of its column."""
    return np.repeat(values, 2)


def _name_rows(axes: Axes, rows: int) -> None:
    points = row_points(height_of(axes) / rows)
    centres = [rows - 1 - place + _HEIGHT / 2 for place in range(rows)]
    axes.set_yticks(centres, BASIC, size=points, color=INK, family=families())
    axes.tick_params(axis="y", length=0, pad=4)
    scale: dict[str, Any] = {"size": min(points, 6), "color": SOFT, "family": families(), "va": "center", "ha": "left"}
    for height, text in ((0.0, "0"), (_HEIGHT, "1")):
        if height_of(axes) / rows > 0.14 or height:
            axes.text(1.004, rows - 1 + height, text, transform=axes.get_yaxis_transform(), **scale)
