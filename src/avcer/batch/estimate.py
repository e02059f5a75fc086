"""What a batch would take: its first clips are analysed, and nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from avcer.batch.engine import Batch
from avcer.batch.plan import Plan
from avcer.batch.record import ClipRecord, Record, read_clips
from avcer.batch.run import BatchOptions, Watcher, entries_of, opened, planned_for, settings_of
from avcer.batch.shard import record_paths
from avcer.options import Options


@dataclass(frozen=True)
class Estimate:
    """What a batch will take: ``clips`` to analyse, beside ``current`` ones, whose results stand, and ``failed`` ones,
    which stay as they are; ``hours`` of video, ``work_hours`` with all workers at once; the times are reckoned from
    the first ``measured`` clips, and None where none of them could be analysed.
    """

    clips: int
    current: int
    measured: int
    hours: float | None
    work_hours: float | None
    failed: int = 0


MEASURED: Final = 3
"""Clips that a dry run analyses, into a folder that goes afterwards."""


def estimate(
    sources: Sequence[str], out: Path, options: Options, batch: BatchOptions, watcher: Watcher | None = None
) -> Estimate:
    """What ``run_batch`` would do, and how long it would take: the first clips are analysed, and nothing is kept."""
    watcher = watcher or Watcher()
    known = read_clips(record_paths(out), with_facts=False)
    entries = entries_of(sources, known, batch)
    with TemporaryDirectory(prefix="avcer-dry-run-") as folder, opened(options, batch, watcher) as executor:
        scratch, settings = Path(folder), settings_of(executor, batch)
        planned = planned_for(entries, known, settings, out, batch, watcher)
        first = Plan(planned.todo[:MEASURED], frozenset(), ())
        with closing(Record(scratch / "dry.sqlite")) as record:
            begun_s = monotonic()
            if first.todo:
                Batch(scratch, record, batch.shard).run(first, executor, settings)
            took_s = monotonic() - begun_s
            done = [clip for clip in record.clips().values() if clip.state == "done"]
    failed = sum(known[name].state == "failed" for name in planned.current)
    return replace(_estimated(planned, done, took_s), current=len(planned.current) - failed, failed=failed)


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
