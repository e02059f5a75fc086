"""What a call has to do: what is asked for, compared with what the record says."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from avcer.batch.bulk import uncollected
from avcer.batch.differences import differences
from avcer.batch.entries import Entry
from avcer.batch.record import ClipRecord, Source
from avcer.errors import UsageError

_BLOCK: Final = 1 << 20
_NEW: Final = "new"


@dataclass(frozen=True)
class Plan:
    """What a call will do: ``todo``; ``current``: ids whose results stand; ``notes``: lines for the user."""

    todo: tuple[Entry, ...]
    current: frozenset[str]
    notes: tuple[str, ...]
    attempts: Mapping[str, int] = field(default_factory=dict)


@uncollected()
def plan(
    entries: Sequence[Entry],
    known: Mapping[str, ClipRecord],
    settings: Mapping[str, Any],
    out: Path,
    retry_failed: bool = False,
) -> Plan:
    """Compares what is asked for with what the record says.

    A clip is current if it was analysed under the same ``settings``, its file has not changed since (size and time,
    else its hash), and its results are there. Failed clips stay failed unless ``retry_failed``, or their file or the
    settings changed.
    """
    todo: list[Entry] = []
    reasons: Counter[str] = Counter()
    comparison = _Comparison(settings, out, retry_failed)
    for entry in entries:
        reason = comparison.reason(entry, known.get(entry.id))
        if reason is None:
            continue
        if entry.id not in known and (out / entry.id).exists():
            raise UsageError(f"{out / entry.id}: is in the way, and no batch made it; choose another --out")
        todo.append(entry)
        reasons[reason] += 1
    current = frozenset(entry.id for entry in entries) - {entry.id for entry in todo}
    notes = [f"{_clips(count)} to analyse again: {reason}" for reason, count in reasons.items() if reason != _NEW]
    failed = sum(known[name].state == "failed" for name in current)
    if failed:
        notes.append(f"{_clips(failed)} failed in an earlier call; --retry-failed tries again")
    return Plan(tuple(todo), current, tuple(notes), {name: clip.attempts for name, clip in known.items()})


class _Comparison:
    """Of one clip with its record; what runs had in common is compared once."""

    def __init__(self, settings: Mapping[str, Any], out: Path, retry_failed: bool) -> None:
        self._settings, self._retry_failed = settings, retry_failed
        self._compared: dict[int, str] = {}
        self._there = _folders(out)

    def reason(self, entry: Entry, clip: ClipRecord | None) -> str | None:
        """Why the clip has to be analysed; None if its record is current."""
        if clip is None or clip.state in ("queued", "skipped"):
            return _NEW
        if clip.state == "running":
            return "interrupted"
        changed = self._changed(clip.settings)
        if changed:
            return f"analysed with other options ({changed})"
        if clip.entry.source != entry.source or not _same_file(entry.path, clip.source):
            return "another source file than before"
        if clip.state == "failed":
            return "failed before" if self._retry_failed else None
        return None if entry.id in self._there else "its results are gone"

    def _changed(self, before: Mapping[str, Any]) -> str:
        if id(before) not in self._compared:  # all clips of one run share theirs
            same = before == self._settings
            self._compared[id(before)] = "" if same else "; ".join(differences(before, self._settings)) or "unknown"
        return self._compared[id(before)]


def _folders(out: Path) -> frozenset[str]:
    """The names of the folders in ``out``, read at once: there may be tens of thousands."""
    try:
        return frozenset(place.name for place in os.scandir(out) if place.is_dir())
    except FileNotFoundError:
        return frozenset()


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


def source_of(path: Path) -> Source | None:
    """What the file is now, without its hash; None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Source(status.st_size, status.st_mtime_ns)


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"
