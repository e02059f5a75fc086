"""``avcer batch``: a corpus of clips."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from avcer.commands.analysis import add_choices, formats_of, options_of
from avcer.commands.shared import DONE, FAILED, Commands, add, positive
from avcer.errors import UsageError

if TYPE_CHECKING:
    from avcer.batch.estimate import Estimate
    from avcer.batch.run import BatchOptions


def add_batch(commands: Commands) -> None:
    """The parser of ``avcer batch``."""
    batch = add(commands, "batch", "analyse a corpus; the same command resumes where it stopped", _batch, analyses=True)
    batch.add_argument(
        "sources", nargs="*", metavar="SOURCE", help="files, folders, patterns, manifests (CSV, Parquet)"
    )
    batch.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder for the record, summaries, and the results of each clip"
    )
    batch.add_argument("--workers", type=positive, default=1, metavar="N", help="clips at once (default: %(default)s)")
    batch.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="the longest that one clip may take")
    batch.add_argument("--shard", default="1/1", metavar="I/N", help="only the I-th of N parts, for job arrays")
    batch.add_argument("--retry-failed", action="store_true", help="try again the clips that failed before")
    batch.add_argument("--dry-run", action="store_true", help="show what would be done, and an estimate of the time")
    batch.add_argument("--engine", choices=("local", "ray"), default="local", help="where it runs (default: local)")
    batch.add_argument(
        "--address", metavar="ADDRESS", help="the address of a Ray cluster (default: Ray starts on this machine)"
    )
    batch.add_argument("--dataset", action="store_true", help="put the frames of all clips into one Parquet dataset")
    batch.add_argument("--thumbnails", action="store_true", help="put a small picture of each clip into report.html")
    batch.add_argument("--status", type=Path, metavar="DIR", help="only show the progress of the batch in DIR")
    batch.add_argument("--json", action="store_true", help="with --status: counts by state as one JSON object")
    add_choices(batch)


def _seconds(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return number


def _batch(chosen: argparse.Namespace) -> int:
    if chosen.status is not None:
        return _status(chosen)
    if not chosen.sources or chosen.out is None:
        raise UsageError("avcer batch needs SOURCE and --out DIR (or --status DIR)")
    from avcer.batch.estimate import estimate
    from avcer.batch.run import run_batch
    from avcer.commands.progress import batch_shown
    from avcer.files import check_writable

    settings, options = _settings(chosen), options_of(chosen)
    check_writable(chosen.out)
    with batch_shown(chosen.quiet) as watcher:
        if chosen.dry_run:
            found = estimate(chosen.sources, chosen.out, options, settings, watcher)
        else:
            counts = run_batch(chosen.sources, chosen.out, options, settings, watcher)
    if chosen.dry_run:
        print(_foreseen(found))
        return DONE
    if not chosen.quiet:
        report = chosen.out / "report.html"
        print(f"{counts['done']} of {counts['total']} clips done, {counts['failed']} failed; look at {report}")
    return FAILED if counts["failed"] else DONE


def _settings(chosen: argparse.Namespace) -> BatchOptions:
    from avcer.batch.run import BatchOptions
    from avcer.batch.shard import Shard

    return BatchOptions(
        formats=formats_of(chosen),
        workers=chosen.workers,
        timeout_s=chosen.timeout,
        shard=Shard.parse(chosen.shard),
        retry_failed=chosen.retry_failed,
        engine=chosen.engine,
        address=chosen.address,
        dataset=chosen.dataset,
        thumbnails=chosen.thumbnails,
    )


def _foreseen(found: Estimate) -> str:
    what = f"{found.clips} clips to analyse, {found.current} are done"
    if found.failed:
        what += f", {found.failed} have failed"
    if not found.clips:
        return what
    if found.hours is None or found.work_hours is None:
        return f"{what}; none of the first clips could be analysed, so the time is not known"
    measured = "1 clip" if found.measured == 1 else f"{found.measured} clips"
    return f"{what}; about {found.hours:.1f} hours of video, {found.work_hours:.1f} hours of work (from {measured})"


def _status(chosen: argparse.Namespace) -> int:
    from avcer.batch.run import status

    counts = status(chosen.status)
    print(json.dumps(counts) if chosen.json else ", ".join(f"{count} {state}" for state, count in counts.items()))
    return DONE
