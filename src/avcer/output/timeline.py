"""``timeline.png``: for each face the labels as a ribbon, the probabilities of the seven, and what each modality says.

Told first, with the pictures; drawn afterwards. So the clip is closed again before Matplotlib, which takes as much
memory as FFmpeg's index of hours, is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from avcer.analysis import Analysis
from avcer.files import atomic
from avcer.memory import give_back
from avcer.output.filmstrip import SLOTS, Filmstrip, cut_filmstrip
from avcer.output.story import Story, tell

if TYPE_CHECKING:
    from avcer.plotting import Figure

TOLD_BYTES: Final = 500
"""What telling takes for each frame, beside the story."""


def write_timeline(analysis: Analysis, path: Path) -> Path:
    """Draws the timeline into the PNG file ``path``, 10 inches wide at 200 dots an inch.

    The clip is opened again for the pictures; where that fails, they are left out.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = plot(analysis)
    with atomic(path) as part, part.open("wb") as file:
        from avcer.plotting import FigureCanvasAgg

        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(file)
    return path


def plot(analysis: Analysis, faces: bool = True) -> Figure:
    """The timeline as a figure; without ``faces``, or where the clip cannot be read again, without their pictures."""
    story = tell(analysis)
    give_back(TOLD_BYTES * len(analysis.times_s))
    film = film_of(analysis, story) if faces else None
    from avcer.output.sheet import draw_timeline

    return draw_timeline(analysis, story, film)


def film_of(analysis: Analysis, story: Story) -> Filmstrip:
    """The pictures for a story: a dozen of whoever leads, and one of each other face that has a panel."""
    edges_s = np.linspace(*story.limits_s, min(SLOTS, max(len(story.ends_s), 1)) + 1)
    shown = [told.face for told in story.panels if told.face is not None and told is not story.leading]
    return cut_filmstrip(analysis, story.moments_s, edges_s, shown)
