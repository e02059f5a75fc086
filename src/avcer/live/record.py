"""The recording of what comes live: the clean pictures and the sound, written while the analysis runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet

from avcer.errors import AvcerError, one_of_many
from avcer.live.inbox import Taken
from avcer.media import SAMPLE_RATE, SoundBlock
from avcer.media.filming import FilmWriter, writing
from avcer.types import Frame

if TYPE_CHECKING:
    from avcer.output.annotated.canvas import Canvas

UNFINISHED: Final = "recording.unfinished.mp4"
"""While it is written; players can read it up to the last second, if the program or the machine goes."""
RECORDING: Final = "recording.mp4"
RATE: Final = 30.0
SOUND_BY_S: Final = 1.5
"""A source whose first sound does not come within this has none."""
MOST_WAITING: Final = 256
"""Groups of frames that wait for the encoder before the analysis has to."""


class Recording:
    """Writes frames and sound into a folder, in a thread of its own. ``failure`` is why it stopped, if it did."""

    def __init__(self, folder: Path) -> None:
        self.failure: AvcerError | None = None
        self._folder = folder
        self._groups: Queue[Taken | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._work, daemon=True, name="avcer-record")
        self._thread.start()

    def add(self, taken: Taken) -> None:
        """Takes what came next."""
        if self.failure is None:
            self._groups.put(taken)

    def finish(self) -> Path | None:
        """Ends the recording; gives the file, None where there was no frame or it could not be written."""
        self._groups.put(None)
        self._thread.join()
        unfinished = self._folder / UNFINISHED
        if self.failure is not None or not unfinished.exists():
            return None
        return unfinished.replace(self._folder / RECORDING)

    def _work(self) -> None:
        try:
            with one_of_many(self._folder / UNFINISHED):
                self._write()
        except AvcerError as error:  # whoever adds must not wait for ever
            self.failure = error
            while self._groups.get() is not None:
                pass

    def _write(self) -> None:
        from avcer.output.annotated.canvas import Canvas, fit  # Matplotlib is slow to import

        frames: deque[Frame] = deque()
        track = _Blocks()
        ended = False
        while not ended and not self._enough(frames, track):
            ended = self._gather(frames, track)
        if not frames:
            return
        height, width = frames[0].image.shape[:2]
        canvas = Canvas.of(width, height)
        out = np.zeros((canvas.height, canvas.width, 3), np.uint8)
        heard = track if track.blocks else None
        with writing(self._folder / UNFINISHED, out.shape[1::-1], RATE, heard, index_first=False) as film:
            while True:
                while len(frames) > 1:
                    fit(canvas, frames[0].image, out)
                    film.see(out, frames[0].time_s, frames[1].time_s - frames[0].time_s)
                    frames.popleft()
                if ended:
                    break
                ended = self._gather(frames, track)
            self._last(film, canvas, frames[0], out)

    def _last(self, film: FilmWriter, canvas: Canvas, frame: Frame, out: Any) -> None:
        from avcer.output.annotated.canvas import fit

        fit(canvas, frame.image, out)
        film.see(out, frame.time_s, 1 / RATE)

    def _gather(self, frames: deque[Frame], track: _Blocks) -> bool:
        """Takes the next group; whether it was the last."""
        taken = self._groups.get()
        if taken is None:
            return True
        frames += [arrived.frame for arrived in taken.frames]
        track.blocks += taken.sound
        return False

    def _enough(self, frames: deque[Frame], track: _Blocks) -> bool:
        """Whether it is known if there is sound."""
        if not frames:
            return False
        return bool(track.blocks) or frames[-1].time_s - frames[0].time_s > SOUND_BY_S


class _Blocks:
    """Blocks of sound as an AAC track; see ``filming.Track``."""

    def __init__(self) -> None:
        self.blocks: deque[SoundBlock] = deque()
        self._stream: Any = None
        self._ended = False

    def attach(self, container: OutputContainer) -> None:
        """See ``filming.Track``."""
        self._stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", bit_rate=64_000)

    def packets(self, until_s: float) -> Iterator[Packet[Any]]:
        """See ``filming.Track``. The next block may not have come yet; it is written with a later frame."""
        while self.blocks and self.blocks[0].start_s <= until_s:
            block = self.blocks.popleft()
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(block.samples[np.newaxis], np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = SAMPLE_RATE, round(block.start_s * SAMPLE_RATE)
            frame.time_base = Fraction(1, SAMPLE_RATE)
            yield from self._stream.encode(frame)
        if until_s == float("inf") and not self._ended:
            self._ended = True
            yield from self._stream.encode(None)
