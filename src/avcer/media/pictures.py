"""Frames: upright, in presentation order, each with its time; all of them, or the ones shown at given times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from avcer.media.clock import in_order, rising
from avcer.media.container import Decoder, open_media, video_stream
from avcer.media.probe import average_rate, quarter_turns
from avcer.types import Frame, Image

CUT_SHORT_S: Final = 0.5
"""A file that ends this much before its own header says is reported as cut short; headers are off by less."""

SEEK_AHEAD_S: Final = 5.0
"""``frames_at`` seeks rather than decodes over more than this; key frames are commonly 0.5-10 s apart."""

SAME_TIME_S: Final = 0.0005
"""Half a millisecond: a frame counts as shown at a time that was rounded to whole milliseconds, as some files do."""


class Pictures:
    """Iterates over a clip's frames, decoding as the caller consumes; memory does not grow with the clip.

    Each iteration starts at the beginning. ``count`` (frames so far) and ``damaged`` (packets and frames skipped or
    distorted so far) keep up with it; ``warnings`` (one line each) are complete when it is.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.count = 0
        self.damaged = 0
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        """Frames with rising times: the time stamps as stored, in seconds, not shifted to begin at 0.

        Raises:
            InputError: as ``probe``; damage inside the file is counted, not raised.
        """
        self.count, self.damaged, self.warnings = 0, 0, []
        with open_media(self.path) as container:
            stream = video_stream(self.path, container)
            decoder = Decoder[av.VideoFrame](container, stream)
            upright = _Upright()
            for time_s, picture in _dated(container, stream, decoder):
                self.count, self.damaged = self.count + 1, decoder.damaged
                yield Frame(self.count - 1, time_s, upright(picture))
            self.damaged = decoder.damaged
            self.warnings = self._warnings(container, stream, decoder.reached_s)

    def _warnings(self, container: InputContainer, stream: VideoStream, reached_s: float) -> list[str]:
        warnings = []
        if container.duration is not None:
            claimed_s = (container.duration + (container.start_time or 0)) / av.time_base
            if claimed_s - reached_s > CUT_SHORT_S:
                claimed = stream.frames or round(container.duration / av.time_base * average_rate(stream))
                warnings.append(
                    f"the file is cut short: {self.count} of about {claimed} frames could be decoded"
                    f" (it ends at {reached_s:.1f} s of {claimed_s:.1f} s)"
                )
        if self.damaged:
            warnings.append(f"the picture is damaged in {self.damaged} places: frames there are missing or distorted")
        return warnings


def frames_at(path: str | PathLike[str], times_s: Iterable[float]) -> Iterator[tuple[float, Image]]:
    """``(time_s, image)`` of the frame shown at each of the given times, which must rise.

    Shown is the last frame that is not later than the time (by more than half a millisecond), or the first of the
    clip; ``time_s`` is the frame's own. Long ways are skipped by seeking; where the file's index leads astray, it
    is decoded from the start instead.

    Raises:
        InputError: as ``probe``.
    """
    wanted = list(times_s)
    done = 0
    try:
        for shown in _shown(Path(path), wanted, may_seek=True):
            done += 1
            yield shown
    except _SeekingFailedError:
        yield from _shown(Path(path), wanted[done:], may_seek=False)


class _SeekingFailedError(Exception):
    """The file cannot be entered in the middle."""


def _shown(path: Path, times_s: list[float], may_seek: bool) -> Iterator[tuple[float, Image]]:
    with open_media(path) as container:
        stream = video_stream(path, container)
        upright = _Upright()
        frames = _dated(container, stream, Decoder(container, stream))
        shown, ahead = None, next(frames, None)
        for time_s in times_s:
            if may_seek and ahead is not None and time_s - ahead[0] > SEEK_AHEAD_S:
                before_s = ahead[0]
                frames = _seek(container, stream, time_s)
                shown, ahead = None, next(frames, None)
                if ahead is None or ahead[0] > time_s + SAME_TIME_S:
                    raise _SeekingFailedError
                may_seek = ahead[0] > before_s  # key frames so far apart that seeking goes back: decode on instead
            while ahead is not None and (shown is None or ahead[0] <= time_s + SAME_TIME_S):
                shown, ahead = ahead, next(frames, None)
            if shown is None:
                return
            yield shown[0], upright(shown[1])


def _seek(container: InputContainer, stream: VideoStream, time_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """The frames from the last key frame before ``time_s`` on."""
    if stream.time_base is None:
        raise _SeekingFailedError
    try:
        container.seek(int(time_s / stream.time_base), stream=stream)
    except (av.FFmpegError, OSError) as error:
        raise _SeekingFailedError from error
    return _dated(container, stream, Decoder(container, stream))


def _dated(
    container: InputContainer, stream: VideoStream, decoder: Decoder[av.VideoFrame]
) -> Iterator[tuple[float, av.VideoFrame]]:
    # PyAV's stub denies that a frame may lack a time stamp
    frames: Iterator[tuple[float | None, av.VideoFrame]]
    frames = ((cast("float | None", frame.time), frame) for frame in decoder)
    if container.format.name == "avi" and stream.has_b_frames:
        frames = in_order(frames)
    return rising(frames, 1 / average_rate(stream))


class _Upright:
    """Turns decoded frames into upright BGR pictures of one size: that of the first."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        # A frame that converts itself prepares the conversion anew, which costs four times the conversion.
        self._converter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        # Recordings of video calls change their size on the way; boxes and tracks need one.
        self._size = self._size or (frame.width, frame.height)
        width, height = self._size
        stored = self._converter.reformat(frame, width, height, "bgr24").to_ndarray()
        return np.ascontiguousarray(np.rot90(stored, quarter_turns(frame)), dtype=np.uint8)
