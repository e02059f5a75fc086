"""What a folder of results says of itself: the clip and the analysis that they come from, and which files are ours.

The record is part of ``analysis.json``; where that is not written, it lies in a small hidden file. Thus results of
another clip are not overwritten, files of an earlier analysis do not stay beside those of a new one, and files that a
person has changed since are kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.parsing import json_of

KEY: Final = "results"
"""The record's place in ``analysis.json``."""
DOCUMENT: Final = "analysis.json"
HIDDEN: Final = ".avcer.json"
COMING: Final = ".avcer.coming.json"
"""While results are written: the digests of files that people work in, noted before each takes its place."""
USUAL: Final = (
    DOCUMENT,
    "compound.csv",
    "static.csv",
    "timeline.png",
    "submission.txt",
    "segments.srt",
    "segments.vtt",
)
"""Files that show a folder to hold results, where it has no record."""
WORKED_IN: Final = {"eaf": "segments.eaf", "textgrid": "segments.TextGrid"}
"""Files that people change in ELAN and Praat, by the word of their format."""


@dataclass(frozen=True)
class Source:
    """A clip as the file system knows it: absolute path, bytes, and time of its last change in nanoseconds."""

    path: str
    bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Source:
        """The clip at ``path``; one that is no file has no size."""
        absolute = str(path.absolute().resolve())
        try:
            found = path.stat()
        except OSError:
            return cls(absolute, 0, 0)
        return cls(absolute, found.st_size, found.st_mtime_ns)

    def same(self, other: Source) -> bool:
        """Whether both are one clip: of one size, and at one place or changed at one moment."""
        return self.bytes == other.bytes and (self.path == other.path or self.changed_ns == other.changed_ns)


@dataclass(frozen=True)
class Record:
    """Where results come from. ``analysis`` tells one analysis from any other; ``files`` lie below the folder;
    ``digests`` are the SHA-256 of those that people work in, as they were written.
    """

    source: Source
    analysis: str
    files: tuple[str, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, analysis: Analysis, folder: Path, files: Iterable[Path]) -> Record:
        """The record of ``files`` that were written into ``folder``."""
        told = json.dumps([str(analysis.clip.path), analysis.provenance.to_dict()], sort_keys=True, default=str)
        names = sorted({path.relative_to(folder).as_posix() for path in files})
        digest = hashlib.sha256(told.encode(errors="replace")).hexdigest()
        digests = {name: _sha256(folder / name) for name in names if name in WORKED_IN.values()}
        return cls(Source.of(Path(analysis.clip.path)), digest, tuple(names), digests)

    def with_files_of(self, earlier: Iterable[Record]) -> Record:
        """With the files that earlier calls wrote for the same analysis."""
        ours = [record for record in earlier if record.analysis == self.analysis]
        return self._with(ours)

    def unfinished(self, earlier: Iterable[Record]) -> Record:
        """For the time while results are written: with all that lies there from before. Should the work be killed, the
        next results of this clip know the folder as theirs, and what to remove.
        """
        return self._with(list(earlier))

    def _with(self, others: Sequence[Record]) -> Record:
        files = {*self.files, *chain(*(record.files for record in others))}
        digests = dict(chain(*(record.digests.items() for record in others), self.digests.items()))
        return replace(self, files=tuple(sorted(files)), digests=digests)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON document."""
        return asdict(self)


def read_records(folder: Path) -> list[Record]:
    """The records in ``folder``, which need not exist; what cannot be read counts as none."""
    found = []
    for name in (DOCUMENT, HIDDEN):
        try:
            document = json_of((folder / name).read_text(encoding="utf-8"))
            told = document[KEY]
            digests = {str(file): str(digest) for file, digest in told.get("digests", {}).items()}
            source, files = Source(**told["source"]), tuple(map(str, told["files"]))
            found.append(Record(source, str(told["analysis"]), files, digests))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def write_hidden(record: Record, folder: Path) -> None:
    """Writes the record into its hidden file."""
    with atomic_text(folder / HIDDEN) as file:
        json.dump({KEY: record.as_dict()}, file)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """While results are written: a hidden record that would stay alone in ``folder``, because nothing could be written,
    goes as well.
    """
    try:
        yield
    except BaseException:
        if [path.name for path in folder.iterdir()] == [HIDDEN]:
            (folder / HIDDEN).unlink()
        raise


def announce(part: Path, path: Path) -> None:
    """Notes the digest of ``part`` before it takes the place of ``path``: should the work be killed before the record
    of the results is written, the file is still known to be ours, and not taken for a person's.
    """
    coming = path.with_name(COMING)
    digests = {**_announced(path.parent), path.name: _sha256(part)}
    with atomic_text(coming) as file:
        json.dump(digests, file)


def _announced(folder: Path) -> dict[str, str]:
    try:
        return {str(name): str(digest) for name, digest in json_of((folder / COMING).read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def remove_stale(folder: Path, earlier: Iterable[Record], now: Record, hidden: bool) -> None:
    """Removes files that an earlier analysis wrote into ``folder`` and this one did not; nobody else's files. With
    ``hidden``, a hidden record goes as well: the document holds it now.
    """
    (folder / COMING).unlink(missing_ok=True)
    if hidden:
        (folder / HIDDEN).unlink(missing_ok=True)
    kept = set(now.files)
    for record in earlier:
        if record.analysis == now.analysis:
            continue
        for name in set(record.files) - kept:
            path = folder / name
            inside = path.resolve().is_relative_to(folder.resolve()) and ".." not in path.parts
            if inside and path.is_file():
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, folder)


def keep_changed(folder: Path, earlier: Sequence[Record], formats: Collection[str]) -> None:
    """Renames the files that a person has changed in ELAN or Praat, and that writing ``formats`` would take away:
    ``segments.eaf`` becomes ``segments-changed.eaf``, or ``segments-changed-2.eaf``.
    """
    for word, name in WORKED_IN.items():
        path = folder / name
        if word in formats and path.is_file() and not _as_written(path, earlier):
            path.rename(next(other for other in _other_names(path) if not other.exists()))


def formats_worked_in(earlier: Iterable[Record]) -> set[str]:
    """The formats of ours that people work in, by the files of ``earlier``."""
    ours = {name for record in earlier for name in record.files}
    return {word for word, name in WORKED_IN.items() if name in ours}


def changed_files(folder: Path) -> set[str]:
    """The names of the files that ``keep_changed`` has made."""
    return {path.name for name in WORKED_IN.values() for path in folder.glob(Path(name).stem + "-changed*")}


def carry_over(old: Path, new: Path) -> None:
    """Copies what is a person's in the folder of results ``old`` to the same place in ``new``, which will replace it:
    files that are not ours, and ours that a person has changed.
    """
    earlier = read_records(old)
    if not earlier:  # whose files they are is not known
        return
    keep_changed(old, earlier, WORKED_IN)
    ours = {HIDDEN, COMING, DOCUMENT, *(name for record in earlier for name in record.files)}
    for path in sorted(old.rglob("*")):
        name = path.relative_to(old)
        if path.is_file() and name.as_posix() not in ours and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new / name)


def _as_written(path: Path, earlier: Sequence[Record]) -> bool:
    known = {record.digests.get(path.name) for record in earlier} | {_announced(path.parent).get(path.name)}
    return _sha256(path) in known


def _other_names(path: Path) -> Iterator[Path]:
    first = path.with_stem(f"{path.stem}-changed")
    yield first
    yield from (first.with_stem(f"{first.stem}-{number}") for number in count(2))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove_empty(parent: Path, folder: Path) -> None:
    if parent != folder and not any(parent.iterdir()):
        parent.rmdir()


def holds_others(folder: Path, source: Source) -> bool:
    """Whether ``folder`` holds results, and not those of this clip."""
    records = read_records(folder)
    if records:
        return not any(record.source.same(source) for record in records)
    return any((folder / name).exists() for name in USUAL)
