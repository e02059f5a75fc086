"""What a batch shows while it runs: a bar on a terminal, else a line for each failure and now and then a count."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from avcer.batch.child import Job
from avcer.batch.record import ClipRecord
from avcer.batch.run import Watcher

EVERY_S = 30.0
"""Between two lines where there is no terminal: a log is not flooded, and says that the batch lives."""


@contextmanager
def batch_shown(quiet: bool) -> Iterator[Watcher]:
    """A watcher that prints to stderr; failures are named even where it is quiet, as all errors are."""
    if quiet or not sys.stderr.isatty():
        yield _Lines(quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    said = TextColumn("{task.fields[said]}", markup=False)
    columns = ("clips", BarColumn(), MofNCompleteColumn(), said, TimeElapsedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield _Bar(bars)


class _Counted(Watcher):
    """Counts what is done, and says it in words."""

    def __init__(self) -> None:
        self.todo = self.done = self.failed = 0
        self.hours = 0.0
        self.begun_s = time.monotonic()

    def begins(self, todo: int, current: int) -> None:
        """See ``Watcher``."""
        self.todo, self.begun_s = todo, time.monotonic()

    def ended(self, clip: ClipRecord) -> None:
        """See ``Watcher``."""
        self.done += 1
        self.failed += clip.state == "failed"
        self.hours += clip.facts.get("duration_s", 0.0) / 3600

    def said(self) -> str:
        """Hours of video, how many times faster than it plays, failures so far."""
        worked_s = max(time.monotonic() - self.begun_s, 1e-6)
        return f"{self.hours:.2f} h of video, {3600 * self.hours / worked_s:.1f}x real time, {self.failed} failed"


class _Lines(_Counted):
    """Lines for a log."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._last_s = time.monotonic()

    def note(self, line: str) -> None:
        """See ``Watcher``."""
        if not self._quiet:
            print(f"avcer: {line}", file=sys.stderr)

    def ended(self, clip: ClipRecord) -> None:
        """See ``Watcher``."""
        super().ended(clip)
        if clip.state == "failed":
            print(f"avcer: error: {clip.error}", file=sys.stderr)
        elif not self._quiet and time.monotonic() - self._last_s > EVERY_S:
            self._last_s = time.monotonic()
            print(f"avcer: {self.done} of {self.todo} clips, {self.said()}", file=sys.stderr)


class _Bar(_Counted):
    """A bar on a terminal; notes and failures scroll above it."""

    def __init__(self, bars: Any) -> None:
        super().__init__()
        self._bars = bars
        self._task = bars.add_task("clips", total=None, said="loading the models")

    def note(self, line: str) -> None:
        """See ``Watcher``."""
        self._bars.console.print(line, markup=False, highlight=False)

    def begins(self, todo: int, current: int) -> None:
        """See ``Watcher``."""
        super().begins(todo, current)
        self._bars.update(self._task, total=todo, said="")

    def progress(self, job: Job, stage: str, done: int, total: int) -> None:
        """See ``Watcher``."""
        self._bars.update(self._task, said=f"{self.said()}; {job.path.name[-40:]}")

    def ended(self, clip: ClipRecord) -> None:
        """See ``Watcher``."""
        super().ended(clip)
        if clip.state == "failed":
            self._bars.console.print(f"failed: {clip.error}", markup=False, highlight=False)
        self._bars.update(self._task, completed=self.done, said=self.said())
