"""The sound of a clip: which track of it is heard, and its blocks on the video's clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import inf
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from avcer.media.assemble import Assembler, SoundBlock
from avcer.media.container import SEEK_AHEAD_S, Dated, Decoder, SeekingFailedError, open_media
from avcer.media.film import starts_again
from avcer.media.mono import channels_of
from avcer.media.probe import clip_of
from avcer.media.restarts import JointClock
from avcer.media.source import Given, Source
from avcer.media.tracks import audio_streams, clock_streams, listed, moving_streams, numbered_audio, video_stream
from avcer.media.windows import SILENCE

LONGEST_HEAD: Final = 500
"""Frames of sound without a time at the beginning, up to which the first time is looked for: some ten seconds."""
LOUD: Final = 1e-2
"""-40 dB of full scale: a track that reaches this is not silent, whatever the others hold."""
PRE_ROLL_S: Final = 1.0
"""Sound is decoded from this much before a span, since codecs need a few frames to be right."""


def open_sound(
    source: Given,
    start_s: float | None = None,
    end_s: float | None = None,
    track: int | None = None,
    video_track: int | None = None,
) -> Sound | None:
    """The clip's sound, or None where it has none or none that can be decoded.

    Of several audio tracks, those that belong to the picture's programme count, and of these the one that FFmpeg holds
    for the main sound, unless it is silent and another is not. Finding that out may decode a silent track to its end.

    Args:
        source: a path, or a file object that is open for reading bytes.
        start_s: leave out what is heard before, in seconds from the start of the clip (``Clip.start_s``), or of the
            sound where there is no picture.
        end_s: leave out what is heard from here on.
        track: the number of the audio track, from 1; None for the choice above.
        video_track: the number of the video track whose programme is meant, as for ``Pictures``.

    Raises:
        InputError: the file itself cannot be read, or has no such track.
    """
    source = Source.of(source)
    with open_media(source) as container:
        video = _picture(source, container, video_track)
        meant = audio_streams(container, video) if track is None else [numbered_audio(source, container, track)]
        indexes = [stream.index for stream in meant]
    levels = _levels(source, indexes)
    if not levels:
        return None
    # The first that is not silent, which is the last that was listened to; or else the loudest, of equals the first.
    loud = [index for index, level in levels.items() if level >= LOUD]
    index = loud[0] if loud else max(levels, key=levels.__getitem__)
    return Sound(source, index, levels, start_s, end_s, video_track)


class Sound:
    """Iterates over a clip's sound in blocks that follow each other without a hole, decoding as the caller consumes.

    Holes in the recording are zeros, overlaps are dropped, channels are averaged; where they cancel each other, the
    strongest is taken. Each iteration starts at the beginning. ``start_s`` is known from the first block on; ``end_s``
    and ``damaged`` (packets that could not be decoded, frames marked as distorted) keep up with the iteration;
    ``warnings`` (one line each) are complete after it. ``index`` is that of the track in the file. Made by
    ``open_sound``.
    """

    def __init__(
        self,
        source: Source,
        index: int,
        levels: dict[int, float],
        start_s: float | None,
        end_s: float | None,
        video_track: int | None,
    ) -> None:
        self.source = source
        self.path = source.path
        self.start_s: float | None = None
        self.end_s: float | None = None
        self.damaged = 0
        self.warnings: list[str] = []
        self.index = index
        self._levels = levels
        self._span = start_s, end_s
        self.video_track = video_track

    def __iter__(self) -> Iterator[SoundBlock]:
        """Blocks of at least half a second; nothing before the first sample of the recording or after its last."""
        begin_s, until_s = self._span_s()
        far = (self._span[0] or 0.0) > SEEK_AHEAD_S and not starts_again(self.source, self.video_track)
        try:
            yield from self._blocks(begin_s, until_s, seek=far)
        except SeekingFailedError:  # before the first block
            yield from self._blocks(begin_s, until_s, seek=False)

    def _span_s(self) -> tuple[float, float]:
        """The times of the file between which sound is meant."""
        start_s, end_s = self._span
        if start_s is None and end_s is None:
            return -inf, inf
        zero_s = self._zero_s()
        return zero_s + start_s if start_s else -inf, inf if end_s is None else zero_s + end_s

    def _zero_s(self) -> float:
        """The time of the file that a player shows as 0."""
        with open_media(self.source) as container:
            if not moving_streams(container):
                first = next(_with_head(iter(self._decoder(container))), None)
                return (first.time_s if first is not None else None) or 0.0
        return clip_of(self.source, self.video_track).start_s

    def _blocks(self, begin_s: float, until_s: float, seek: bool) -> Iterator[SoundBlock]:
        self.start_s, self.end_s, self.damaged, self.warnings = None, None, 0, []
        assembler = Assembler(begin_s, until_s)
        with open_media(self.source) as container:
            decoder = self._decoder(container)
            frames = _with_head(_entered(decoder, begin_s) if seek else iter(decoder))
            for time_s, frame in frames:
                self.damaged = decoder.damaged
                if time_s is not None and time_s >= until_s:
                    break
                yield from self._noted(assembler, assembler.feed(time_s, frame.sample_rate, channels_of(frame)))
            self.damaged = decoder.damaged
            yield from self._noted(assembler, assembler.finish())
            self.warnings = self._notes(container, assembler.cancelled)

    def _noted(self, assembler: Assembler, blocks: Iterator[SoundBlock]) -> Iterator[SoundBlock]:
        for block in blocks:
            self.start_s, self.end_s = assembler.start_s, assembler.end_s
            yield block

    def _decoder(self, container: InputContainer) -> Decoder[av.AudioFrame]:
        stream = container.streams[self.index]
        assert isinstance(stream, AudioStream)
        video = _picture(self.source, container, self.video_track)
        return Decoder(container, stream, JointClock.of(container, clock_streams(container, video, stream)))

    def _notes(self, container: InputContainer, cancelled: bool) -> list[str]:
        notes = []
        tracks = container.streams.audio
        if len(tracks) > 1:
            words = {index: "silent" if level < SILENCE else "quiet" for index, level in self._levels.items()}
            silent = {index: word for index, word in words.items() if self._levels[index] < LOUD}
            notes.append(listed(tracks, {**silent, self.index: "heard"}, "audio"))
        if cancelled:
            notes.append("the channels of its sound cancel each other: only the strongest of them is heard there")
        if self.damaged:
            notes.append(f"{self.damaged} damaged packets of sound were skipped")
        return notes


def _picture(source: Source, container: InputContainer, track: int | None) -> VideoStream | None:
    """The picture whose programme the sound belongs to; None in a file without."""
    return video_stream(source, container, track) if moving_streams(container) else None


def _entered(decoder: Decoder[av.AudioFrame], begin_s: float) -> Iterator[Dated[av.AudioFrame]]:
    """The frames from a little before ``begin_s`` on.

    Raises:
        SeekingFailedError: the file cannot be entered there; no frame has been given out then.
    """
    frames = decoder.entered(begin_s - PRE_ROLL_S)
    first = next(frames, None)
    if first is None or first.time_s is None or first.time_s > begin_s:
        raise SeekingFailedError
    yield first
    yield from frames


def _with_head(frames: Iterator[Dated[av.AudioFrame]]) -> Iterator[Dated[av.AudioFrame]]:
    """The same; frames without a time at the beginning count back from the first that has one."""
    head: list[Dated[av.AudioFrame]] = []
    for one in islice(frames, LONGEST_HEAD):
        head.append(one)
        if one.time_s is not None:
            break
    dated_s = head[-1].time_s if head else None
    missing_s = sum(frame.samples / frame.sample_rate for _, frame in head[:-1])
    if head and dated_s is not None:
        head[0] = Dated(dated_s - missing_s, head[0].frame)
    return chain(head, frames)


def _levels(source: Source, indexes: Sequence[int]) -> dict[int, float]:
    """How loud tracks that can be decoded are, up to the first that is not silent. A single one is not listened to."""
    levels: dict[int, float] = {}
    for index in indexes:
        level = _level(source, index, until=LOUD if len(indexes) > 1 else 0.0)
        if level is not None:
            levels[index] = level
            if level >= LOUD:
                break
    return levels


def _level(source: Source, index: int, until: float) -> float | None:
    """The largest sample of a track, or the first that reaches ``until``; None where nothing of it can be decoded."""
    level: float | None = None
    with open_media(source) as container:
        stream = container.streams[index]
        assert isinstance(stream, AudioStream)
        for _, frame in Decoder[av.AudioFrame](container, stream, JointClock.of(container, [])):
            level = max(level or 0.0, float(np.abs(channels_of(frame)).max(initial=0.0)))
            if level >= until:
                break
    return level
