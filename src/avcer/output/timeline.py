"""``timeline.png``: faces over the four curves VS, VD, A and AV, what AV is made of, and the other faces.

Matplotlib is used through its object-oriented interface only: no global state is read or changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.segments import frame_ends
from avcer.faces.leadership import NOBODY
from avcer.files import atomic
from avcer.output import panels
from avcer.output.filmstrip import Filmstrip, cut_filmstrip
from avcer.output.lettering import families, fitted, showable
from avcer.output.page import (
    DPI,
    INK,
    LEFT,
    RIGHT,
    SMALL_POINTS,
    SOFT,
    SPAN,
    TITLE_POINTS,
    WIDTH,
    Curve,
    Page,
    curves_of,
)
from avcer.output.runs import Runs, find_runs
from avcer.plotting import Axes, Figure, FigureCanvasAgg, Line2D
from avcer.types import Double, ExpressionTimeline

SLOTS: Final = 12
"""Pictures over the time axis."""
OTHER_FACES: Final = 6
"""At most so many other faces get a strip; the rest are counted."""

_RULES: Final = {
    "open": "open rule",
    "1": "Rule 1",
    "2": "Rule 2",
    "both": "Rules 1 and 2",
    "sum": "plain pair sums",
    "gated": "gated pair sums",
    "geometric": "geometric pair means",
}
_HEADER, _SCORE, _STRIP, _SPACE, _FOOTER = 0.62, 0.75, 0.27, 0.12, 0.42
_FILM: Final = SPAN / SLOTS


@dataclass(frozen=True)
class Story:
    """What the panels draw: the leading story, AV in full and each curve as runs; the other faces; the limits of
    the time axis in seconds.
    """

    av: ExpressionTimeline
    curves: tuple[Curve, ...]
    runs: dict[str, Runs]
    moments_s: Double
    ends_s: Double
    limits_s: tuple[float, float]
    others: tuple[FaceAnalysis, ...]


def write_timeline(analysis: Analysis, path: Path) -> Path:
    """Draws the timeline into the PNG file ``path``, 10 inches wide at 200 dots an inch.

    The clip is opened again for the pictures; where that fails, they are left out.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = plot(analysis)
    with atomic(path) as part, part.open("wb") as file:
        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(file)
    return path


def plot(analysis: Analysis, faces: bool = True) -> Figure:
    """The timeline as a figure; without ``faces``, or where the clip cannot be read again, without their pictures."""
    story = tell(analysis)
    if not faces:
        return draw_timeline(analysis, story, Filmstrip((None,) * SLOTS, {}, readable=True))
    shown = [face.track.id for face in story.others[:OTHER_FACES] if face.track]
    edges_s = np.linspace(*story.limits_s, min(SLOTS, max(len(story.ends_s), 1)) + 1)
    return draw_timeline(analysis, story, cut_filmstrip(analysis, story.moments_s, edges_s, shown))


def tell(analysis: Analysis) -> Story:
    """Gathers what is to be drawn."""
    ends_s = frame_ends(analysis.times_s, analysis.clip)
    # Recordings of broadcasts begin at any time of their clock, hours after 0.
    first = float(analysis.times_s[0]) if len(ends_s) else 0.0
    last = float(ends_s[-1]) if len(ends_s) else analysis.clip.duration_s
    curves = curves_of(analysis.modalities)
    return Story(
        av=analysis.leader(),
        curves=curves,
        runs={curve.name: find_runs(analysis.leader(curve.name), ends_s) for curve in curves},
        moments_s=(analysis.times_s + ends_s) / 2,
        ends_s=ends_s,
        limits_s=(first, last if last > first else first + 1.0),
        others=_others(analysis),
    )


def _others(analysis: Analysis) -> tuple[FaceAnalysis, ...]:
    """The other faces: first those that get a strip, the longest there by the time they appear; then the rest."""
    others = [face for face in analysis.faces if face.id is not None and face.id != analysis.primary]
    others.sort(key=lambda face: -len(face.frames))
    return (*sorted(others[:OTHER_FACES], key=lambda face: face.frames[0]), *others[OTHER_FACES:])


def draw_timeline(analysis: Analysis, story: Story, film: Filmstrip) -> Figure:
    """The whole figure, the axes labelled ``film``, ``curves``, ``score`` and ``face <id>``."""
    rows = len(story.av.labels) + 1
    curves_high = rows * (0.24 if rows <= 9 else 0.2 if rows <= 14 else 0.135)
    shown = story.others[:OTHER_FACES]
    more = len(story.others) - len(shown)
    strips_high = (_SPACE + len(shown) * _STRIP + (0.18 if more else 0)) if shown else 0
    height = _HEADER + _FILM + _SPACE + curves_high + _SPACE + _SCORE + strips_high + _FOOTER
    page = Page(Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white"), height)
    _draw_header(page, analysis, story.curves)
    top = _HEADER
    _draw_film(page, top, analysis, story, film)
    top += _FILM + _SPACE
    _draw_curves(page, top, curves_high, analysis, story)
    top += curves_high + _SPACE
    axes = _draw_score(page, top, story)
    top += _SCORE + _SPACE
    for face in shown:
        axes = _draw_other(page, top, analysis, story, face, film)
        top += _STRIP
    _draw_clock(axes)
    if more:
        page.text(LEFT - 0.36, top + 0.1, f"+{more} more", size=SMALL_POINTS, ha="right")
    return page.figure


def _draw_header(page: Page, analysis: Analysis, curves: tuple[Curve, ...]) -> None:
    title = fitted(showable(analysis.clip.path.name), 5.2, TITLE_POINTS, "bold")
    page.text(0.14, 0.2, title, size=TITLE_POINTS, weight="bold", color=INK)
    page.text(0.14, 0.42, fitted(showable(_subtitle(analysis)), 5.6, 8))
    handles = [Line2D([], [], color=c.colour, linewidth=4.5 if c.name == "AV" else 2.5) for c in curves]
    labels = [f"{curve.name}  {curve.meaning}" for curve in curves]
    legend = page.figure.legend(
        handles,
        labels,
        loc="upper right",
        bbox_to_anchor=(1 - 0.14 / WIDTH, 1 - 0.06 / page.height),
        ncols=2,
        frameon=False,
        prop={"family": families(), "size": 8},
        labelcolor=INK,
        handlelength=1.6,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.35,
        columnspacing=1.6,
    )
    legend.set_in_layout(False)


def _subtitle(analysis: Analysis) -> str:
    options, fusion = analysis.provenance.options, analysis.provenance.fusion
    rule = analysis.provenance.rule
    parts = [
        f"{options.get('models', 'unknown')} models",
        _RULES.get(rule, f"rule {rule}"),
        f"{fusion.get('name', 'unknown')} fusion weights",
    ]
    if not any(face.track for face in analysis.faces):
        parts.append("no face")
    if not analysis.audio.valid.any():
        parts.append("nothing heard" if analysis.clip.has_audio else "no sound")
    return "  ·  ".join(parts)


def _draw_film(page: Page, top: float, analysis: Analysis, story: Story, film: Filmstrip) -> None:
    axes = page.axes("film", top, _FILM)
    middle = top + _FILM / 2
    if analysis.primary is None:
        panels.draw_empty_film(axes)
        page.text(LEFT + SPAN / 2, middle, "no face found", ha="center")
        return
    panels.draw_filmstrip(axes, film.slots, story.limits_s)
    leaders = set(analysis.leads.tolist()) - {NOBODY}
    whose = f"Face {analysis.primary}" if leaders == {analysis.primary} else "Leading face"
    page.text(LEFT - 0.07, middle - 0.07, whose, ha="right", color=INK)
    several = "primary" if leaders == {analysis.primary} else f"primary: {analysis.primary}"
    note = several if film.readable else "clip not at hand"
    page.text(LEFT - 0.07, middle + 0.08, note, ha="right", size=SMALL_POINTS)


def _draw_curves(page: Page, top: float, height: float, analysis: Analysis, story: Story) -> None:
    axes = page.axes("curves", top, height)
    axes.set_xlim(*story.limits_s)
    panels.draw_curves(axes, story.runs, story.curves, story.av.labels)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    if story.av.valid.any():
        panels.draw_time_shares(axes, story.runs["AV"], story.av.labels)
        page.text(WIDTH - RIGHT + 0.5, top - 0.08, "AV time", size=SMALL_POINTS, ha="right")
    else:
        rows = len(story.av.labels) + 1
        page.text(LEFT + SPAN / 2, top + height * (rows // 2 + 0.5) / rows, "nothing to decide from", ha="center")


def _draw_score(page: Page, top: float, story: Story) -> Axes:
    axes = page.axes("score", top, _SCORE)
    axes.set_xlim(*story.limits_s)
    panels.draw_score(axes, story.av, story.curves, story.ends_s)
    axes.tick_params(axis="x", labelbottom=False, length=0)
    page.text(LEFT - 0.32, top + _SCORE / 2 - 0.07, "AV score", ha="right", color=INK)
    page.text(LEFT - 0.32, top + _SCORE / 2 + 0.08, "by model", ha="right", size=SMALL_POINTS)
    return axes


def _draw_other(page: Page, top: float, analysis: Analysis, story: Story, face: FaceAnalysis, film: Filmstrip) -> Axes:
    axes = page.axes(f"face {face.id}", top, _STRIP)
    axes.set_xlim(*story.limits_s)
    whole = analysis.on_every_frame([(face.frames, face.expression)])
    panels.draw_face_strip(axes, find_runs(whole, story.ends_s), whole.labels)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", labelbottom=False, length=0)
    page.text(LEFT - 0.36, top + _STRIP / 2, f"Face {face.id}", ha="right", color=INK)
    still = film.portraits.get(face.id if face.id is not None else -1)
    if still is not None:
        side = _STRIP - 0.02
        panels.draw_portrait(page.axes(f"portrait {face.id}", top + 0.01, side, LEFT - 0.07 - side, side), still)
    return axes


def _draw_clock(axes: Axes) -> None:
    axes.spines["bottom"].set_visible(True)
    axes.tick_params(axis="x", labelbottom=True, length=2.5, labelcolor=SOFT)
    axes.set_xlabel("time, seconds", size=8, color=SOFT, family=families(), labelpad=2)
