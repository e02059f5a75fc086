"""One clip of a batch, and its id: the name of its folder of results, the same in every call and every shard."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from avcer.errors import UsageError

Span = tuple[str, float | None, float | None]
"""What is analysed: path, start, end."""
OURS: Final = re.compile(r"(frames|report\.html|(summary|faces)\.(csv|parquet)|batch.*\.sqlite.*)", re.IGNORECASE)
"""Names in the folder of the results that are not those of clips."""
_LONGEST_ID: Final = 200
"""Bytes: file systems take 255, and some letters are added."""


@dataclass(frozen=True)
class Entry:
    """One clip, or the part of it from ``start_s`` to ``end_s`` (seconds from its beginning; None = as it is).

    ``id`` names the folder of the results. ``extra`` are the manifest's further columns, as text.
    """

    id: str
    path: Path
    start_s: float | None = None
    end_s: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def source(self) -> Span:
        """What is analysed: two entries with the same source and no ids are one."""
        return str(self.path), self.start_s, self.end_s


def checked_id(name: str, where: str) -> str:
    """An id becomes the name of a folder, so it must stay inside the folder of the results.

    Raises:
        UsageError: it would not, or a file of the batch itself has that name.
    """
    if name and OURS.fullmatch(name):
        raise UsageError(f"{where}: the id {name!r} is the name of a file of the batch; choose another")
    if name and name != folder_name(name):
        raise UsageError(f"{where}: the id {name!r} cannot be the name of a folder; use letters, digits, - and _")
    return name


def folder_name(text: str) -> str:
    """``text`` without what cannot stand in the name of a folder."""
    plain = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff/\\:*?\"<>|]+", "_", text).strip(" .")
    return plain.encode()[:_LONGEST_ID].decode(errors="ignore").strip(" .") or "clip"


def with_ids(entries: Sequence[Entry], known: Mapping[Span, str]) -> list[Entry]:
    """Every entry with an id of its own: the manifest's, an earlier call's, else one made of the file's name.

    Made ids depend on the set of files alone, not on their order, so that all shards of a corpus agree. Case is
    ignored: some file systems do not tell A from a.

    Raises:
        UsageError: an id stands for two clips of the manifest.
    """
    given = Counter(entry.id.casefold() for entry in entries if entry.id)
    for name, count in given.items():
        if count > 1:
            raise UsageError(f"the id {name!r} stands for {count} clips of the manifest; give each its own")
    unnamed = [entry for entry in entries if not entry.id]
    taken = {*given, *(name.casefold() for name in known.values())}
    wanted = Counter(_stem(entry).casefold() for entry in unnamed if entry.source not in known)
    named = []
    for entry in entries:
        name = entry.id or known.get(entry.source, "")
        if not entry.id and name.casefold() in given:  # a manifest has given it to another clip since
            name = _with_hash(entry)
        elif not name:
            name = _stem(entry)
            if wanted[name.casefold()] > 1 or name.casefold() in taken or OURS.fullmatch(name):
                name = _with_hash(entry)
        named.append(Entry(name, entry.path, entry.start_s, entry.end_s, entry.extra))
    return named


def _with_hash(entry: Entry) -> str:
    digest = hashlib.sha256(repr(entry.source).encode(errors="surrogateescape")).hexdigest()
    return f"{_stem(entry)}-{digest[:8]}"


def _stem(entry: Entry) -> str:
    part = "" if entry.start_s is None and entry.end_s is None else f"@{entry.start_s or 0:g}"
    return folder_name(entry.path.stem + part)
