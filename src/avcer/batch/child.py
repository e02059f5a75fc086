"""The parent's side of a worker: starts it, gives it a job, waits with a time limit, and says how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO, Any, Final, Literal

from avcer.errors import UsageError, named

COMMAND: Final = (sys.executable, "-m", "avcer.batch.worker")
START_S: Final = 300.0
"""The longest that loading the models may take."""
STARTS: Final = 5
STALLED_S: Final = 900.0
"""A worker that reports no progress for so long hangs, time limit or not."""
JOBS_EACH: Final = 500
"""A worker is replaced after so many clips: should a library leak, it does not add up over a corpus."""
_LAST_WORDS: Final = 300
_ANSWERED: Final = ("error", "facts", "files", "kind", "trace")


@dataclass(frozen=True)
class Setup:
    """What all workers share: ``Options.to_dict()``, the words of the formats, the command that starts one."""

    options: Mapping[str, Any]
    formats: Sequence[str]
    command: Sequence[str] = COMMAND


@dataclass(frozen=True)
class Job:
    """One clip to analyse: ``folder`` is where its results go; it is made by the worker."""

    id: str
    path: Path
    folder: Path
    start_s: float | None = None
    end_s: float | None = None

    def order(self) -> dict[str, Any]:
        """The job as the worker reads it."""
        return {"path": str(self.path), "folder": str(self.folder), "start_s": self.start_s, "end_s": self.end_s}


@dataclass(frozen=True)
class Outcome:
    """How a job ended: ``done``; ``failed`` with the error in one line; ``died``, with its worker; ``late``: it took
    longer than it may; ``stopped`` by the caller. ``files`` are the names of the results, ``trace`` is the traceback
    of an error.
    """

    state: Literal["done", "failed", "died", "late", "stopped"]
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] = ()
    kind: str = ""
    trace: str = ""


Report = Callable[[str, int, int], None]


class Worker:
    """A worker process, started when the first job comes and again after it has ended. Close it when done."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[str] | None = None
        self._answers: SimpleQueue[str | None] = SimpleQueue()
        self._said: dict[str, Any] = {}
        self._jobs = 0

    def run(self, job: Job, timeout_s: float | None, stop: Event, report: Report) -> Outcome:
        """Has one clip analysed.

        Args:
            job: the clip.
            timeout_s: it may take this long, loading the models not counted; None for as long as it makes progress.
            stop: when set, the worker is ended.
            report: told of the progress: stage, done, total.

        Raises:
            AvcerError: no worker can start with these options, see ``start``.
        """
        self.start(stop)
        self._jobs += 1
        self._send(job.order())
        begun_s = heard_s = time.monotonic()
        while True:
            message = self._next(0.1)
            now_s = time.monotonic()
            heard_s = now_s if message else heard_s
            ended = _stopped(stop) or _overdue(job, timeout_s, now_s - begun_s, now_s - heard_s)
            if ended:
                self.close()
                return ended
            if message and message["state"] == "working":
                report(message["stage"], message["done"], message["total"])
            elif message:
                return self._outcome(job, message)

    @property
    def pid(self) -> int | None:
        """Of the process, None while there is none."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Ends the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        self._log.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, stop: Event) -> dict[str, Any]:
        """Starts the process unless it runs, and returns what it says of itself: the ``identity`` of its analyses.

        A process that is killed while it starts is started again, ``STARTS`` times in all.

        Raises:
            UsageError, ModelError, MissingExtraError: it cannot work with these options, or does not start.
        """
        if self._process is not None and (self._jobs >= JOBS_EACH or self._process.poll() is not None):
            self.close()
        why = ""
        for _ in range(STARTS):
            if self._process is not None or stop.is_set():
                return self._said
            why = self._start_once(stop)
        if self._process is None and not stop.is_set():
            raise UsageError(f"no worker can start: {why}")
        return self._said

    def _start_once(self, stop: Event) -> str:
        """Starts the process and waits until it is ready; why it is not, where that fails."""
        self._answers, self._jobs = SimpleQueue(), 0
        try:
            self._log = TemporaryFile()  # noqa: SIM115 - it lives as long as the process
            self._process = self._popen(self._log)
        except OSError as error:
            return f"the system refuses a process ({error.strerror or error})"
        Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        self._send({"options": dict(self._setup.options), "formats": list(self._setup.formats)})
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and not stop.is_set():
            message = self._next(0.1)
            if message and message["state"] == "ready":
                self._said = message
                return ""
            if message and message["state"] == "unfit":
                self.close()
                raise named(message.get("kind", ""), UsageError)(message["error"])
            if message:
                return self._why_it_ended()
        self.close()
        return f"it is not ready after {START_S:g} s"

    def _popen(self, log: IO[bytes]) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                self._setup.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                encoding="utf-8", errors="surrogateescape",
            )  # fmt: skip
        except OSError:
            log.close()
            raise

    def _outcome(self, job: Job, message: Mapping[str, Any]) -> Outcome:
        if message["state"] == "gone":
            return Outcome("died", f"{job.path}: {self._why_it_ended()}")
        return Outcome(**{name: message[name] for name in ("state", *_ANSWERED) if name in message})

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):  # it has gone: its last answer says so
                print(json.dumps(message), file=self._process.stdin, flush=True)

    def _next(self, wait_s: float) -> dict[str, Any] | None:
        try:
            line = self._answers.get(timeout=wait_s)
        except Empty:
            return None
        if line is None:
            return {"state": "gone"}
        message: dict[str, Any] = json.loads(line)
        return message if "state" in message else {"state": "working", **message}

    def _why_it_ended(self) -> str:
        """In words, after the process has closed its output."""
        if self._process is None:
            return "its process was ended"
        status = self._process.wait()
        words = _last_words(self._log)
        self.close()
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
            return f"its process was killed ({name}); it may need more memory than there is, or be damaged: convert it"
        return f"its process ended with status {status}{f' ({words})' if words else ''}; convert the clip"


def _stopped(stop: Event) -> Outcome | None:
    return Outcome("stopped", "interrupted") if stop.is_set() else None


def _overdue(job: Job, timeout_s: float | None, worked_s: float, silent_s: float) -> Outcome | None:
    """The end of a job that has taken too long, or whose worker has said nothing for too long."""
    if timeout_s is not None and worked_s > timeout_s:
        return Outcome("late", f"{job.path}: took longer than {timeout_s:g} s; raise --timeout, or convert it")
    if silent_s > STALLED_S:
        return Outcome("late", f"{job.path}: no progress for {STALLED_S:g} s; convert the clip and try again")
    return None


def _listen(process: subprocess.Popen[str], answers: SimpleQueue[str | None]) -> None:
    if process.stdout:
        with contextlib.suppress(ValueError, OSError):  # closed by ``close``
            for line in process.stdout:
                answers.put(line)
    answers.put(None)


def _last_words(log: Any) -> str:
    log.seek(max(log.seek(0, os.SEEK_END) - 4 * _LAST_WORDS, 0))
    lines = log.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:_LAST_WORDS] for line in reversed(lines) if line.strip()), "")
