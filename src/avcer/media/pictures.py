"""Frames: upright, in presentation order, each with its time; all of them, or the ones shown at given times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import inf
from typing import Final

import av

from avcer.errors import InputError
from avcer.media.container import SEEK_AHEAD_S, SeekingFailedError, untimed
from avcer.media.film import Film, open_film
from avcer.media.probe import clip_of, describe_rate, stated_end_s
from avcer.media.remedies import indexes
from avcer.media.source import Given, Source
from avcer.media.tracks import listed, moving_streams
from avcer.media.upright import Upright
from avcer.types import SAME_TIME_S, Clip, Frame, Image

CUT_SHORT_S: Final = 0.5
"""A file that ends this much before its own header says is reported as cut short; headers are off by less."""

UNREAD: Final = 0.2
"""A file of which this share lies behind the last packet holds more than can be read."""
NO_INDEX_BEHIND: Final = ("flv", "matroska")
"""Formats in which nothing large comes after the last packet."""


class Pictures:
    """Iterates over a clip's frames, decoding as the caller consumes; memory does not grow with the clip.

    Each iteration starts at the beginning. ``count`` (frames so far), ``damaged`` (packets and frames skipped or
    distorted so far) and ``sizes`` keep up with it; ``warnings`` (one line each) are complete when it is.

    Args:
        source: a path, or a file object that is open for reading bytes.
        start_s: leave out what comes before, in seconds from the start of the clip (``Clip.start_s``).
        end_s: leave out the frames from here on.
        track: the number of the video track, from 1; None for the one that a player shows.
    """

    def __init__(
        self, source: Given, start_s: float | None = None, end_s: float | None = None, track: int | None = None
    ) -> None:
        self.source = Source.of(source)
        self.path = self.source.path
        self.start_s, self.end_s, self.track = start_s, end_s, track
        self.count = 0
        self.damaged = 0
        self.sizes: list[tuple[int, int, int]] = []
        """(index of the first frame, width, height) of every run of frames of one size."""
        self.warnings: list[str] = []
        self._first_s = self._last_s = self._reached_s = 0.0

    def __iter__(self) -> Iterator[Frame]:
        """Frames with rising times: the time stamps as stored, in seconds, not shifted to begin at 0. ``index`` counts
        from 0, also where ``start_s`` leaves frames out.

        Raises:
            InputError: as ``probe``; nothing is shown between ``start_s`` and ``end_s``. Damage inside the file is
                counted, not raised.
        """
        self.count, self.damaged, self.sizes, self.warnings = 0, 0, [], []
        try:
            yield from self._frames(may_seek=True)
        except SeekingFailedError:  # before the first frame
            yield from self._frames(may_seek=False)
        if not self.count and (self.start_s or self.end_s is not None):
            raise InputError(f"{self.source}: shows no frame between --start and --end; choose another span")

    def _frames(self, may_seek: bool) -> Iterator[Frame]:
        begin_s, end_s, seek = self._span_s(may_seek)
        with open_film(self.source, self.track) as film:
            upright = Upright(film.stream, lambda: film.decoder.key_s)
            ended = True
            for time_s, picture in _entered(film, begin_s) if seek else film.frames():
                if time_s >= end_s - SAME_TIME_S:
                    ended = False
                    self._reached_s = time_s
                    break
                if time_s >= begin_s - SAME_TIME_S:
                    frame = Frame(self.count, time_s, upright(picture))
                    self._note(frame, film)
                    yield frame
            self.damaged = film.decoder.damaged
            self.warnings = self._warnings(film, ended)
            if ended and not untimed(film.container):
                self._reached_s = max(self._reached_s, film.decoder.clock.reached_s or self._reached_s)
            self._reached_s = min(self._reached_s, end_s)

    def _span_s(self, may_seek: bool) -> tuple[float, float, bool]:
        """The times of the file between which frames are meant, and whether to enter it in the middle for them."""
        if self.start_s is None and self.end_s is None:
            return -inf, inf, False
        zero_s = clip_of(self.source, self.track).start_s
        end_s = inf if self.end_s is None else zero_s + self.end_s
        start_s = self.start_s or 0.0
        return (zero_s + start_s if start_s else -inf), end_s, may_seek and start_s > SEEK_AHEAD_S

    def measured(self, clip: Clip) -> Clip:
        """``clip`` with the number of its frames and their sizes; and, after all of them, with the length that it
        really has, where its header states none or one that is off by more than half a second; of a span, its length.
        """
        span = self.start_s is not None or self.end_s is not None
        measured_s = self._until_s(clip, span) - (self._first_s if span else min(self._first_s, clip.start_s))
        trusted = clip.duration_s > 0 and abs(clip.duration_s - measured_s) <= CUT_SHORT_S and not span
        duration_s = clip.duration_s if trusted else max(measured_s, 0.0)
        return replace(clip, frame_count=self.count, duration_s=duration_s, sizes=tuple(self.sizes))

    def _until_s(self, clip: Clip, span: bool) -> float:
        """When the last frame ends; of a span, not after the clip, which knows better than the average rate."""
        end_s = clip.start_s + clip.duration_s
        return min(self._reached_s, end_s) if span and end_s > self._last_s else self._reached_s

    def _note(self, frame: Frame, film: Film) -> None:
        """Keeps up with a frame."""
        height, width = frame.image.shape[:2]
        if not self.sizes or self.sizes[-1][1:] != (width, height):
            self.sizes.append((frame.index, width, height))
        self._first_s = frame.time_s if frame.index == 0 else self._first_s
        self._last_s, self._reached_s = frame.time_s, frame.time_s + 1 / film.rate
        self.count, self.damaged = self.count + 1, film.decoder.damaged

    def _warnings(self, film: Film, ended: bool) -> list[str]:
        warnings = []
        tracks = moving_streams(film.container)
        if len(tracks) > 1:
            warnings.append(listed(tracks, {film.stream.index: "analysed"}, "video"))
        if not film.rate_known:
            warnings.append(describe_rate(film))
        if film.decoder.clock.sections > 1:
            warnings.append(
                f"its time stamps start again in {_places(film.decoder.clock.sections - 1)}:"
                " the parts are taken to follow each other"
            )
        if len(self.sizes) > 1:
            sizes = list(dict.fromkeys(f"{width}x{height}" for _, width, height in self.sizes))
            warnings.append(f"the size of the picture changes in {_places(len(self.sizes) - 1)}: {', '.join(sizes)}")
        if ended:
            warnings += self._cut_short(film) + self._unread(film)
        if self.damaged:
            warnings.append(f"the picture is damaged in {_places(self.damaged)}: frames there are missing or distorted")
        return warnings

    def _unread(self, film: Film) -> list[str]:
        """The note about recordings that were put behind one another as bytes, of which only the first is played."""
        kind = film.container.format.name.split(",")[0]
        if kind == "mov":
            with self.source.open() as file:
                parts = indexes(file)
            return [f"the file holds {parts} recordings, and only the first is read: split it"] if parts > 1 else []
        share = 1 - film.decoder.read_to / max(film.container.size, 1)
        if kind not in NO_INDEX_BEHIND or share < UNREAD or not film.decoder.read_to:
            return []
        return [f"the last {share:.0%} of the file could not be read; if recordings were joined as bytes, split it"]

    def _cut_short(self, film: Film) -> list[str]:
        claimed_s, reached_s = stated_end_s(film), film.decoder.reached_s
        if claimed_s is None or reached_s is None or film.decoder.clock.sections > 1:
            return []
        if claimed_s - reached_s <= CUT_SHORT_S:
            return []
        length_s = claimed_s - (film.container.start_time or 0) / av.time_base
        claimed = film.stream.frames or round(length_s * film.rate)
        return [
            f"the file is cut short: {self.count} of about {claimed} frames could be decoded"
            f" (it ends at {reached_s:.1f} s of {claimed_s:.1f} s)"
        ]


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def _entered(film: Film, begin_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """The frames from a little before ``begin_s`` on.

    Raises:
        SeekingFailedError: the file's index leads astray; no frame has been given out then.
    """
    frames = film.entered(begin_s)
    first = next(frames, None)
    if first is None or first[0] > begin_s + SAME_TIME_S:
        raise SeekingFailedError
    yield first
    yield from frames


def frames_at(source: Given, times_s: Iterable[float], track: int | None = None) -> Iterator[tuple[float, Image]]:
    """``(time_s, image)`` of the frame shown at each of the given times, which must rise.

    Shown is the last frame that is not later than the time (by more than half a millisecond), or the first of the
    clip; ``time_s`` is the frame's own. Long ways are skipped by seeking; where the file's index leads astray, it
    is decoded from the start instead. ``track`` is the number of the video track, as for ``Pictures``.

    Raises:
        InputError: as ``probe``.
    """
    wanted = list(times_s)
    done = 0
    try:
        for shown in _shown(Source.of(source), wanted, track, may_seek=True):
            done += 1
            yield shown
    except SeekingFailedError:
        yield from _shown(Source.of(source), wanted[done:], track, may_seek=False)


def _shown(source: Source, times_s: list[float], track: int | None, may_seek: bool) -> Iterator[tuple[float, Image]]:
    with open_film(source, track) as film:
        upright = Upright(film.stream, lambda: film.decoder.key_s)
        frames = film.frames()
        shown, ahead = None, next(frames, None)
        least_s = SEEK_AHEAD_S if may_seek else inf
        for time_s in times_s:
            if ahead is not None and time_s - ahead[0] > least_s:
                before_s = ahead[0]
                frames = film.entered(time_s)
                shown, ahead = None, next(frames, None)
                if ahead is None or ahead[0] > time_s + SAME_TIME_S:
                    raise SeekingFailedError
                if ahead[0] <= before_s:  # key frames so far apart that seeking goes back: only longer ways are sought
                    least_s = 2 * (time_s - before_s)
            while ahead is not None and (shown is None or ahead[0] <= time_s + SAME_TIME_S):
                shown, ahead = ahead, next(frames, None)
            if shown is None:
                return
            yield shown[0], upright(shown[1])
