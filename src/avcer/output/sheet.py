"""The sheet of a timeline: its head, a panel for each face below one another, and the clock.

Matplotlib is used through its object-oriented interface only: no global state is read or changed.
"""

from __future__ import annotations

from typing import Final

from avcer.analysis import Analysis
from avcer.output import legend, panels
from avcer.output.clock import ticks
from avcer.output.filmstrip import Filmstrip
from avcer.output.lettering import families, fitted
from avcer.output.page import DPI, LEFT, SMALL_POINTS, SOFT, SPAN, WIDTH, Page
from avcer.output.panels import GAP, Sizes
from avcer.output.story import Story, Told
from avcer.output.times import zero
from avcer.plotting import Axes, Figure

MOST_HIGH: Final = 10.9
"""Inches: the panels are made smaller rather than the page higher."""
_FOOT: Final = 0.42
_NOTE: Final = 0.2
_USUAL: Final = Sizes(heading=0.2, ribbon=0.32, curves=7 * 0.19, own=0.12, below=0.16)
_LEAST: Final = Sizes(heading=0.15, ribbon=0.2, curves=7 * 0.075, own=0.075, below=0.1)


def draw_timeline(analysis: Analysis, story: Story, film: Filmstrip | None) -> Figure:
    """The whole figure; without ``film``, without pictures."""
    film_high = 0.0 if film is None else panels.film_height(analysis, film) + GAP
    sizes, height = lay_out(len(story.panels), len(analysis.modalities), story.together, film_high, bool(story.rest))
    page = Page(Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white"), height)
    legend.draw_head(page, analysis)
    top = legend.HEIGHT
    if not story.together:
        top = _draw_top(page, top, sizes, story.leading, analysis, story, film) + sizes.below
    axes = None
    for told in story.panels:
        axes, top = _draw_panel(page, top, sizes, told, analysis, story, film)
    if axes is not None:
        _draw_clock(axes, story, zero(analysis, "file"))
    if story.rest:
        _draw_rest(page, story.rest)
    return page.figure


def lay_out(count: int, modalities: int, together: bool, film: float, note: bool) -> tuple[Sizes, float]:
    """The sizes of ``count`` panels and the height of the page: the usual ones, or as much of them as there is room
    for.
    """

    def height(sizes: Sizes) -> float:
        overview = 0.0 if together else sizes.overview
        panel = sizes.panel(modalities)
        return legend.HEIGHT + overview + film + count * panel - sizes.below + _FOOT + _NOTE * note

    usual, least = height(_USUAL), height(_LEAST)
    share = min(max((MOST_HIGH - least) / (usual - least), 0.0), 1.0)
    pairs = zip(vars(_USUAL).values(), vars(_LEAST).values(), strict=True)
    sizes = Sizes(*(low + share * (high - low) for high, low in pairs))
    return sizes, height(sizes)


def _draw_panel(
    page: Page, top: float, sizes: Sizes, told: Told, analysis: Analysis, story: Story, film: Filmstrip | None
) -> tuple[Axes, float]:
    """One panel; gives its lowest axes and where the next one begins."""
    if told is story.leading:
        top = _draw_top(page, top, sizes, told, analysis, story, film)
    else:
        top = _draw_top(page, top, sizes, told, analysis, story, None)
        if film is not None and told.face is not None:
            panels.draw_portrait(page, top - sizes.ribbon, film.portraits.get(told.face), told)
    top += GAP
    panels.draw_emotions(page, top, sizes, told, story)
    top += sizes.curves + GAP
    axes = panels.draw_own(page, top, sizes, told, story, analysis.modalities)
    return axes, top + len(analysis.modalities) * sizes.own + sizes.below


def _draw_top(
    page: Page, top: float, sizes: Sizes, told: Told, analysis: Analysis, story: Story, film: Filmstrip | None
) -> float:
    """The upper part of a panel: whose it is, the ribbon of labels, and the pictures. Gives where it ends."""
    panels.draw_heading(page, top, sizes, told, story)
    top += sizes.heading
    panels.draw_labels(page, top, sizes, told, story)
    top += sizes.ribbon
    if film is None:
        return top
    panels.draw_film(page, top + GAP, analysis, story, film)
    return top + GAP + panels.film_height(analysis, film)


def _draw_clock(axes: Axes, story: Story, zero_s: float) -> None:
    places, texts, name = ticks(story.limits_s, zero_s)
    axes.set_xticks(places, texts)
    axes.spines["bottom"].set(visible=True, color=SOFT)
    axes.tick_params(axis="x", labelbottom=True, length=2.5, labelcolor=SOFT)
    axes.set_xlabel(name, size=SMALL_POINTS, color=SOFT, family=families(), labelpad=2)


def _draw_rest(page: Page, names: tuple[str, ...]) -> None:
    """Which faces have no panel."""
    noun = "face" if len(names) == 1 else "faces"
    text = f"and {len(names)} more {noun}, seen for less time: {', '.join(names)}"
    page.text(LEFT, page.height - 0.1, fitted(text, SPAN, SMALL_POINTS), size=SMALL_POINTS)
