"""A whole batch in one call: sources in; record, results, summaries and the report out."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from avcer.batch.child import COMMAND, Job, Setup
from avcer.batch.engine import Batch, Plan, Shard, only_one, plan, record_path, record_paths
from avcer.batch.executor import Executor, LocalExecutor
from avcer.batch.manifest import Entry, read_sources
from avcer.batch.record import ClipRecord, Record, counts, read_clips
from avcer.batch.report import write_report
from avcer.batch.summary import write_summaries
from avcer.errors import InputError
from avcer.files import make_folder
from avcer.options import Options
from avcer.output.writers import DEFAULT_FORMATS, check_formats

DATASET: Final = "frames"
"""The folder of the dataset of all frames: one file a clip, ``frames/id=<id>/frames.parquet``."""


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
    """Whoever follows a batch. Every method does nothing here."""

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
        sources: see ``manifest.read_sources``.
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
    make_folder(out)
    with only_one(out, batch.shard), contextlib.closing(Record(record_path(out, batch.shard))) as record:
        with _executor(options, batch, watcher) as executor:
            settings = {"identity": executor.identity(), "formats": list(batch.written)}
            planned, entries = _planned(sources, out, record, batch, settings, watcher)
            if planned.todo:
                Batch(out, record, batch.shard, watcher.ended).run(planned, executor, settings)
        _summarise(out, batch, settings)
        clips = record.clips()
        return counts(clips[entry.id] for entry in entries)


def _planned(
    sources: Sequence[str], out: Path, record: Record, batch: BatchOptions, settings: dict[str, Any], watcher: Watcher
) -> tuple[Plan, list[Entry]]:
    known = record.clips(with_facts=False)
    whole = read_sources(sources, {clip.entry.source: name for name, clip in known.items()})
    entries = batch.shard.part(whole)
    planned = plan(entries, known, settings, out, batch.retry_failed)
    for line in planned.notes:
        watcher.note(line)
    watcher.begins(len(planned.todo), len(planned.current))
    return planned, entries


@contextmanager
def _executor(options: Options, batch: BatchOptions, watcher: Watcher) -> Iterator[Executor]:
    setup = Setup(options.to_dict(), batch.written, batch.command or COMMAND)
    if batch.engine == "ray":
        from avcer.batch.cluster import RayExecutor  # an extra

        with RayExecutor(setup, batch.workers, batch.timeout_s, batch.address) as cluster:
            yield cluster
        return
    with LocalExecutor(setup, batch.workers, batch.timeout_s, watcher.progress) as local:
        yield local


def _summarise(out: Path, batch: BatchOptions, settings: dict[str, Any]) -> None:
    """The summaries are of all shards that have a record here."""
    clips = list(read_clips(record_paths(out)).values())
    write_summaries(clips, out)
    about = {name: value for name, value in settings["identity"].items() if not isinstance(value, dict | list)}
    write_report(clips, out / "report.html", about, batch.thumbnails)
    if batch.dataset:
        gather_dataset(clips, out)


def gather_dataset(clips: Sequence[ClipRecord], out: Path) -> Path:
    """The frames of all clips that are done as one dataset, partitioned by ``id``: each clip's ``analysis.parquet``
    under a second name, which takes no room where the file system has hard links.
    """
    for clip in clips:
        source = out / clip.entry.id / "analysis.parquet"
        if clip.state == "done" and source.exists():
            target = make_folder(out / DATASET / f"id={clip.entry.id}") / "frames.parquet"
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
    return out / DATASET


@dataclass(frozen=True)
class Estimate:
    """What a batch will take: ``clips`` to analyse, ``hours`` of video, ``work_hours`` with all workers at once; the
    times are reckoned from the first ``measured`` clips, and None where none of them could be analysed.
    """

    clips: int
    current: int
    measured: int
    hours: float | None
    work_hours: float | None


MEASURED: Final = 3
"""Clips that a dry run analyses, into a folder that goes afterwards."""


def estimate(
    sources: Sequence[str], out: Path, options: Options, batch: BatchOptions, watcher: Watcher | None = None
) -> Estimate:
    """What ``run_batch`` would do, and how long it would take: the first clips are analysed, and nothing is kept."""
    watcher = watcher or Watcher()
    existing = record_path(out, batch.shard)
    with _scratch() as scratch, contextlib.closing(Record(scratch / "dry.sqlite")) as record:
        if existing.exists():
            shutil.copyfile(existing, scratch / "known.sqlite")
        known = read_clips([scratch / "known.sqlite"]) if existing.exists() else {}
        with _executor(options, batch, watcher) as executor:
            settings = {"identity": executor.identity(), "formats": list(batch.written)}
            whole = read_sources(sources, {clip.entry.source: name for name, clip in known.items()})
            planned = plan(batch.shard.part(whole), known, settings, out, batch.retry_failed)
            for line in planned.notes:
                watcher.note(line)
            first = Plan(planned.todo[:MEASURED], frozenset(), ())
            begun_s = monotonic()
            if first.todo:
                Batch(scratch, record, batch.shard).run(first, executor, settings)
            took_s = monotonic() - begun_s
        done = [clip for clip in record.clips().values() if clip.state == "done"]
    return _estimated(planned, done, took_s)


def _estimated(planned: Plan, done: Sequence[ClipRecord], took_s: float) -> Estimate:
    """Hours of the first clips by the share of all bytes that they are: sizes are known at once, lengths are not."""
    clips, current = len(planned.todo), len(planned.current)
    measured_bytes = sum(clip.source.size for clip in done if clip.source)
    measured_s = sum(clip.facts["duration_s"] for clip in done)
    if not measured_bytes:
        return Estimate(clips, current, 0, None, None)
    times = sum(_size(entry.path) for entry in planned.todo) / measured_bytes
    return Estimate(clips, current, len(done), times * measured_s / 3600, times * took_s / 3600)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def _scratch() -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="avcer-dry-run-") as folder:
        yield Path(folder)


def status(out: Path) -> dict[str, int]:
    """How many clips of the batch in ``out`` are in each state, while it runs or later.

    Raises:
        InputError: there is no batch.
    """
    paths = record_paths(out)
    if not paths:
        raise InputError(f"{out}: no batch there; give the folder that --out named")
    return counts(read_clips(paths).values())
