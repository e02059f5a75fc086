"""A moment of the demonstration where the label is right, and one where it is wrong, as a picture and a sentence.

    python benchmarks/right_and_wrong.py [--figure docs/figures/right-and-wrong.png] [--write docs/decision.md]

The clip is a photograph that is moved, lit and hidden once, and a made-up voice: the face never changes, so whatever
else than Neutral is said is wrong.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avcer import Analyzer, media
from avcer.analysis import Analysis
from avcer.demo import make_clip
from avcer.labels import BASIC, NONE
from avcer.modalities import CURVES, FUSED
from avcer.output.colours import EMOTIONS
from avcer.output.page import INK, SOFT
from avcer.plotting import Axes, Figure, FigureCanvasAgg
from avcer.types import Double, Image
from page import circumstances, put

RIGHT: Final = BASIC[0]


@dataclass(frozen=True)
class Moment:
    """A frame: its time, what is said under which heading and how surely, the seven behind it, and the picture."""

    time_s: float
    heading: str
    label: str
    probability: float
    emotions: Double
    picture: Image
    seen: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, metavar="PNG")
    parser.add_argument("--write", type=Path, help="the page to put the sentences into")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        analysis = Analyzer().analyze(make_clip(Path(folder) / "portrait.mp4"))
        moments = [_middle(analysis, FUSED, right=True), _first_wrong(analysis)]
    text = "\n\n".join([circumstances("openvino", "numpy"), *(_sentence(one) for one in moments)])
    print(text)
    if chosen.figure:
        _draw(moments, chosen.figure)
    if chosen.write:
        put(chosen.write, text)


def _first_wrong(analysis: Analysis) -> Moment:
    """Of the label from all modalities; where that is never wrong, of one alone."""
    for heading in CURVES:
        if _rows(analysis, heading, right=False).any():
            return _middle(analysis, heading, right=False)
    raise SystemExit("nothing wrong is said of this clip: take another one")


def _rows(analysis: Analysis, heading: str, right: bool) -> Double:
    """``(T,)``: where Neutral is said, or else an emotion or a blend."""
    timeline = analysis.leader(heading)
    names = np.array([*timeline.labels, NONE], object)[timeline.classes]
    return timeline.valid & ((names == RIGHT) if right else (names != RIGHT) & (names != NONE))


def _middle(analysis: Analysis, heading: str, right: bool) -> Moment:
    """The middle of the longest stretch of such frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], _rows(analysis, heading, right).astype(int), [0]])))
    start, stop = max(edges.reshape(-1, 2).tolist(), key=lambda pair: pair[1] - pair[0])
    frame = (start + stop) // 2
    timeline = analysis.leader(heading)
    values = analysis.leader_fused().values[frame]
    (_, picture) = next(iter(media.frames_at(analysis.clip.path, [float(analysis.times_s[frame])], 1)))
    return Moment(
        time_s=float(analysis.times_s[frame]),
        heading=heading,
        label=timeline.label(int(timeline.classes[frame])),
        probability=float(timeline.probability[frame]),
        emotions=values / values.sum(),
        picture=picture,
        seen=any(face.track is not None and frame in face.track.frames for face in analysis.faces),
    )


def _sentence(moment: Moment) -> str:
    right = moment.label == RIGHT
    why = "The face is at rest." if right else _why_wrong(moment)
    said = f"{moment.heading} says {moment.label}, probability {moment.probability:.2f}"
    return f"* **{'Right' if right else 'Wrong'}**, at {moment.time_s:.2f} s: {said}. {why}"


def _why_wrong(moment: Moment) -> str:
    if not moment.seen:
        return "The face is hidden, and the made-up voice decides alone, of which nobody could say what it feels."
    return "The face is the same photograph as everywhere else in the clip."


def _draw(moments: list[Moment], path: Path) -> None:
    figure = Figure(figsize=(7.6, 2.3 * len(moments)), dpi=150, facecolor="white", layout="constrained")
    grid = figure.add_gridspec(len(moments), 2, width_ratios=(1, 1.3))
    for place, moment in enumerate(moments):
        shown = figure.add_subplot(grid[place, 0])
        shown.imshow(cv2.cvtColor(moment.picture, cv2.COLOR_BGR2RGB))
        shown.set_axis_off()
        word = "right" if moment.label == RIGHT else "wrong"
        shown.set_title(f"{moment.time_s:.2f} s", size=9, color=SOFT)
        bars = figure.add_subplot(grid[place, 1])
        _draw_bars(bars, moment)
        bars.set_title(f"{moment.heading}: {moment.label}, {moment.probability:.2f} ({word})", size=10, color=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)


def _draw_bars(axes: Axes, moment: Moment) -> None:
    """The fused probabilities of the seven."""
    axes.barh(range(len(BASIC)), moment.emotions, color=[EMOTIONS[name] for name in BASIC], height=0.75)
    axes.set_yticks(range(len(BASIC)), BASIC, size=8)
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])
    axes.invert_yaxis()
    axes.tick_params(labelsize=8, color=SOFT)
    axes.set_xlabel("probability, face and voice fused", size=8, color=SOFT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
