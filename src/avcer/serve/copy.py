"""Copies that browsers play, made on demand, each in a process of its own.

    python -m avcer.serve.copy CLIP TARGET VIDEO_TRACK AUDIO_TRACK

A track is a number from 1, or 0 for the usual one. The process reports lines of JSON, ``{"done": .., "total": ..}``,
and at the end ``{"error": ..}`` if it failed. It ends when its standard input does: the service is gone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

from avcer.quiet import own_stdout

FILE: Final = "playable.mp4"
COMMAND: Final = (sys.executable, "-m", "avcer.serve.copy")
_REPORT_EVERY_S: Final = 0.2


@dataclass
class Copy:
    """How far a copy is: ``state`` is making, done or failed."""

    state: str = "making"
    done: int = 0
    total: int = 0
    error: str | None = None

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


class Copies:
    """The copies that are being made; what is complete lies in the job's folder."""

    def __init__(self) -> None:
        self._made: dict[str, Copy] = {}
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._lock = Lock()
        self._turn = Lock()
        """One copy at a time: encoding takes all processors."""

    def state(self, job: str, folder: Path) -> Copy | None:
        """How far the copy is; None where none was asked for."""
        if (folder / FILE).exists():
            return Copy("done")
        return self._made.get(job)

    def start(self, job: str, clip: Path, folder: Path, tracks: tuple[int | None, int | None]) -> Copy:
        """Has the copy made, unless it is there or on its way."""
        with self._lock:
            found = self.state(job, folder)
            if found is None or found.state == "failed":
                found = self._made[job] = Copy()
                words = [str(clip), str(folder / FILE), *(str(track or 0) for track in tracks)]
                Thread(target=self._make, args=(job, words, found), daemon=True, name="avcer-copy").start()
            return found

    def stop(self, job: str) -> None:
        """Ends the making of a copy, as when its job is removed."""
        with self._lock:
            self._made.pop(job, None)
            process = self._processes.pop(job, None)
        if process is not None:
            process.kill()

    def _make(self, job: str, words: list[str], copy: Copy) -> None:
        with self._turn:
            try:
                with self._lock:
                    if self._made.get(job) is not copy:
                        return
                    process = self._processes[job] = subprocess.Popen(
                        [*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                    )
                error = _follow(process, copy)
            except OSError as refused:  # the system starts no more processes
                error = str(refused)
            with self._lock:
                self._processes.pop(job, None)
            copy.error = None if error is None else error.replace(words[0], "the clip")
            copy.state = "done" if error is None else "failed"


def _follow(process: subprocess.Popen[str], copy: Copy) -> str | None:
    """Notes what the process reports until it ends; gives why it failed, None if it did not."""
    error = "its process ended; see the terminal"
    with process:
        for line in process.stdout or ():
            told = json.loads(line)
            error = told.get("error", error)
            copy.done, copy.total = told.get("done", copy.done), told.get("total", copy.total)
        process.wait()  # its input stays open until it has ended: it takes the end of its input for the service's
    return error if process.returncode else None


def main(words: list[str]) -> int:
    """Makes one copy."""
    from avcer.errors import AvcerError
    from avcer.media.playable import write_playable

    answers = own_stdout()
    Thread(target=_end_with_parent, daemon=True).start()
    video_track, audio_track = (int(word) or None for word in words[2:])
    last_s = 0.0

    def progress(_: str, done: int, total: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _REPORT_EVERY_S:
            last_s = time.monotonic()
            print(json.dumps({"done": done, "total": total}), file=answers, flush=True)

    try:
        write_playable(Path(words[0]), Path(words[1]), video_track, audio_track, progress)
    except AvcerError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
