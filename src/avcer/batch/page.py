"""Pieces of a page of HTML: tables, bars, times in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
p { margin: .4rem 0; max-width: 46rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td { overflow-wrap: break-word; max-width: 34rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td.bar { width: 14rem; min-width: 5rem; vertical-align: middle; padding-right: 0; }
td.bar div { height: .8rem; min-width: 2px; box-sizing: border-box; border: 1px solid #8888; }
figure { display: inline-block; margin: 0 .5rem .5rem 0; width: 160px; vertical-align: top; }
figure img { width: 160px; } figcaption { font-size: .8rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { padding-right: .7rem; } td.bar { width: 5rem; } }
@media print { tr, figure { break-inside: avoid; } h2 { break-after: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> Iterator[str]:
    """The lines of a whole page; ``parts`` are HTML."""
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>avcer: {escape(title)}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n"
    yield from (f"{part}\n" for part in parts)
    yield "</body></html>\n"


class Table:
    """A table; its first column is text, and the further ones are numbers where their cells are."""

    def __init__(self, *heads: str, numbers: bool = True) -> None:
        self.rows: list[list[str]] = []
        self._heads = heads
        self._numbers = numbers
        self._bar = ""

    def bar(self, percent: float, colours: Sequence[str]) -> None:
        """A bar at the end of the next row: of one colour, of two above each other, or empty without any."""
        first, last = (colours[0], colours[-1]) if colours else ("transparent", "transparent")
        style = f"width:{percent:.1f}%;background:linear-gradient({first} 50%,{last} 50%)"
        self._bar = f'<td class="bar"><div style="{style}"></div></td>'

    def row(self, *cells: Any) -> None:
        """A row of cells, as text."""
        written = [self._cell("td", place, str(cell), _is_number(cell)) for place, cell in enumerate(cells)]
        self.rows.append([*written, self._bar] if self._bar else written)
        self._bar = ""

    def html(self) -> str:
        """The table, which may be scrolled sideways where the window is narrow."""
        numbers = [all('class="number"' in row[place] for row in self.rows) for place in range(len(self._heads))]
        heads = "".join(self._cell("th", place, head, numbers[place]) for place, head in enumerate(self._heads))
        top = f"<tr>{heads}</tr>" if any(self._heads) else ""
        return f'<div class="wide"><table>{top}{"".join(_line(row) for row in self.rows)}</table></div>'

    def _cell(self, tag: str, place: int, text: str, number: bool) -> str:
        mark = ' class="number"' if number and self._numbers and place else ""
        return f"<{tag}{mark}>{escape(text)}</{tag}>"


def hours(seconds: float) -> str:
    """``1.5 h``, ``12.3 min`` or ``4.2 s``."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _line(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) or str(cell)[:1].isdigit()
