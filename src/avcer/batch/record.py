"""The record of a batch: an SQLite file to which events are only added. It is the truth of what was done.

A clip's state is that of its last event. A process that is killed leaves its clip ``running``; the next call puts it
into the queue again. Another process may read the record at any time.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, get_args

from avcer.batch.bulk import uncollected
from avcer.batch.entries import Entry
from avcer.errors import InputError, OutputError

State = Literal["queued", "running", "done", "failed", "skipped"]
STATES: Final[tuple[State, ...]] = get_args(State)
WAIT_S: Final = 30.0
"""How long a reader and a writer wait for each other."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
  number INTEGER PRIMARY KEY, started_s REAL NOT NULL, version TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clips (
  id TEXT PRIMARY KEY, path TEXT NOT NULL, start_s REAL, end_s REAL, extra TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY, clip TEXT NOT NULL REFERENCES clips (id), run INTEGER NOT NULL REFERENCES runs (number),
  time_s REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL, seconds REAL,
  size INTEGER, modified_ns INTEGER, sha256 TEXT, facts TEXT);
CREATE INDEX IF NOT EXISTS events_of_clip ON events (clip, number);
CREATE VIEW IF NOT EXISTS current AS
  SELECT events.* FROM events JOIN (SELECT MAX(number) AS last FROM events GROUP BY clip) ON events.number = last;
"""
_CLIP: Final = """
INSERT INTO clips (id, path, start_s, end_s, extra) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET path = excluded.path, start_s = excluded.start_s, end_s = excluded.end_s,
  extra = excluded.extra
"""
_EVENT: Final = """
INSERT INTO events (clip, run, time_s, state, attempts, error, seconds, size, modified_ns, sha256, facts)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_QUEUED: Final = """
INSERT INTO events (clip, run, time_s, state, attempts, error) VALUES (?, ?, ?, 'queued', ?, '')
"""


@dataclass(frozen=True)
class Source:
    """A file as it was when it was analysed: bytes, time of its last change, SHA-256 (empty until it was read)."""

    size: int
    modified_ns: int
    sha256: str = ""


@dataclass(frozen=True)
class ClipRecord:
    """Where one clip stands. ``facts`` are what ``facts.facts`` found in its analysis; ``settings`` belong to the run
    that wrote the event, ``time_s`` (seconds since 1970) is when.
    """

    entry: Entry
    state: State = "queued"
    attempts: int = 0
    error: str = ""
    seconds: float | None = None
    source: Source | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    time_s: float = 0.0


class Record:
    """The record in one file. Several threads of one process may write.

    Raises:
        OutputError: the file cannot be written.
        InputError: it is not such a record, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._run = 0
        with self._told():
            # Transactions by hand. A journal beside the file, not WAL: WAL does not work on a shared disk.
            self._base = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = PERSIST")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._base.close()

    def begin(self, settings: Mapping[str, Any], version: str) -> None:
        """A new run; the events from now on belong to it. ``settings`` are all that can change a result, as JSON."""
        with self._told(), self._lock, self._transaction():
            row = (time.time(), version, json.dumps(settings, sort_keys=True))
            self._run = (
                self._base.execute("INSERT INTO runs (started_s, version, settings) VALUES (?, ?, ?)", row).lastrowid
                or 0
            )

    def queue(self, entries: Iterable[Entry], attempts: Mapping[str, int]) -> None:
        """Puts clips into the queue, known ones (with the ``attempts`` made so far) and new ones."""
        with self._told(), self._lock, self._transaction():
            for entry in entries:
                self._base.execute(_CLIP, _row(entry))
                self._base.execute(_QUEUED, (entry.id, self._run, time.time(), attempts.get(entry.id, 0)))

    def describe(self, entries: Iterable[Entry]) -> None:
        """Takes over what the user says of clips that are in the record already; nothing happens to them."""
        with self._told(), self._lock, self._transaction():
            self._base.executemany(_CLIP, map(_row, entries))

    def add(
        self,
        clip: str,
        state: State,
        attempts: int,
        error: str = "",
        seconds: float | None = None,
        source: Source | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds one event; on return it outlives this process."""
        of_file = (None, None, None) if source is None else (source.size, source.modified_ns, source.sha256)
        text = None if facts is None else json.dumps(facts)
        with self._told(), self._lock, self._transaction():
            row = (clip, self._run, time.time(), state, attempts, plain(error), seconds, *of_file, text)
            self._base.execute(_EVENT, row)

    def clips(self, with_facts: bool = True) -> dict[str, ClipRecord]:
        """Every clip by its id, as it stands now. Without their facts, a large record is read in half the time."""
        with self._told(), self._lock:
            return _clips(self._base, with_facts)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:  # a full disk may have ended it
                self._base.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            remedy = "free some space, or choose a folder that you may write to"
            raise OutputError(f"{self.path}: cannot be written ({error}); {remedy}") from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path}: not the record of a batch ({error}); choose another folder") from error


def read_clips(paths: Sequence[Path], with_facts: bool = True) -> dict[str, ClipRecord]:
    """The clips of several records (those of all shards) by id; of a clip in several, what happened last. Nothing is
    written, but that SQLite takes back what a killed writer left half-done.

    Raises:
        InputError: no record there, or a damaged one.
    """
    clips: dict[str, ClipRecord] = {}
    for path in paths:
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_S)) as base:
                found = _clips(base, with_facts)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be read as the record of a batch ({error}); mend or remove it") from error
        clips |= {name: clip for name, clip in found.items() if name not in clips or clips[name].time_s <= clip.time_s}
    return clips


def counts(clips: Iterable[ClipRecord]) -> dict[str, int]:
    """How many clips are in each state; every state is there, and ``total``."""
    found = Counter(clip.state for clip in clips)
    return {**{state: found[state] for state in STATES}, "total": found.total()}


def _clips(base: sqlite3.Connection, with_facts: bool = True) -> dict[str, ClipRecord]:
    facts = "facts" if with_facts else "NULL"
    rows = base.execute(
        "SELECT clips.id, path, start_s, end_s, extra, state, attempts, error, seconds, size, modified_ns, sha256,"
        f" {facts}, settings, time_s FROM clips JOIN current ON current.clip = clips.id"
        " JOIN runs ON runs.number = current.run ORDER BY clips.rowid"
    )
    parsed: dict[str, Any] = {}  # the settings of one run stand in thousands of rows
    with uncollected():
        return {row[0]: _clip(row, parsed) for row in rows}


def _row(entry: Entry) -> tuple[str, str | bytes, float | None, float | None, str]:
    """A path that is no text, as it may be on Linux, is kept as bytes."""
    path = str(entry.path)
    told = path if path.isascii() or plain(path) == path else os.fsencode(path)
    return entry.id, told, entry.start_s, entry.end_s, json.dumps(dict(entry.extra))


def plain(text: str) -> str:
    """``text`` for SQLite and Arrow, which take no file name whose bytes are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _clip(row: Sequence[Any], parsed: dict[str, Any]) -> ClipRecord:
    (
        name,
        path,
        start_s,
        end_s,
        extra,
        state,
        attempts,
        error,
        seconds,
        size,
        modified_ns,
        sha256,
        facts,
        settings,
        at_s,
    ) = row
    if settings not in parsed:
        parsed[settings] = json.loads(settings)
    return ClipRecord(
        entry=Entry(name, Path(os.fsdecode(path)), start_s, end_s, {} if extra == "{}" else json.loads(extra)),
        state=state,
        attempts=attempts,
        error=error,
        seconds=seconds,
        source=None if size is None else Source(size, modified_ns, sha256),
        facts=json.loads(facts) if facts else {},
        settings=parsed[settings],
        time_s=at_s,
    )
