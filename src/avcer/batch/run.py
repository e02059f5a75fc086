"""A whole batch in one call: sources in; record, results, summaries and the report out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from avcer.batch.child import COMMAND, Job, Setup
from avcer.batch.dataset import gather_dataset
from avcer.batch.engine import Batch
from avcer.batch.entries import Entry
from avcer.batch.executor import Executor, LocalExecutor
from avcer.batch.plan import Plan, plan
from avcer.batch.record import ClipRecord, Record, counts, read_clips
from avcer.batch.report import REPORT, write_report
from avcer.batch.shard import Shard, only_one, record_path, record_paths
from avcer.batch.sources import read_sources
from avcer.batch.summary import SUMMARIES, write_summaries
from avcer.errors import AvcerError, InputError
from avcer.files import make_folder
from avcer.options import Options
from avcer.output.corrections import FILE as CORRECTIONS
from avcer.output.writers import DEFAULT_FORMATS, check_formats


@dataclass(frozen=True)
class BatchOptions:
    """How a corpus is worked through; what is done with each clip is said by ``Options``.

    Args:
        formats: words of ``output.writers.FORMATS``, written for each clip.
        workers: processes, each with ``Options.threads`` threads.
        timeout_s: the longest that one clip may take, in seconds; None for as long as it makes progress.
        shard: which part of the corpus this call is for.
        retry_failed: try the clips that failed in an earlier call again.
        engine: ``local``, or ``ray``.
        address: of a Ray cluster; None starts Ray on this machine.
        dataset: put the frames of all clips into one Parquet dataset.
        thumbnails: put a small picture of each clip into the report.
        command: what starts a worker, where it is not ours.
    """

    formats: tuple[str, ...] = DEFAULT_FORMATS
    workers: int = 1
    timeout_s: float | None = None
    shard: Shard = field(default_factory=Shard)
    retry_failed: bool = False
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    dataset: bool = False
    thumbnails: bool = False
    command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_formats(self.formats)

    @property
    def written(self) -> tuple[str, ...]:
        """The formats in force: the dataset is made of each clip's Parquet file."""
        return tuple(dict.fromkeys((*self.formats, "parquet"))) if self.dataset else self.formats


class Watcher:
    """Progress callbacks of a batch; the defaults do nothing."""

    def note(self, line: str) -> None:
        """A line for the user, before the work begins."""

    def begins(self, todo: int, current: int) -> None:
        """So many clips are to be analysed; so many are already."""

    def progress(self, job: Job, stage: str, done: int, total: int) -> None:
        """A clip goes on. Called by the workers' threads."""

    def ended(self, clip: ClipRecord) -> None:
        """A clip is done, or has failed."""


def run_batch(
    sources: Sequence[str], out: Path, options: Options, batch: BatchOptions, watcher: Watcher | None = None
) -> dict[str, int]:
    """Analyses a corpus into ``out``, or goes on with it.

    Args:
        sources: see ``sources.read_sources``.
        out: the folder of the record, the summaries, and of a folder of results for each clip.
        options: of every analysis. ``start`` and ``end`` of the manifest go before those of the options.
        batch: how the corpus is worked through.
        watcher: told what happens.

    Returns:
        How many clips of this shard are in each state, see ``record.counts``.

    Raises:
        UsageError: sources or options that are wrong, or another batch at work in ``out``.
        OutputError: ``out`` cannot be written to.
        MissingExtraError: the engine is not installed.
    """
    watcher = watcher or Watcher()
    if not out.exists():
        entries_of(sources, {}, batch)  # what is wrong with the call is said before anything is made
    make_folder(out)
    with only_one(out, batch.shard), closing(Record(record_path(out, batch.shard))) as record:
        known = read_clips(record_paths(out), with_facts=False)
        entries = entries_of(sources, known, batch)
        _take_over(entries, record)
        with opened(options, batch, watcher) as executor:
            settings = settings_of(executor, batch)
            planned = planned_for(entries, known, settings, out, batch, watcher)
            watcher.begins(len(planned.todo), len(planned.current))
            if planned.todo:
                with _summarised_if_interrupted(out, settings):
                    Batch(out, record, batch.shard, watcher.ended).run(planned, executor, settings)
        if not _summaries_stand(entries, out, batch):
            _summarise(out, batch, settings)
    clips = read_clips(record_paths(out), with_facts=False)
    return counts(clips[entry.id] for entry in entries)


def settings_of(executor: Executor, batch: BatchOptions) -> dict[str, Any]:
    """All that a result depends on beside the clip."""
    return {"identity": executor.identity(), "formats": list(batch.written)}


def entries_of(sources: Sequence[str], known: Mapping[str, ClipRecord], batch: BatchOptions) -> list[Entry]:
    """What this call is asked for: its part of the sources, with the ids that are ``known``."""
    return batch.shard.part(read_sources(sources, {clip.entry.source: name for name, clip in known.items()}))


def planned_for(
    entries: Sequence[Entry],
    known: Mapping[str, ClipRecord],
    settings: Mapping[str, Any],
    out: Path,
    batch: BatchOptions,
    watcher: Watcher,
) -> Plan:
    """What is to do, after the notes on it."""
    planned = plan(entries, known, settings, out, batch.retry_failed)
    for line in planned.notes:
        watcher.note(line)
    return planned


def _take_over(entries: Sequence[Entry], record: Record) -> None:
    """The manifest's own columns as they are now, for clips that are not analysed again too."""
    known = record.clips(with_facts=False)
    same = [entry for entry in entries if entry.id in known and known[entry.id].entry.source == entry.source]
    record.describe(entry for entry in same if known[entry.id].entry.extra != entry.extra)


@contextmanager
def opened(options: Options, batch: BatchOptions, watcher: Watcher) -> Iterator[Executor]:
    """The executor that ``batch`` names, until the block ends."""
    setup = Setup(options.to_dict(), batch.written, batch.command or COMMAND)
    if batch.engine == "ray":
        from avcer.batch.cluster import RayExecutor  # an extra

        with RayExecutor(setup, batch.workers, batch.timeout_s, batch.address) as cluster:
            yield cluster
        return
    with LocalExecutor(setup, batch.workers, batch.timeout_s, watcher.progress) as local:
        yield local


def _summaries_stand(entries: Sequence[Entry], out: Path, batch: BatchOptions) -> bool:
    """Whether they are newer than all that they are made of: the records, and what people left beside the results."""
    if batch.thumbnails or batch.dataset:
        return False
    written_ns = min(_changed_ns(out / name) for name in (*SUMMARIES, REPORT))
    folders = [os.path.join(out, entry.id) for entry in entries]  # noqa: PTH118 - for speed
    made_of: list[Path | str] = [*record_paths(out), *folders, *(f"{folder}/{CORRECTIONS}" for folder in folders)]
    return all(_changed_ns(path) < written_ns for path in made_of)


def _changed_ns(path: Path | str) -> int:
    """When it was changed last; 0 where it is not there."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - for speed
    except OSError:
        return 0


def _summarise(out: Path, batch: BatchOptions, settings: dict[str, Any]) -> None:
    """The summaries are of all shards that have a record here."""
    clips = list(read_clips(record_paths(out)).values())
    write_summaries(clips, out)
    write_report(clips, out / REPORT, settings, batch.thumbnails)
    if batch.dataset:
        gather_dataset(clips, out)


@contextmanager
def _summarised_if_interrupted(out: Path, settings: dict[str, Any]) -> Iterator[None]:
    """Whoever interrupts a batch wants to see how far it came. Pictures and the dataset, which take long, wait."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(AvcerError, OSError):  # such as a full disk: the interruption is what is told
            _summarise(out, BatchOptions(), settings)
        raise


def status(out: Path) -> dict[str, int]:
    """How many clips of the batch in ``out`` are in each state, while it runs or later.

    Raises:
        InputError: there is no batch.
    """
    paths = record_paths(out)
    if not paths:
        raise InputError(f"{out}: no batch there; give the folder that --out named")
    return counts(read_clips(paths, with_facts=False).values())
