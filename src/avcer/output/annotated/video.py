"""From an analysis and its clip to the annotated video, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from avcer.analysis import Analysis
from avcer.decision.segments import frame_ends
from avcer.errors import InputError
from avcer.files import atomic
from avcer.media import Pictures, open_sound, probe
from avcer.media.filming import FilmWriter, writing
from avcer.media.soundtrack import soundtrack
from avcer.output.annotated.canvas import Canvas, draw_face, fit
from avcer.output.annotated.facts import Facts
from avcer.output.annotated.panel import MOST_RIBBONS, Panel
from avcer.output.corrections import read_corrections
from avcer.prefetch import prefetch
from avcer.processors import small_drawing
from avcer.types import Frame, Image

ANNOTATED: Final = "annotated.mp4"
SAME_TIME_S: Final = 0.001
"""Times of one frame that differ by less are equal: documents and some recordings round them."""
AHEAD: Final = 4
"""Frames that are decoded before they are drawn."""
OTHER_CLIP: Final = "is not the clip of this analysis: their frames have other times; give that clip with --video"


def write_annotated(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes the clip with boxes, labels, bars and ribbons drawn on it, and with its sound, to ``annotated.mp4``.

    It begins where the analysis does, and every frame is shown at its own time. Corrections in ``folder`` count.

    Raises:
        InputError: the clip cannot be read any more, or is another one.
        OutputError: the video cannot be written.
    """
    path = folder / ANNOTATED
    options = analysis.provenance.get("options", {})
    span = options.get("start"), options.get("end")
    zero_s = probe(analysis.clip.path, analysis.clip.video_track).start_s + (span[0] or 0.0)
    pictures = Pictures(analysis.clip.path, *span, analysis.clip.video_track)
    sound = open_sound(analysis.clip.path, *span, options.get("audio_track"), analysis.clip.video_track)
    limits_s = zero_s if span[0] else -np.inf, np.inf if span[1] is None else zero_s + span[1] - (span[0] or 0.0)
    video = _Video(analysis, folder, zero_s)
    rate = analysis.clip.average_rate
    with (
        soundtrack(sound, zero_s, limits_s) as track,
        atomic(path) as part,
        writing(part, video.canvas.size, rate, track) as film,
        small_drawing(),
    ):
        video.draw_all(pictures, film)
    return [path]


def drawing(analysis: Analysis, folder: Path) -> Iterator[Image]:
    """The pictures of the video of a black clip, for who wants to know what drawing costs; each overwrites the last."""
    video = _Video(analysis, folder, analysis.clip.start_s)
    black = np.zeros((analysis.clip.height, analysis.clip.width, 3), np.uint8)
    out = np.zeros((*video.canvas.size[::-1], 3), np.uint8)
    with small_drawing():
        for index, time_s in enumerate(analysis.times_s.tolist()):
            yield video.draw(Frame(index, time_s, black), out)


class _Video:
    """Draws the frames of one video."""

    def __init__(self, analysis: Analysis, folder: Path, zero_s: float) -> None:
        self._analysis = analysis
        self._zero_s = zero_s
        self._facts = Facts(analysis, read_corrections(folder))
        self._moments = self._facts.moments()
        self._ends_s = frame_ends(analysis.times_s, analysis.clip)
        self._first_size: tuple[int, int] | None = None
        self.canvas = Canvas.of(*_commonest(analysis))
        lasts_s = float(self._ends_s[-1] - zero_s) if len(self._ends_s) else 0.0
        self._panel = Panel(self.canvas, self._facts.ribbons(MOST_RIBBONS), zero_s, lasts_s)

    def draw_all(self, pictures: Pictures, film: FilmWriter) -> None:
        """Draws every frame of the clip, and writes it.

        Raises:
            InputError: the frames are not those of the analysis.
        """
        times_s, out = self._analysis.times_s, np.zeros((*self.canvas.size[::-1], 3), np.uint8)
        count = 0
        with closing(prefetch(pictures, AHEAD)) as frames:
            for frame in frames:
                if count >= len(times_s) or abs(frame.time_s - times_s[count]) > SAME_TIME_S:
                    raise InputError(f"{pictures.source}: {OTHER_CLIP}")
                lasts_s = float(self._ends_s[count]) - frame.time_s
                film.see(self.draw(frame, out), frame.time_s - self._zero_s, lasts_s)
                count += 1
        if count < len(times_s):
            raise InputError(f"{pictures.source}: {OTHER_CLIP}")

    def draw(self, frame: Frame, out: Image) -> Image:
        """Draws the next frame on ``out``, and gives it back."""
        moment = next(self._moments)
        scale, left, top = fit(self.canvas, frame.image, out)
        if self._first_size is None:  # of a copy in another size, the boxes have the size of the original
            self._first_size = frame.image.shape[1], frame.image.shape[0]
        clip, (width, height) = self._analysis.clip, self._first_size
        moved = np.array([width / clip.width, height / clip.height] * 2, np.float32) * scale
        for seen in moment.faces:
            draw_face(self.canvas, out, seen, seen.box * moved + np.array([left, top] * 2, np.float32))
        self._panel.draw(out, moment, frame.time_s, frame.index)
        return out


def _commonest(analysis: Analysis) -> tuple[int, int]:
    """The size that most frames have; of an analysis that was read back, that of the first."""
    clip = analysis.clip
    firsts = [first for first, _, _ in clip.sizes]
    if not firsts:
        return clip.width, clip.height
    _, width, height = clip.sizes[int(np.argmax(np.diff([*firsts, len(analysis.times_s)])))]
    return width, height
