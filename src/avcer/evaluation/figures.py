"""Pictures of scores and weights for reports and docs: each takes numbers and writes one PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.decision.fuse import FusionWeights
from avcer.evaluation.statistics import metrics
from avcer.files import atomic
from avcer.labels import BASIC
from avcer.modalities import NAMES
from avcer.output.page import DPI, FAINT, INK, SOFT
from avcer.plotting import Axes, Figure, FigureCanvasAgg
from avcer.types import Boolean, Double, Integer

SHADES: Final = "Blues"
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
"""From Okabe and Ito's palette."""
TEXT: Final = 8
PANEL_EXTRA: Final = 3.2
"""What a panel of dots takes beside its rows, in rows: title, axis, and the space to the next one."""
LEAST_IN_BIN: Final = 5
"""Decisions that a bin of a reliability diagram has to have."""
LIGHT_FROM: Final = 0.55
"""Numbers on cells darker than this are white."""


@dataclass(frozen=True)
class Panel:
    """A panel of dots: name -> value, and the low and high end of its interval, not-a-number where it has none; which
    name is the ``reference``; what is ``measured``, a share; panels of one ``scale`` have one axis.
    """

    title: str
    measured: str
    points: Mapping[str, tuple[float, float, float]]
    reference: str
    scale: str


def draw_weights(weights: FusionWeights, path: Path) -> None:
    """The weight matrix, a row a model, a column an emotion."""
    figure = _figure(6.4, 2.2)
    axes = figure.add_subplot()
    _cells(axes, weights.values, [[f"{value:.2f}" for value in row] for row in weights.values])
    _ticks(axes, BASIC, [name.capitalize() for name in NAMES])
    axes.set_title(f"Fusion weights: {weights.name}", **_type(TEXT + 2))
    _write(figure, path)


def draw_confusions(tables: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Confusion matrices ``(7, 7)`` side by side: counts, shaded by the share of the true class."""
    figure = _figure(3.1 * len(tables), 3.3)
    for place, (name, counts) in enumerate(tables.items()):
        axes = figure.add_subplot(1, len(tables), place + 1)
        totals = counts.sum(axis=1, keepdims=True)
        shares = counts / np.maximum(totals, 1)
        _cells(axes, shares, [[str(count) if count else "" for count in row] for row in counts.tolist()])
        _ticks(axes, BASIC, BASIC if place == 0 else [""] * len(BASIC))
        axes.set_xlabel("predicted", **_type())
        axes.set_ylabel("true" if place == 0 else "", **_type())
        axes.set_title(name, **_type(TEXT + 1))
    _write(figure, path)


def draw_recalls(recalls: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Bars: of each emotion, how much of it each model finds."""
    emotions = [emotion for emotion in BASIC if any(emotion in one for one in recalls.values())]
    figure = _figure(max(1.1 * len(emotions) + 1, 1.3 * len(recalls)), 2.8)  # the legend wants room, too
    axes = figure.add_subplot()
    width = 0.8 / len(recalls)
    for place, (name, found) in enumerate(recalls.items()):
        heights = [found.get(emotion, float("nan")) for emotion in emotions]
        middles = np.arange(len(emotions)) + (place - (len(recalls) - 1) / 2) * width
        axes.bar(middles, heights, 0.9 * width, color=f"C{place}", label=name)
    axes.set_xticks(range(len(emotions)), emotions, size=TEXT)
    axes.set_ylim(0, 1)
    axes.set_ylabel("recall", **_type())
    axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=len(recalls))
    _plain(axes)
    axes.spines["right"].set_visible(False)
    _write(figure, path)


def draw_reliability(sets: Mapping[str, tuple[Integer, Double, Double]], path: Path) -> None:
    """Reliability diagrams side by side: of each set its labels ``(N,)`` and the probabilities ``(N, 7)`` before and
    after calibration. A dot is as large as its bin is full.
    """
    figure = _figure(2.6 * len(sets), 2.9)
    for place, (name, (labels, before, after)) in enumerate(sets.items()):
        axes = figure.add_subplot(1, len(sets), place + 1)
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, zorder=1)
        for values, colour, word in ((before, ORANGE, "before"), (after, BLUE, "after")):
            shares, confidence, right = metrics.reliability(labels, values, bins=10)
            full = shares > 0
            label = f"{word}, ECE {metrics.ece(labels, values):.3f}"
            axes.plot(confidence[full], right[full], color=colour, linewidth=1.2, label=label)
            axes.scatter(confidence[full], right[full], 250 * shares[full] + 4, color=colour, zorder=3)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_xlabel("confidence", **_type())
        axes.set_ylabel("accuracy" if place == 0 else "", **_type())
        axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper left")
        _plain(axes)
        axes.set_title(name, **_type(TEXT + 1))
    _write(figure, path)


def draw_how_sure(parts: Mapping[str, tuple[Double, Boolean]], path: Path) -> None:
    """Reliability diagrams side by side: of each part of the decisions their ``probability (N,)`` and whether they were
    ``right (N,)``. A dot is as large as its bin is full; the bar is its 95 % interval (Wilson, 1927). Bins with fewer
    than ``LEAST_IN_BIN`` are left out.
    """
    figure = _figure(2.15 * len(parts) + 0.3, 2.5)
    for place, (name, (probability, right)) in enumerate(parts.items()):
        axes = figure.add_subplot(1, len(parts), place + 1)
        shares, sure, hits = metrics.calibration(probability, right, 10)
        full = shares * len(right) > LEAST_IN_BIN - 0.5
        counts = shares[full] * len(right)
        low, high = _wilson(hits[full], counts)
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, zorder=1)
        axes.vlines(sure[full], low, high, color=BLUE, linewidth=1.2, zorder=2)
        axes.scatter(sure[full], hits[full], 160 * shares[full] + 6, color=BLUE, linewidth=0, zorder=3, clip_on=False)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        axes.set_xlabel("probability of the label", **_type())
        axes.set_ylabel("share that is right" if place == 0 else "", **_type())
        error = metrics.calibration_error(probability, right)
        axes.text(0.97, 0.05, f"ECE {error:.3f}", ha="right", **_type())
        _plain(axes)
        axes.set_title(f"{name} ({len(right)})", **_type(TEXT + 1))
    _write(figure, path)


def _wilson(share: Double, count: Double, z: float = 1.96) -> tuple[Double, Double]:
    """The ends of the interval of a share of so many."""
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


def draw_curves(runs: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Learning curves side by side: of each run its columns by name; the loss has its own axis, on the right."""
    figure = _figure(2.9 * len(runs), 3.2)
    for place, (name, columns) in enumerate(runs.items()):
        axes = figure.add_subplot(1, len(runs), place + 1)
        epochs = np.arange(1, len(next(iter(columns.values()))) + 1)
        other = axes.twinx()
        other.plot(epochs, columns["loss"], color=SOFT, linewidth=1, linestyle="--")
        other.set_ylabel("training loss (dashed)" if place == len(runs) - 1 else "", **_type())
        for index, (column, values) in enumerate((key, row) for key, row in columns.items() if key != "loss"):
            axes.plot(epochs, values, color=f"C{index}", linewidth=1.4, label=column)
        axes.set_xlabel("epoch", **_type())
        axes.set_ylim(0, 1)
        axes.set_ylabel("score" if place == 0 else "", **_type())
        axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        _plain(axes)
        _plain(other)
        axes.set_title(name, **_type(TEXT + 1))
    _write(figure, path)


def draw_dots(panels: Sequence[Panel], path: Path) -> None:
    """Two columns of panels, a dot a row with its interval and its number; a line and an open dot for the reference."""
    columns = _columns(panels)
    rows = max(sum(len(panel.points) + PANEL_EXTRA for panel in column) for column in columns)
    figure = _figure(3.7 * len(columns), 0.19 * rows + 0.45)
    sheets = figure.subfigures(1, len(columns), squeeze=False)[0]
    for column, sheet in zip(columns, sheets, strict=True):
        heights = [len(panel.points) + PANEL_EXTRA for panel in column]
        spare = max(rows - sum(heights), 0.01)
        grid = sheet.add_gridspec(len(column) + 1, 1, height_ratios=[*heights, spare])
        for place, panel in enumerate(column):
            _dots(sheet.add_subplot(grid[place]), panel, _limits(panels, panel.scale))
    figure.supxlabel("open dots and lines: the reference; bars: 95 % intervals", **_type(TEXT - 1))
    _write(figure, path)


def _columns(panels: Sequence[Panel]) -> list[list[Panel]]:
    """The panels in order, in two columns of about the same number of rows; a single one in one."""
    if len(panels) == 1:
        return [list(panels)]
    rows = np.cumsum([len(panel.points) + PANEL_EXTRA for panel in panels])
    cut = int(np.abs(2 * rows[:-1] - rows[-1]).argmin()) + 1
    return [list(panels[:cut]), list(panels[cut:])]


def _limits(panels: Sequence[Panel], scale: str) -> tuple[float, float]:
    """From a little below the least to a little above the largest value of the panels of one scale; no closer than a
    tenth, within 0 to 1.
    """
    values = [value for panel in panels if panel.scale == scale for value in np.ravel([*panel.points.values()])]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    missing = max(0.1 - (high - low), 0)
    high = min(high + missing / 2, max(high, 1.0))
    low = min(low, max(high - 0.1, 0.0))
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _dots(axes: Axes, panel: Panel, limits: tuple[float, float]) -> None:
    value = panel.points[panel.reference][0]
    axes.axvline(value, color=ORANGE, linewidth=0.9, zorder=1)
    for place, (name, (point, low, high)) in enumerate(panel.points.items()):
        axes.plot([low, high], [place, place], color=BLUE, linewidth=1.3, solid_capstyle="butt", zorder=2)
        filled = "white" if name == panel.reference else BLUE
        axes.plot(point, place, "o", markersize=4.5, color=BLUE, markerfacecolor=filled, zorder=3)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, f"{point:.3f}", transform=beside, va="center", size=TEXT - 1, color=SOFT)
    axes.set_yticks(range(len(panel.points)), list(panel.points), size=TEXT)
    axes.set(xlim=limits, ylim=(len(panel.points) - 0.4, -0.6))
    axes.set_xlabel(panel.measured, labelpad=1, **_type(TEXT - 1))
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    _plain(axes)
    axes.tick_params(axis="y", length=0, labelsize=TEXT)
    for side in ("left", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(panel.title, loc="left", **_type(TEXT + 1))


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _cells(axes: Axes, values: NDArray[Any], words: Sequence[Sequence[str]]) -> None:
    axes.imshow(values, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > LIGHT_FROM else INK
        axes.text(column, row, words[row][column], ha="center", va="center", size=TEXT - 1, color=colour)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _ticks(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor", size=TEXT)
    axes.set_yticks(range(len(rows)), rows, size=TEXT)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=TEXT - 1)
    axes.spines["top"].set_visible(False)


def _type(size: float = TEXT) -> dict[str, Any]:
    return {"size": size, "color": INK}


def _write(figure: Figure, path: Path) -> None:
    with atomic(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})
