"""What has come from a live source and was not taken yet: one thread puts it in, another takes all of it at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Condition, Thread
from typing import Final, NamedTuple

from avcer.errors import AvcerError
from avcer.media import SoundBlock
from avcer.types import Frame

MOST_WAITING_S: Final = 0.5
"""Frames of a longer time than this do not wait: where a machine cannot keep up at all, the oldest are left out."""


class Arrived(NamedTuple):
    """A frame, and when it came, on the clock of ``time.monotonic``."""

    frame: Frame
    at_s: float


@dataclass
class Taken:
    """All that has come since the last time: frames and blocks of sound in their order, and whether this is all."""

    frames: list[Arrived] = field(default_factory=list)
    sound: list[SoundBlock] = field(default_factory=list)
    ended: bool = False


class Inbox:
    """Gathers the frames and the sound of a source, whose clock it sets to begin at 0.

    ``zero_s`` is the source's time that became 0, None before the first item; ``skipped`` counts frames that nobody
    took in time; ``error`` is why the source ended, where it did so of itself in an error.
    """

    def __init__(self) -> None:
        self.zero_s: float | None = None
        self.skipped = 0
        self.error: AvcerError | None = None
        self._taken = Taken()
        self._changed = Condition()

    def put(self, item: Frame | SoundBlock, at_s: float | None = None) -> None:
        """Takes the next frame or block of sound; ``at_s`` is when it came, now if it is not given."""
        at_s = time.monotonic() if at_s is None else at_s
        with self._changed:
            if self.zero_s is None:
                self.zero_s = item.time_s if isinstance(item, Frame) else item.start_s
            if isinstance(item, Frame):
                self._put_frame(Arrived(replace(item, time_s=item.time_s - self.zero_s), at_s))
            else:
                self._taken.sound.append(SoundBlock(item.start_s - self.zero_s, item.samples))
            self._changed.notify()

    def end(self, error: AvcerError | None = None) -> None:
        """Says that nothing more comes."""
        with self._changed:
            self.error = self.error or error
            self._taken.ended = True
            self._changed.notify()

    def take(self, wait_s: float | None = None) -> Taken:
        """All that has come and was not taken yet; waits for something, ``wait_s`` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken.frames or self._taken.sound or self._taken.ended, wait_s)
            taken, self._taken = self._taken, Taken(ended=self._taken.ended)
        return taken

    def _put_frame(self, arrived: Arrived) -> None:
        frames = self._taken.frames
        frames.append(arrived)
        while frames[-1].frame.time_s - frames[0].frame.time_s > MOST_WAITING_S:
            frames.pop(0)
            self.skipped += 1


class Reader:
    """Reads a source in a thread of its own into an inbox, until it ends or is told to stop."""

    def __init__(self, source: Iterable[Frame | SoundBlock], inbox: Inbox) -> None:
        self._source = source
        self._inbox = inbox
        self._stopped = False
        self._thread = Thread(target=self._read, daemon=True, name="avcer-live")
        self._thread.start()

    def stop(self, patience_s: float = 1.0) -> None:
        """Stops after the item that is being read; a source that says nothing is left behind."""
        self._stopped = True
        self._thread.join(patience_s)

    def _read(self) -> None:
        error = None
        try:
            for item in self._source:
                if self._stopped:
                    break
                self._inbox.put(item)
        except AvcerError as failure:
            error = failure
        finally:
            self._inbox.end(error)
