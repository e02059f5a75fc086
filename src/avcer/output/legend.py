"""The head of a timeline: the clip, what analysed it, what the headings mean, and the key to the colours."""

from __future__ import annotations

from typing import Any, Final

from avcer.analysis import Analysis
from avcer.decision.policy import TITLES
from avcer.labels import BASIC, NONE
from avcer.modalities import FUSED
from avcer.output.colours import EMOTIONS
from avcer.output.lettering import families, fitted, showable, width_of
from avcer.output.page import FAINT, INK, MARGIN, SMALL_POINTS, TITLE_POINTS, WIDTH, Page
from avcer.output.ribbons import HATCH
from avcer.plotting import Axes, Line2D, Rectangle

HEIGHT: Final = 0.88
"""Of the head, in inches."""
_KEY_TOP, _KEY_HEIGHT = 0.6, 0.14
_SWATCH: Final = 0.2


def draw_head(page: Page, analysis: Analysis) -> None:
    """Everything above the panels."""
    title = fitted(showable(analysis.clip.path.name), 4.6, TITLE_POINTS, "bold")
    page.text(MARGIN, 0.2, title, size=TITLE_POINTS, weight="bold", color=INK)
    page.text(MARGIN, 0.42, fitted(showable(_subtitle(analysis)), 5.0, SMALL_POINTS), size=SMALL_POINTS)
    _draw_headings(page, analysis)
    _draw_key(page.axes("key", _KEY_TOP, _KEY_HEIGHT, MARGIN, WIDTH - 2 * MARGIN))


def _subtitle(analysis: Analysis) -> str:
    made = analysis.provenance
    weighed = made.weighing.get("name", f"{made.fusion.get('name', 'unknown')} fusion weights")
    parts = [f"{made.options.get('models', 'unknown')} models", TITLES.get(made.rule, f"rule {made.rule}"), weighed]
    if not any(face.track for face in analysis.faces):
        parts.append("no face")
    if not analysis.audio.valid.any():
        parts.append("nothing heard" if analysis.clip.has_audio else "no sound")
    return "  ·  ".join(parts)


def _draw_headings(page: Page, analysis: Analysis) -> None:
    """What AV, VS, VD, A stand for, in rows of three."""
    titles = [(FUSED, "fused decision"), *((one.curve, one.title) for one in analysis.modalities)]
    texts = [f"{showable(heading)}  {fitted(showable(title), 1.2, SMALL_POINTS)}" for heading, title in titles]
    legend = page.figure.legend(
        [Line2D([], [], linestyle="none") for _ in texts],
        texts,
        loc="upper right",
        bbox_to_anchor=(1 - MARGIN / WIDTH, 1 - 0.12 / page.height),
        ncols=4 if len(texts) <= 4 else 3,
        frameon=False,
        prop={"family": families(), "size": SMALL_POINTS},
        labelcolor=INK,
        handlelength=0,
        handletextpad=0,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.4,
        columnspacing=1.4,
    )
    legend.set_in_layout(False)


def _draw_key(axes: Axes) -> None:
    """The colours of the seven, of two at once, of 'none' and of a gap; places in inches."""
    axes.set(xlim=(0, WIDTH - 2 * MARGIN), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    left = 0.0
    for name in BASIC:
        axes.add_patch(Rectangle((left, 0.1), _SWATCH, 0.8, facecolor=EMOTIONS[name], linewidth=0))
        left = _write(axes, left, name)
    for low, high, name in ((0.42, 0.9, "Fear"), (0.1, 0.42, "Surprise")):
        axes.add_patch(Rectangle((left, low), _SWATCH, high - low, facecolor=EMOTIONS[name], linewidth=0))
    left = _write(axes, left, "blend: first emotion above")
    style: dict[str, Any] = {"facecolor": "white", "edgecolor": HATCH, "hatch": "//////", "linewidth": 0}
    axes.add_patch(Rectangle((left, 0.1), _SWATCH, 0.8, **style))
    left = _write(axes, left, f"{NONE}: cannot tell")
    axes.add_patch(Rectangle((left, 0.1), _SWATCH, 0.8, facecolor="white", edgecolor=FAINT, linewidth=0.6))
    _write(axes, left, "empty: no data")


def _write(axes: Axes, left: float, text: str) -> float:
    """Writes a text beside a swatch and gives the place of the next one."""
    axes.text(left + _SWATCH + 0.05, 0.46, text, va="center", size=SMALL_POINTS, color=INK, family=families())
    return left + _SWATCH + 0.05 + width_of(text, SMALL_POINTS) + 0.16
