"""Local execution: a few worker processes, each with a thread of this process that hands it one clip after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from time import monotonic
from typing import Any, Protocol

from avcer.batch.child import Job, Outcome, Report, Setup, Worker
from avcer.waiting import all_done_or_one_failed


@dataclass(frozen=True)
class Finished:
    """A job that has ended: how, and after how many seconds."""

    job: Job
    outcome: Outcome
    seconds: float


class Listener(Protocol):
    """Whoever is told what happens. Called by several threads, one at a time."""

    def started(self, job: Job) -> None:
        """A worker begins with ``job``."""
        ...

    def finished(self, done: Finished) -> None:
        """A job has ended."""
        ...


class Executor(Protocol):
    """Runs jobs somewhere: on this machine, or on a cluster."""

    def identity(self) -> dict[str, Any]:
        """What the results of its workers depend on, see ``Analyzer.identity``."""
        ...

    def run(self, jobs: Iterable[Job], listener: Listener, alone: bool = False) -> None:
        """Runs all jobs and tells ``listener`` of each; with ``alone``, one at a time.

        Every job that was started is finished, one way or another: nothing vanishes.
        """
        ...


@dataclass(frozen=True)
class Turns:
    """A listener that is called by one thread at a time."""

    listener: Listener
    lock: Lock

    def started(self, job: Job) -> None:
        """See ``Listener``."""
        with self.lock:
            self.listener.started(job)

    def finished(self, done: Finished) -> None:
        """See ``Listener``."""
        with self.lock:
            self.listener.finished(done)


class LocalExecutor:
    """``workers`` processes on this machine. ``report`` is told of the progress inside the clips.

    Args:
        setup: what the workers are started with.
        workers: how many at once.
        timeout_s: the time limit of a clip in seconds, None for none.
        report: called with the job, the stage, how much is done, and of how much.
    """

    def __init__(
        self,
        setup: Setup,
        workers: int,
        timeout_s: float | None = None,
        report: Callable[[Job, str, int, int], None] = lambda *_: None,
    ) -> None:
        self._workers = [Worker(setup) for _ in range(workers)]
        self._timeout_s = timeout_s
        self._report = report
        self.stop = Event()

    def identity(self) -> dict[str, Any]:
        """See ``Executor``; the first worker says it."""
        identity: dict[str, Any] = self._workers[0].start(self.stop).get("identity", {})
        return identity

    def run(self, jobs: Iterable[Job], listener: Listener, alone: bool = False) -> None:
        """See ``Executor``. An interrupt ends the workers at once."""
        waiting = deque(jobs)
        told = Turns(listener, Lock())
        workers = self._workers[:1] if alone else self._workers
        with ThreadPoolExecutor(len(workers), thread_name_prefix="avcer-batch") as threads:
            served = [threads.submit(self._serve, worker, waiting, told) for worker in workers]
            try:
                all_done_or_one_failed(served)
            finally:
                if not all(one.done() for one in served):
                    self.stop.set()
            for one in served:
                one.result()  # raises what went wrong

    def close(self) -> None:
        """Ends all workers."""
        self.stop.set()
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, worker: Worker, waiting: deque[Job], listener: Listener) -> None:
        while not self.stop.is_set():
            try:
                job = waiting.popleft()
            except IndexError:
                return
            listener.started(job)
            begun_s = monotonic()
            outcome = worker.run(job, self._timeout_s, self.stop, self._reporter(job))
            listener.finished(Finished(job, outcome, monotonic() - begun_s))

    def _reporter(self, job: Job) -> Report:
        return lambda stage, done, total: self._report(job, stage, done, total)
