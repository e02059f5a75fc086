"""Parts of a corpus, each worked through by a call of its own with a record of its own, in one folder of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from avcer.batch.entries import Entry
from avcer.errors import UsageError

RECORD: Final = "batch.sqlite"
_LOCK: Final = ".lock"


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


def record_path(out: Path, shard: Shard) -> Path:
    """Where the record of a shard is: each shard writes its own, so that no two machines write one file."""
    return out / f"{Path(RECORD).stem}{shard.name}{Path(RECORD).suffix}"


def record_paths(out: Path) -> list[Path]:
    """The records of all shards in ``out``."""
    return sorted(out.glob(f"{Path(RECORD).stem}*{Path(RECORD).suffix}"))


@contextmanager
def only_one(out: Path, shard: Shard) -> Iterator[None]:
    """Keeps a second call from doing the same work at the same time. The locks end with the process.

    Two locks: the shard's own, which one call holds, and that of the folder, which all calls share that divide the
    corpus into as many parts. Where the file system has no locks, nothing is locked.

    Raises:
        UsageError: another call is at work there.
    """
    with (out / f"{_LOCK}{shard.name or '-whole'}").open("a") as own, (out / _LOCK).open("a+") as folder:
        try:
            parts = _locked(own, folder, shard)
        except BlockingIOError as error:
            raise UsageError(f"{out}: another avcer batch is at work there; wait for it, or stop it first") from error
        except (ImportError, OSError):  # Windows; file systems of some clusters
            parts = shard.count
        if parts != shard.count:
            raise UsageError(f"{out}: another avcer batch works there on one of {parts} parts; divide by as many")
        yield


def _locked(own: TextIO, folder: TextIO, shard: Shard) -> int:
    """Takes both locks; into how many parts those divide the corpus who are at work."""
    import fcntl  # not on Windows

    fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with suppress(BlockingIOError):  # nobody else is there: say into how many parts we divide
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.truncate(0)
        folder.write(str(shard.count))
        folder.flush()
    fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    folder.seek(0)
    said = folder.read().strip()
    return int(said) if said.isdecimal() else shard.count
