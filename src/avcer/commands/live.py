"""``avcer live``: a camera, a stream, or a file as if it were one."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from avcer.commands.analysis import add_choices, formats_of, options_of
from avcer.commands.shared import DONE, Commands, add
from avcer.errors import InputError, UsageError

if TYPE_CHECKING:
    from avcer.live.run import LiveRun
    from avcer.live.watch import Result


def add_live(commands: Commands) -> None:
    """The parser of ``avcer live``."""
    live = add(commands, "live", "analyse a camera or a stream while it runs; Ctrl-C ends it", _live, analyses=True)
    live.add_argument(
        "--camera",
        default="0",
        metavar="N|URL|FILE",
        help="its number, an address, or a file played as if live (default: 0)",
    )
    live.add_argument("--out", type=Path, metavar="DIR", help="record into this folder, with the results of analyze")
    live.add_argument("--lsl", metavar="NAME", help="send Lab Streaming Layer streams of this name")
    live.add_argument("--seconds", type=float, metavar="S", help="stop after so many seconds (default: at Ctrl-C)")
    live.add_argument("--json", action="store_true", help="print a JSON line for each frame that was analysed")
    add_choices(live)


def _live(chosen: argparse.Namespace) -> int:
    from avcer.batch.facts import facts
    from avcer.console import print_summary
    from avcer.files import check_writable
    from avcer.live.run import LiveRun, Wanted, folder_for
    from avcer.live.sources import open_live
    from avcer.pipeline import Analyzer

    options = options_of(chosen)
    if options.start is not None or options.end is not None:
        raise UsageError("--start and --end are for recordings; stop a live analysis with --seconds or Ctrl-C")
    source, endless = open_live(chosen.camera)
    folder = None
    if chosen.out is not None:
        check_writable(chosen.out)
        folder = folder_for(chosen.out)
    formats = formats_of(chosen)
    run = LiveRun(Analyzer(options), source, Wanted(folder, formats, chosen.lsl, chosen.seconds))
    with _stopped_by_ctrl_c(run), _shown(chosen, folder) as show:
        outcome = run.run(show)
    if outcome.analysis is not None and folder is not None and not chosen.quiet and not chosen.json:
        print_summary(folder.name, facts(outcome.analysis), folder, len(outcome.files))
    if outcome.gone and endless:
        kept = f"; what was recorded is in {folder}" if folder else ""
        why = run.inbox.error or f"{chosen.camera}: gives no more pictures"
        raise InputError(f"{why}{kept}; check the camera or the address")
    return DONE


@contextmanager
def _stopped_by_ctrl_c(run: LiveRun) -> Iterator[None]:
    """The first Ctrl-C ends the analysis as it is meant to end; a second one interrupts it."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        run.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown(chosen: argparse.Namespace, folder: Path | None) -> Iterator[Callable[[Result], None]]:
    """What is done with each result: a line of JSON, a display on a terminal, or nothing."""
    if chosen.json:
        yield lambda result: print(json.dumps(_plain(result)), flush=True)
        return
    if chosen.quiet or not sys.stdout.isatty():
        yield lambda result: None
        return
    from rich.live import Live

    from avcer.live.display import drawn

    with Live(refresh_per_second=15, transient=True) as display:
        yield lambda result: display.update(drawn(result, recording=folder is not None))


def _plain(result: Result) -> dict[str, Any]:
    document = asdict(result)
    del document["stamps_s"]
    return document
