"""The engine of a batch: carries out a plan, publishes results, and writes the record.

    plan -> jobs -> executor -> record

An executor runs the jobs; the record alone decides. A clip whose worker died is tried once more, alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from avcer import __version__
from avcer.batch.child import Job, Outcome
from avcer.batch.entries import Entry
from avcer.batch.executor import Executor, Finished
from avcer.batch.plan import Plan, file_hash, source_of
from avcer.batch.record import ClipRecord, Record, Source, State
from avcer.batch.shard import Shard
from avcer.errors import OutputError
from avcer.output.record import carry_over

WORK: Final = ".work"
TRIES: Final = 2
"""A clip whose worker died is tried this often in one call."""
_OLD: Final = ".old"


class Batch:
    """Carries out a plan in the folder ``out``, and tells ``show`` of every clip that has ended.

    Results appear as a whole: a worker writes into a folder of its own, which is then given the clip's name.
    """

    def __init__(
        self, out: Path, record: Record, shard: Shard, show: Callable[[ClipRecord], None] = lambda _: None
    ) -> None:
        self._out = out
        self._work = out / f"{WORK}{shard.name}"
        self._record = record
        self._show = show
        self._entries: dict[str, Entry] = {}
        self._attempts: dict[str, int] = {}
        self._seen: dict[str, Source | None] = {}
        self._died: list[Job] = []
        self._tries: dict[str, int] = {}

    def run(self, planned: Plan, executor: Executor, settings: Mapping[str, Any]) -> None:
        """Analyses what is to do. Clips whose workers died are tried once more at the end, one at a time."""
        self._record.begin(settings, __version__)
        self._record.queue(planned.todo, planned.attempts)
        self._entries = {entry.id: entry for entry in planned.todo}
        self._attempts = {entry.id: planned.attempts.get(entry.id, 0) for entry in planned.todo}
        with self._work_folder():
            executor.run([self._job(entry) for entry in planned.todo], self)
            again, self._died = self._died, []
            if again:
                executor.run(again, self, alone=True)

    def started(self, job: Job) -> None:
        """See ``executor.Listener``."""
        self._attempts[job.id] += 1
        self._tries[job.id] = self._tries.get(job.id, 0) + 1
        self._seen[job.id] = source_of(job.path)
        _remove(job.folder)
        self._record.add(job.id, "running", self._attempts[job.id])

    def finished(self, done: Finished) -> None:
        """See ``executor.Listener``."""
        job, outcome = done.job, done.outcome
        if outcome.state == "died" and self._tries[job.id] < TRIES:
            self._died.append(job)
            self._end(job, "queued", outcome, done.seconds)
        elif outcome.state == "stopped":
            self._end(job, "queued", outcome, done.seconds)
        elif outcome.state == "done" and source_of(job.path) != self._seen[job.id]:
            self._fail(job, f"{job.path}: changed while it was analysed; run the command again", done.seconds)
        elif outcome.state == "done":
            self._publish(job, outcome, done.seconds)
        else:
            self._fail(job, outcome.error, done.seconds)

    def _publish(self, job: Job, outcome: Outcome, seconds: float) -> None:
        """Gives the results their name; those of an earlier analysis of the clip make way, but for a person's."""
        target = self._out / job.id
        old = self._work / f"{job.id}{_OLD}"
        try:
            if target.exists():
                carry_over(target, job.folder)
                target.rename(old)
            job.folder.rename(target)
        except OSError as error:
            _put_back(old, target)
            what = f"{target}: cannot be written ({error.strerror or error}); free some space, or choose another folder"
            self._fail(job, what, seconds)
            return
        _remove(old)
        self._end(job, "done", outcome, seconds)

    def _fail(self, job: Job, error: str, seconds: float) -> None:
        _remove(job.folder)
        self._end(job, "failed", Outcome("failed", error), seconds)

    def _end(self, job: Job, state: State, outcome: Outcome, seconds: float) -> None:
        source = self._seen[job.id]
        if source is not None and state == "done":
            source = replace(source, sha256=file_hash(job.path))
        attempts = self._attempts[job.id]
        facts = dict(outcome.facts) if state == "done" else None
        self._record.add(job.id, state, attempts, outcome.error, seconds, source, facts)
        if state in ("done", "failed"):
            entry = self._entries[job.id]
            self._show(ClipRecord(entry, state, attempts, outcome.error, seconds, source, outcome.facts))

    def _job(self, entry: Entry) -> Job:
        return Job(entry.id, entry.path, self._work / entry.id, entry.start_s, entry.end_s)

    @contextmanager
    def _work_folder(self) -> Iterator[None]:
        """What an earlier call left unfinished goes; so does what this one leaves.

        But earlier results come back where that call ended before the new ones had their name.
        """
        for old in self._work.glob(f"*{_OLD}"):
            _put_back(old, self._out / old.name.removesuffix(_OLD))
        _remove(self._work)
        try:
            self._work.mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"{self._work}: cannot be created ({error.strerror}); choose another folder") from error
        try:
            yield
        finally:
            _remove(self._work)


def _put_back(old: Path, target: Path) -> None:
    if old.exists() and not target.exists():
        with suppress(OSError):
            old.rename(target)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
