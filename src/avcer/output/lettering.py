"""Text on a figure that fits its place and that the fonts at hand can show."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from avcer.plotting import FontProperties, RendererAgg, findfont, fontManager, get_font

_LATIN: Final = "DejaVu Sans"
"""Comes with Matplotlib: the same on every machine."""

_WIDER: Final = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Nirmala UI",
)
"""Common families with scripts that the first one lacks; those installed are used."""

_MISSING: Final = "□"
_POINTS_PER_INCH: Final = 72


def families() -> list[str]:
    """The families to give to every text of a figure, in order of preference."""
    installed = {font.name for font in fontManager.ttflist}
    return [_LATIN, *(family for family in _WIDER if family in installed)]


@cache
def showable(text: str) -> str:
    """``text`` on one line, each character that no family at hand can show as an empty square."""
    fonts = [get_font(findfont(FontProperties(family=family))) for family in families()]
    line = " ".join(text.split())
    return "".join(c if any(font.get_char_index(ord(c)) for font in fonts) else _MISSING for c in line)


@cache
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line of text is, in inches, at ``size`` points."""
    renderer: Any = RendererAgg(1, 1, _POINTS_PER_INCH)  # type: ignore[no-untyped-call]
    font = FontProperties(family=families(), size=size, weight=weight)
    return float(renderer.get_text_width_height_descent(text, font, ismath=False)[0]) / _POINTS_PER_INCH


def fitted(text: str, width: float, size: float, weight: str = "normal") -> str:
    """``text``, its middle left out as far as needed to be at most ``width`` inches wide at ``size`` points."""
    kept, shown = len(text), text
    while kept > 1 and width_of(shown, size, weight) > width:
        kept -= max(1, (kept - 24) // 8)
        shown = f"{text[: (kept + 1) // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"
    return shown
