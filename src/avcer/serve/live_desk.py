"""One live analysis of the service: works off a client's messages, and keeps the recording as a job."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final

from avcer.live.inbox import Arrived, Taken
from avcer.live.record import Recording
from avcer.live.run import of_recording
from avcer.live.watch import Watch
from avcer.media import SoundBlock
from avcer.serve.columns import coloured
from avcer.serve.live_messages import Newest, Sent, decoded
from avcer.serve.places import Places
from avcer.serve.service import Service
from avcer.types import Frame
from avcer.words import USUAL_FORMATS

ROOM_EVERY_S: Final = 10.0
"""Between two looks whether the disk, and the quota, have room for the recording."""


@dataclass(frozen=True)
class Asked:
    """How a client wants it."""

    options: dict[str, Any]
    record: bool
    name: str


class Desk:
    """Works off what a client sends, in a thread of its own; ``tell`` gets each answer."""

    def __init__(self, service: Service, places: Places, asked: Asked, tell: Callable[[dict[str, Any]], None]) -> None:
        self.newest = Newest()
        self.done: Future[dict[str, Any]] = Future()
        self._service, self._places, self._asked, self._tell = service, places, asked, tell
        self._zero_s: float | None = None
        self._last_s = -1.0
        self._check_s = 0.0
        Thread(target=self._work, daemon=True, name="avcer-live").start()

    def _work(self) -> None:
        try:
            self.done.set_result(self._watch())
        except BaseException as error:  # whoever waits for the result is told
            self.done.set_exception(error)

    def _watch(self) -> dict[str, Any]:
        job = self._service.jobs.new_id()
        folder = self._service.jobs.place(job)
        recording: Recording | None = None
        analyzer = self._places.analyzer(self._asked.options)
        self._tell({"ready": True, **coloured(analyzer.options.vocabulary())})
        count = 0
        with Watch(analyzer) as watch:
            try:
                while not (sent := self.newest.take()).ended:
                    taken, number = self._taken(sent)
                    if self._asked.record and recording is None:
                        folder.mkdir(mode=0o700)
                        recording = Recording(folder)
                    if recording is not None:
                        self._check_room()
                        recording.add(taken)
                    for result in watch.feed(taken):
                        count += 1
                        self._tell({"id": number, **_plain(asdict(result)), "skipped": self.newest.skipped})
            except BaseException:
                if recording is not None:
                    recording.finish()
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            video = recording.finish() if recording is not None else None
            if video is None or not count:
                shutil.rmtree(folder, ignore_errors=True)
                return {"stopped": True, "job": None, "frames": count}
            analysis = of_recording(watch.finish(), clip := video.replace(folder / "clip.mp4"))
        analysis.save(folder / "results", USUAL_FORMATS)
        self._keep(job, clip, len(analysis.times_s))
        return {"stopped": True, "job": job, "frames": count}

    def _check_room(self) -> None:
        """Now and then: it reads the sizes of all files of all jobs."""
        if time.monotonic() >= self._check_s:
            self._service.room(0)
            self._check_s = time.monotonic() + ROOM_EVERY_S

    def _keep(self, job: str, clip: Path, frames: int) -> None:
        name = f"{self._asked.name} {time.strftime('%Y-%m-%d %H:%M:%S')}"
        self._service.jobs.add(job, name, clip, self._asked.options, "done", frames)

    def _taken(self, sent: Sent) -> tuple[Taken, int]:
        """The same on a clock that begins at 0, the picture decoded; and the picture's number."""
        blocks = sent.sound or []
        if self._zero_s is None:
            starts = [block.start_s for block in blocks[:1]] + ([sent.picture[1]] if sent.picture else [])
            self._zero_s = min(starts)
        taken = Taken(sound=[SoundBlock(block.start_s - self._zero_s, block.samples) for block in blocks])
        if sent.picture is None:
            return taken, -1
        number, time_s, coded, at_s = sent.picture
        time_s -= self._zero_s
        if time_s > self._last_s:  # a client whose clock goes back waits until it has come round
            self._last_s = time_s
            taken.frames.append(Arrived(Frame(0, time_s, decoded(coded)), at_s))
        return taken, number


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    del document["stamps_s"]
    return document
