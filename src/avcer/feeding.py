"""Feeding: from a source (a file, a camera, a stream of frames and sound) into a session, on threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from threading import Lock
from types import TracebackType
from typing import BinaryIO, Final, Protocol, TypeAlias, cast

from avcer.analysis import Analysis
from avcer.errors import UsageError
from avcer.media import Live, Pictures, Sound, SoundBlock, open_sound, probe
from avcer.media.source import Given
from avcer.media.source import Source as Recording
from avcer.prefetch import prefetch
from avcer.sampling import batches
from avcer.session import Session
from avcer.settled import Update
from avcer.types import Clip, Frame, Progress, no_progress
from avcer.waiting import result_of

Source: TypeAlias = "str | PathLike[str] | BinaryIO | Iterable[Frame | SoundBlock]"
"""What can be analysed: a recording, as a path or a binary file object; or frames and sound as they come."""

ITEMS_AHEAD: Final = 8
"""So many frames and blocks of a mixed source are read before they are asked for."""
LIVE_LATENCY_S: Final = 0.5
"""The limit of latency for a camera or a stream, unless the caller says otherwise."""
BLOCKS_AHEAD: Final = 32
"""So many blocks of sound may wait for the audio model before the source has to."""


class Feeder(Protocol):
    """Feeds a session from one source."""

    @property
    def info(self) -> Clip | None:
        """What is known of the clip before."""
        ...

    @property
    def latency_s(self) -> float | None:
        """The limit of latency that suits the source; None for none."""
        ...

    def feed(self, session: Session, hook: StoppableHook) -> Iterator[None]:
        """Feeds all of the source, and yields whenever there may be an update."""
        ...


class StoppedError(Exception):
    """The other half of the analysis has failed."""


class StoppableHook:
    """The caller's hook for progress, called by one thread at a time. Once ``stopped``, it stops whoever calls it."""

    def __init__(self, progress: Progress = no_progress) -> None:
        self.stopped = False
        self._progress = progress
        self._lock = Lock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """See ``Progress``."""
        with self._lock:
            if self.stopped:
                raise StoppedError
            self._progress(stage, done, total)

    def stop_if_failed(self, done: Future[None]) -> None:
        """Stops if the work done has ended in an error."""
        self.stopped = self.stopped or done.exception() is not None


@dataclass(frozen=True)
class FileFeeder:
    """Feeds the pictures and the sound of a recording, each on a thread of its own.

    ``sound``: None where there is none that can be decoded.
    """

    info: Clip
    pictures: Pictures
    sound: Sound | None
    latency_s: float | None = None

    def feed(self, session: Session, hook: StoppableHook) -> Iterator[None]:
        """See ``Feeder``. Where one half fails, the other is stopped, and the first error is raised."""
        with ThreadPoolExecutor(1, thread_name_prefix="avcer-sound") as thread:
            hearing = thread.submit(self._feed_sound, session)
            hearing.add_done_callback(hook.stop_if_failed)
            try:
                yield from self._feed_pictures(session)
                result_of(hearing)
                yield
            except StoppedError:
                result_of(hearing)  # raises what went wrong with the sound
                raise
            except BaseException:
                hook.stopped = True
                raise
        session.measured(self.pictures.measured(self.info))
        session.note(*self.pictures.warnings, *(self.sound.warnings if self.sound is not None else ()))

    def _feed_pictures(self, session: Session) -> Iterator[None]:
        frames = session.stages.timed("decode", self.pictures)
        with closing(prefetch(batches(frames, session.plan.sampling), count=1)) as ready:
            for batch in ready:
                session.see(batch)
                yield
        session.end_pictures()
        yield

    def _feed_sound(self, session: Session) -> None:
        if self.sound is None:
            there = self.info.has_audio
            session.note("the sound cannot be decoded" if there else "there is no sound stream")
        else:
            for block in session.stages.timed("sound", self.sound):
                session.hear(block)
            if self.sound.start_s is None:
                session.note("the sound stream is empty")
        session.end_sound()


@dataclass(frozen=True)
class MixedFeeder:
    """Feeds frames and blocks of sound as they come from one iterable, such as a camera."""

    items: Iterable[Frame | SoundBlock]
    info: Clip | None = None
    latency_s: float | None = None

    def feed(self, session: Session, hook: StoppableHook) -> Iterator[None]:
        """See ``Feeder``. The audio model runs in a thread of its own."""
        waiting: deque[Future[None]] = deque()
        with (
            ThreadPoolExecutor(1, thread_name_prefix="avcer-sound") as thread,
            closing(prefetch(session.stages.timed("decode", self.items), ITEMS_AHEAD)) as items,
        ):
            try:
                for item in items:
                    if isinstance(item, Frame):
                        session.see([item])
                    else:
                        waiting.append(thread.submit(session.hear, item))
                    while waiting and (waiting[0].done() or len(waiting) > BLOCKS_AHEAD):
                        result_of(waiting.popleft())
                    yield
                session.end_pictures()
                while waiting:
                    result_of(waiting.popleft())
                session.end_sound()
                if isinstance(self.items, Live) and self.items.damaged:
                    session.note(f"{self.items.damaged} damaged packets were skipped")
                yield
            except BaseException:
                hook.stopped = True
                thread.shutdown(cancel_futures=True)
                raise


def open_source(
    source: Source,
    start_s: float | None = None,
    end_s: float | None = None,
    audio_track: int | None = None,
    video_track: int | None = None,
) -> Feeder:
    """What feeds a session from a recording or from an iterable of frames and sound.

    Args:
        source: see ``Source``.
        start_s, end_s: the part of a recording that is meant, in seconds from the start of the clip.
        audio_track, video_track: which tracks of a recording, from 1.

    Raises:
        UsageError: bytes, in place of what they are read from.
        InputError: a recording that is missing, a folder, empty, not media, or without such a picture or track.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        raise UsageError("a recording is no bytes: give a path, or io.BytesIO(...) for bytes")
    if isinstance(source, str | PathLike) or not isinstance(source, Iterable) or hasattr(source, "read"):
        recording = Recording.of(cast(Given, source))
        info = probe(recording, video_track)
        pictures = Pictures(recording, start_s, end_s, video_track)
        sound = open_sound(recording, start_s, end_s, audio_track, video_track) if info.has_audio else None
        return FileFeeder(info, pictures, sound)
    return MixedFeeder(source, latency_s=LIVE_LATENCY_S if isinstance(source, Live) else None)


def feeding(feeder: Feeder, session: Session, hook: StoppableHook) -> Generator[None, None, None]:
    """``feeder.feed``, which closes the session if it does not come to its end."""
    try:
        yield from feeder.feed(session, hook)
    except BaseException:
        session.close()
        raise


class Stream:
    """The updates of a source, one after the other; ``analysis`` once they have come to their end.

    Close it, or use it as a context, to stop early.
    """

    def __init__(self, feeder: Feeder, session: Session, hook: StoppableHook) -> None:
        self.analysis: Analysis | None = None
        self._session = session
        self._ticks = feeding(feeder, session, hook)
        self._updates = self._all()

    def __iter__(self) -> Iterator[Update]:
        return self

    def __next__(self) -> Update:
        return next(self._updates)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops feeding, and ends the threads."""
        self._updates.close()
        self._ticks.close()
        self._session.close()

    def _all(self) -> Generator[Update, None, None]:
        for _ in self._ticks:
            yield from self._session.updates()
        self.analysis = self._session.finish()
        yield from self._session.updates()
