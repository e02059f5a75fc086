"""The engine of a batch: what is still to do, who does it, and what the record says afterwards.

    entries -> plan (what is current is left alone) -> jobs -> executor -> record -> summaries

An executor runs the jobs; the record alone decides. A clip whose worker died is tried once more, alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from avcer import __version__
from avcer.batch.child import Job, Outcome
from avcer.batch.executor import Executor, Finished
from avcer.batch.manifest import Entry
from avcer.batch.record import ClipRecord, Record, Source
from avcer.errors import OutputError, UsageError
from avcer.output.record import carry_over

RECORD: Final = "batch.sqlite"
WORK: Final = ".work"
TRIES: Final = 2
"""A clip whose worker died is tried this often in one call."""
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count`` (from 1) of a corpus: every ``count``-th id in alphabetical order."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, word: str) -> Shard:
        """``2/3`` -> the second of three.

        Raises:
            UsageError: not of this form, or beyond the count.
        """
        try:
            index, count = (int(number) for number in word.split("/"))
        except ValueError:
            index, count = 0, 0
        if not 1 <= index <= count:
            raise UsageError(f"--shard must be I/N with I from 1 to N, such as 2/3, not {word!r}")
        return cls(index, count)

    @property
    def name(self) -> str:
        """For the names of this shard's own files; empty for a whole corpus."""
        return "" if self.count == 1 else f"-{self.index}-of-{self.count}"

    def part(self, entries: Sequence[Entry]) -> list[Entry]:
        """This shard's entries."""
        ranked = sorted(range(len(entries)), key=lambda place: entries[place].id)
        mine = {place for rank, place in enumerate(ranked) if rank % self.count == self.index - 1}
        return [entry for place, entry in enumerate(entries) if place in mine]


@dataclass(frozen=True)
class Plan:
    """What a call will do: ``todo``; ``current``: ids whose results stand; ``notes``: lines for the user."""

    todo: tuple[Entry, ...]
    current: frozenset[str]
    notes: tuple[str, ...]
    attempts: Mapping[str, int] = field(default_factory=dict)


def record_path(out: Path, shard: Shard) -> Path:
    """Where the record of a shard is: each shard writes its own, so that no two machines write one file."""
    return out / f"{Path(RECORD).stem}{shard.name}{Path(RECORD).suffix}"


def record_paths(out: Path) -> list[Path]:
    """The records of all shards in ``out``."""
    return sorted(out.glob(f"{Path(RECORD).stem}*{Path(RECORD).suffix}"))


def plan(
    entries: Sequence[Entry],
    known: Mapping[str, ClipRecord],
    settings: Mapping[str, Any],
    out: Path,
    retry_failed: bool = False,
) -> Plan:
    """Compares what is asked for with what the record says.

    A clip is current if it was analysed under the same ``settings``, its file has not changed since (size and time,
    else its hash), and its results are there. Failed clips stay failed unless ``retry_failed`` or their file changed.
    """
    todo: list[Entry] = []
    current: set[str] = set()
    reasons: dict[str, int] = {}
    for entry in entries:
        reason = _reason(entry, known.get(entry.id), settings, out, retry_failed)
        if reason is None:
            current.add(entry.id)
        elif entry.id not in known and (out / entry.id).exists():
            raise UsageError(f"{out / entry.id}: is in the way, and no batch made it; choose another --out")
        else:
            todo.append(entry)
            reasons[reason] = reasons.get(reason, 0) + 1
    notes = [f"{_clips(count)} {reason}" for reason, count in reasons.items() if reason != _NEW]
    failed = sum(known[name].state == "failed" for name in current)
    if failed:
        notes.append(f"{_clips(failed)} failed in an earlier call and stay so; --retry-failed tries them again")
    return Plan(tuple(todo), frozenset(current), tuple(notes), {name: clip.attempts for name, clip in known.items()})


_NEW: Final = "new"


def _reason(
    entry: Entry, clip: ClipRecord | None, settings: Mapping[str, Any], out: Path, retry_failed: bool
) -> str | None:
    """Why the clip has to be analysed; None if its record is current."""
    if clip is None or clip.state in ("queued", "skipped"):
        return _NEW
    if clip.state == "running":
        return "were interrupted and are analysed again"
    changed = _changed(clip.settings, settings)
    if changed:
        return f"were analysed with other options and are analysed again ({changed})"
    if clip.entry.source != entry.source or not _same_file(entry.path, clip.source):
        return "have another source file than before and are analysed again"
    if clip.state == "failed":
        return "failed before and are tried again" if retry_failed else None
    return None if (out / entry.id).is_dir() else "have lost their results and are analysed again"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The names of the settings that differ, with both values where these are short."""
    lines = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = _changed(old, new)
            lines += [f"{name}: {inner}"] if inner else []
        elif old != new:
            short = len(f"{old}{new}") < 60
            lines.append(f"{name} {old} -> {new}" if short else name)
    return ", ".join(lines)


def _same_file(path: Path, source: Source | None) -> bool:
    """Whether the file is as it was. One that was copied or touched has another time, but the same hash."""
    try:
        status = path.stat()
    except OSError:
        return source is None
    if source is None:
        return False
    if (status.st_size, status.st_mtime_ns) == (source.size, source.modified_ns):
        return True
    return bool(source.sha256) and status.st_size == source.size and file_hash(path) == source.sha256


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; empty where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def source_of(path: Path, hashed: bool) -> Source | None:
    """What the file is now; None where it is not there. Only a clip that was analysed is ``hashed``."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Source(status.st_size, status.st_mtime_ns, file_hash(path) if hashed else "")


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
        elif outcome.state == "done":
            self._publish(job, outcome, done.seconds)
        else:
            _remove(job.folder)
            self._end(job, "failed", outcome, done.seconds)

    def _publish(self, job: Job, outcome: Outcome, seconds: float) -> None:
        """Gives the results their name; those of an earlier analysis of the clip make way, but for a person's."""
        target = self._out / job.id
        old = self._work / f"{job.id}.old"
        try:
            if target.exists():
                carry_over(target, job.folder)
                target.rename(old)
            job.folder.rename(target)
        except OSError as error:
            what = f"{target}: cannot be written ({error.strerror or error}); free some space, or choose another folder"
            self._end(job, "failed", Outcome("failed", what), seconds)
            return
        _remove(old)
        self._end(job, "done", outcome, seconds)

    def _end(self, job: Job, state: Any, outcome: Outcome, seconds: float) -> None:
        source = source_of(job.path, hashed=state == "done")
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
        """What an earlier call left unfinished goes; so does what this one leaves."""
        _remove(self._work)
        try:
            self._work.mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"{self._work}: cannot be created ({error.strerror}); choose another folder") from error
        try:
            yield
        finally:
            _remove(self._work)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


@contextmanager
def only_one(out: Path, shard: Shard) -> Iterator[None]:
    """Keeps a second call from working in the same folder at the same time. The lock ends with the process.

    Raises:
        UsageError: another call is at work there.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows, where nothing is locked
        yield
        return
    with (out / f".lock{shard.name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"{out}: another avcer batch is at work there; wait for it, or stop it first") from error
        lock.write(f"{os.getpid()}\n")
        yield
