"""Writing a film: pictures with times of their own as H.264, and sound beside them, in an MP4 file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet

from avcer.errors import OutputError
from avcer.processors import encoder_threads
from avcer.types import Image

TICKS: Final = 90_000
"""A second in units of the file: every usual rate of frames comes out in whole ones."""
BT601: Final = 6
"""FFmpeg's number of the colours that OpenCV converts to; said in the file, so that a player need not guess."""
QUALITY: Final = {"crf": "21", "preset": "ultrafast", "g": "60", "bf": "0"}
"""The fastest of x264: the encoder is most of the work, and the next preset costs half as much again for a file that is
a fifth smaller. A key frame every two seconds or so: players enter the film there when somebody seeks.
No frame refers to a later one: browsers would take the wrong length for a frame, and seek to its neighbour.
"""


class Track(Protocol):
    """A sound track that goes into the film."""

    def attach(self, container: OutputContainer) -> None:
        """Adds the stream to the file, before anything is written."""
        ...

    def packets(self, until_s: float) -> Iterator[Packet[Any]]:
        """What is heard up to a time and was not given before; infinity for all that is left."""
        ...


class FilmWriter:
    """An MP4 file that is being written; ``writing`` opens and closes it.

    Args:
        container: where to.
        size: width and height of the pictures, both even.
        rate: frames a second on average, which the encoder plans with.
        track: the sound, None for none.
    """

    def __init__(
        self, container: OutputContainer, size: tuple[int, int], rate: float, track: Track | None = None
    ) -> None:
        options = {**QUALITY, "threads": str(encoder_threads())}
        self._container = container
        self._stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001), options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        codec = self._stream.codec_context
        codec.time_base = Fraction(1, TICKS)
        codec.colorspace = BT601
        self._track = track
        self._last = -1
        if track is not None:
            track.attach(container)

    def see(self, image: Image, time_s: float, lasts_s: float) -> None:
        """Writes the next picture, ``(height, width, 3)`` BGR, and the sound up to it; times rise from 0 on."""
        # FFmpeg's own quick conversion rounds colours down, and greys become green.
        planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = self._last = max(round(time_s * TICKS), self._last + 1)
        frame.duration = max(round(lasts_s * TICKS), 1)
        frame.time_base = Fraction(1, TICKS)
        self._hear(time_s)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what waits in the encoder, and the rest of the sound."""
        self._container.mux(self._stream.encode(None))
        self._hear(float("inf"))

    def _hear(self, until_s: float) -> None:
        if self._track is not None:
            for packet in self._track.packets(until_s):
                self._container.mux(packet)


@contextmanager
def writing(
    path: Path, size: tuple[int, int], rate: float, track: Track | None = None, index_first: bool = True
) -> Iterator[FilmWriter]:
    """A film that is finished when the block ends well; ``path`` is written to directly.

    Args:
        path: of any name.
        size, rate, track: see ``FilmWriter``.
        index_first: whether a player can begin before it has all of the file, for which the file is written once more
            in the end; else the file can be read up to the last second wherever writing breaks off.

    Raises:
        OutputError: the file cannot be written.
    """
    flags = "+faststart" if index_first else "+frag_keyframe+delay_moov+default_base_moof"
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": flags}) as container:
            film = FilmWriter(container, size, rate, track)
            yield film
            film.finish()
    except av.FFmpegError as error:
        raise OutputError(f"{path}: the film cannot be written ({error}); free some space there") from error
