"""The sheet that a timeline is drawn on: sizes in inches, ink and type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from avcer.output.lettering import families
from avcer.plotting import Axes, Figure

DPI: Final = 200
WIDTH: Final = 10.0
MARGIN: Final = 0.14
LEFT: Final = 1.5
RIGHT: Final = 0.3
SPAN: Final = WIDTH - LEFT - RIGHT
"""The width of the time axis."""

INK: Final = "#1a1a1a"
SOFT: Final = "#5f5f5f"
FAINT: Final = "#d4d4d4"
PALE: Final = "#f5f5f5"

TITLE_POINTS: Final = 11.0
TEXT_POINTS: Final = 8.0
SMALL_POINTS: Final = 7.0


@dataclass(frozen=True)
class Page:
    """A figure of ``height`` inches; places are inches from its left and from its top."""

    figure: Figure
    height: float

    def axes(self, name: str, top: float, height: float, left: float = LEFT, width: float = SPAN) -> Axes:
        """Empty axes, by default as wide as the time axis, with a thin line below and small type."""
        place = (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(place, label=name)
        axes.set_facecolor("none")
        axes.tick_params(labelsize=SMALL_POINTS, labelfontfamily=families(), length=2.5, width=0.6, color=SOFT)
        for side, spine in axes.spines.items():
            spine.set(linewidth=0.6, color=SOFT, visible=side == "bottom")
        return axes

    def text(self, left: float, top: float, text: str, **style: Any) -> None:
        """A line of text, by default soft, in the common size, centred on ``top``."""
        usual = {"size": TEXT_POINTS, "color": SOFT, "va": "center", "family": families(), "parse_math": False}
        self.figure.text(left / WIDTH, 1 - top / self.height, text, **{**usual, **style})


def height_of(axes: Axes) -> float:
    """The height of axes on a page, in inches."""
    sheet = axes.get_figure(root=True)
    return 0.0 if sheet is None else float(axes.get_position().height * sheet.get_figheight())


def small_type(colour: str = INK) -> dict[str, Any]:
    """The style of small text inside axes, taken as it is, dollar signs included."""
    return {"size": SMALL_POINTS, "color": colour, "va": "center", "family": families(), "parse_math": False}


def row_points(height: float) -> float:
    """The size of a text beside a row of that many inches: the usual small one, or as much as fits."""
    return float(min(SMALL_POINTS, max(72 * height * 0.92, 5.0)))
