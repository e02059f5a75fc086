"""Runs the queued jobs, each in a child process, so that cancelling, a crash and a hang cost one job only."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from avcer.batch.child import COMMAND, Job, Setup, Worker
from avcer.errors import AvcerError
from avcer.serve.jobs import Jobs
from avcer.words import USUAL_FORMATS

_SWEEP: Final = 600
"""Looks at the queue between two looks for jobs that are too old."""
_PAUSE_S: Final = 1.0
"""After a fault of the disk."""


class Runner:
    """``workers`` threads that take jobs from the queue."""

    def __init__(self, jobs: Jobs, workers: int = 1, keep_hours: float = 24.0, command: Sequence[str] = COMMAND):
        self._jobs, self._command, self._keep_hours = jobs, command, keep_hours
        self._stops: dict[str, Event] = {}
        self._lock = Lock()
        self._closing = Event()
        self._threads = [Thread(target=self._work, daemon=True, name="avcer-jobs") for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def remove(self, job: str) -> None:
        """Ends a job if it runs, and removes it with its files."""
        with self._lock:
            stop = self._stops.get(job)
            if stop is None:
                self._jobs.remove(job)
            else:
                self._jobs.end(job, "cancelled")
                stop.set()

    def close(self) -> None:
        """Ends the processes; what they worked on is queued again by the next server."""
        self._closing.set()
        with self._lock:
            for stop in self._stops.values():
                stop.set()
        for thread in self._threads:
            thread.join(10)

    def _work(self) -> None:
        looks = 0
        while not self._closing.is_set():
            try:
                busy = self._look(sweep=looks % _SWEEP == 0)
            except (sqlite3.Error, OSError):  # a full disk; a job that was running is queued again by the next server
                busy = False
                self._closing.wait(_PAUSE_S)
            looks += 1
            if not busy:
                self._closing.wait(0.1)

    def _look(self, sweep: bool) -> bool:
        """Looks at the queue, and runs what is there; whether there was anything."""
        if sweep:
            self._jobs.remove_older(self._keep_hours)
        with self._lock:
            row = self._jobs.take()
            if row is None:
                return False
            stop = self._stops[row["id"]] = Event()
        try:
            self._run(row, stop)
        finally:
            with self._lock:
                self._stops.pop(row["id"], None)
        return True

    def _run(self, row: dict[str, Any], stop: Event) -> None:
        job = row["id"]
        results = self._jobs.place(job) / "results"
        shutil.rmtree(results, ignore_errors=True)
        setup = Setup(json.loads(row["options"]), USUAL_FORMATS, self._command)
        try:
            with Worker(setup) as worker:
                outcome = worker.run(
                    Job(job, Path(row["clip"]), results),
                    None,
                    stop,
                    lambda *how_far: self._jobs.progress(job, *how_far),
                )
            state, error = ("done" if outcome.state == "done" else "failed"), outcome.error
            frames = outcome.facts.get("frames", 0)
        except AvcerError as failure:
            state, error, frames = "failed", str(failure), 0
        with self._lock:  # either it is still to be cancelled, or it has ended
            self._stops.pop(job, None)
            stopped = stop.is_set()
            if not stopped:
                self._jobs.end(job, state, error.replace(row["clip"], row["name"]), frames)
        if stopped and not self._closing.is_set():
            self._jobs.remove(job)
