"""The jobs: a row each in SQLite, which outlives the server, and a folder each for the clip and its results."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sqlite3
import stat
import time
from pathlib import Path
from threading import Lock
from typing import Any, Final

from avcer.errors import OutputError, UsageError

_TABLE: Final = """CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, name TEXT, clip TEXT, options TEXT, state TEXT,
stage TEXT DEFAULT '', done INTEGER DEFAULT 0, total INTEGER DEFAULT 0, error TEXT DEFAULT '', created REAL,
started REAL DEFAULT 0, version INTEGER DEFAULT 1, ended REAL DEFAULT 0)"""
_LATER: Final = {"ended": "REAL DEFAULT 0"}
"""Columns that tables of earlier versions lack."""
_NAME: Final = re.compile(r"[0-9a-f]{16}")
"""What ``new_id`` gives."""
FINAL: Final = ("done", "failed", "cancelled")


class Jobs:
    """The jobs below ``folder``; what was running when the last server ended is queued again.

    Raises:
        OutputError: the folder cannot be written, or holds another kind of file in their place.
        UsageError: another service has its jobs there.
    """

    def __init__(self, folder: Path) -> None:
        self._owned: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder = folder.resolve()
            self._owned = _own(self.folder)
            self._lock = Lock()
            self._base = sqlite3.connect(self.folder / "jobs.sqlite", check_same_thread=False, isolation_level=None)
            self._base.row_factory = sqlite3.Row
            self._do(_TABLE)
            self._add_missing_columns()
            self._do("UPDATE jobs SET state = 'queued', version = version + 1 WHERE state = 'running'")
        except (OSError, sqlite3.Error) as error:
            _disown(self._owned)
            reason = getattr(error, "strerror", None) or error
            told = f"{folder}: cannot hold the jobs ({reason})"
            raise OutputError(f"{told}; free some space, or choose another folder with --jobs") from error
        for row in self.all():
            if row["state"] == "cancelled":  # the last server went before it could remove it
                self.remove(row["id"])
        known = {row["id"] for row in self.all()}
        for left in self.folder.iterdir():  # of uploads that broke off with the last server
            if left.is_dir() and _NAME.fullmatch(left.name) and left.name not in known:
                shutil.rmtree(left, ignore_errors=True)

    def size(self) -> int:
        """Bytes of all clips and results."""
        return sum(_bytes_of(path) for path in self.folder.rglob("*"))

    def new_id(self) -> str:
        """A name that nobody can guess."""
        return secrets.token_hex(8)

    def place(self, job: str) -> Path:
        """The folder of a job."""
        return self.folder / job

    def add(
        self, job: str, name: str, clip: Path, options: dict[str, Any], state: str = "queued", frames: int = 0
    ) -> None:
        """Queues a job; or notes one that was done elsewhere, of so many ``frames``."""
        self._do(
            "INSERT INTO jobs (id, name, clip, options, state, created) VALUES (?, ?, ?, ?, ?, ?)",
            job, name, str(clip), json.dumps(options), state, time.time(),
        )  # fmt: skip
        if state == "done":
            self.end(job, state, frames=frames)

    def get(self, job: str) -> dict[str, Any] | None:
        """The row of a job, if there is such a job."""
        return next(iter(self._do("SELECT * FROM jobs WHERE id = ?", job)), None)

    def all(self) -> list[dict[str, Any]]:
        """Every job, the oldest first."""
        return self._do("SELECT * FROM jobs ORDER BY created, rowid")

    def waiting(self) -> int:
        """How many jobs are queued."""
        return int(self._do("SELECT count(*) AS n FROM jobs WHERE state = 'queued'")[0]["n"])

    def take(self) -> dict[str, Any] | None:
        """The oldest queued job, which is running from now on."""
        rows = self._do(
            "UPDATE jobs SET state = 'running', started = ?, version = version + 1 WHERE id = (SELECT id FROM jobs "
            "WHERE state = 'queued' ORDER BY created, rowid LIMIT 1) RETURNING *",
            time.time(),
        )
        return rows[0] if rows else None

    def progress(self, job: str, stage: str, done: int, total: int) -> None:
        """Notes how far a job is."""
        text = "UPDATE jobs SET stage = ?, done = ?, total = ?, version = version + 1 WHERE id = ?"
        self._do(text, stage, done, total, job)

    def end(self, job: str, state: str, error: str = "", frames: int = 0) -> None:
        """Notes how a job ended. One that is done says so in its progress, too: all of its ``frames`` are done, or,
        where their number is not known, as many as it last told.
        """
        progress = ""
        if state == "done":  # the last progress told was on the way, and perhaps of the sound
            all_of_it = f"max({int(frames) or 'max(done, total)'}, 1)"
            progress = f", stage = 'done', done = {all_of_it}, total = {all_of_it}"
        text = f"UPDATE jobs SET state = ?, error = ?, ended = ?, version = version + 1{progress} WHERE id = ?"
        self._do(text, state, error, time.time(), job)

    def remove(self, job: str) -> None:
        """Forgets a job and deletes what lies in its folder."""
        self._do("DELETE FROM jobs WHERE id = ?", job)
        shutil.rmtree(self.place(job), ignore_errors=True)

    def remove_older(self, hours: float) -> None:
        """Removes the jobs that ended more than ``hours`` ago."""
        for row in self.all():
            if row["state"] in FINAL and time.time() - (row["ended"] or row["created"]) > hours * 3600:
                self.remove(row["id"])

    def close(self) -> None:
        """Closes the file, and leaves the folder to the next service."""
        self._base.close()
        _disown(self._owned)
        self._owned = None

    def _add_missing_columns(self) -> None:
        known = {row["name"] for row in self._do("SELECT name FROM pragma_table_info('jobs')")}
        for name, kind in _LATER.items():
            if name not in known:
                self._do(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")

    def _do(self, text: str, *values: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._base.execute(text, values).fetchall()]


def _own(folder: Path) -> int | None:
    """Keeps a second service out of ``folder`` until the descriptor is closed or the process ends. None where the
    system, or the file system, has no locks.
    """
    descriptor = None
    try:
        import fcntl  # not on Windows

        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        _disown(descriptor)
        what = f"{folder}: another avcer serve has its jobs there"
        raise UsageError(f"{what}; stop it first, or choose another folder with --jobs") from error
    except (ImportError, OSError):
        _disown(descriptor)
        return None
    return descriptor


def _disown(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _bytes_of(path: Path) -> int:
    """Of a file; 0 of anything else, and of what is removed meanwhile."""
    try:
        told = path.lstat()
    except OSError:
        return 0
    return told.st_size if stat.S_ISREG(told.st_mode) else 0


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A job as the service tells it."""
    words = {name: row[name] for name in ("id", "name", "state", "stage", "done", "total", "error")}
    eta_s = None
    if row["state"] == "running" and row["done"] and row["total"]:
        eta_s = round((time.time() - row["started"]) * max(row["total"] - row["done"], 0) / row["done"], 1)
    return {**words, "eta_s": eta_s, "error": row["error"] or None}
