"""A worker: the process that analyses one clip after another, told by its parent in lines of JSON.

    python -m avcer.batch.worker

The first line on standard input is the set-up, ``{"options": .., "formats": [..]}``; each further one is a job,
``{"path": .., "start_s": .., "end_s": .., "folder": ..}``. The answers are lines on what was standard output:
``{"stage": .., "done": .., "total": ..}`` while it works, then ``{"state": "done", "facts": .., "files": [..]}`` or
``{"state": "failed", "error": .., "trace": ..}``. When standard input ends, so does the worker, in the middle of a clip
too: its parent is gone.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TextIO

from avcer.batch.facts import facts
from avcer.errors import AvcerError, one_of_many
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.quiet import own_stdout

REPORT_EVERY_S: Final = 0.2
"""Between two reports of progress."""


def main() -> int:
    """Works until standard input ends."""
    answers = own_stdout()
    orders: SimpleQueue[dict[str, Any]] = SimpleQueue()
    Thread(target=_read_orders, args=(orders,), name="avcer-orders", daemon=True).start()
    setup = orders.get()
    try:
        analyzer = Analyzer(Options.from_dict(setup["options"]))
    except AvcerError as error:
        _answer(answers, {"state": "unfit", **_told(error)})
        return 1
    _answer(answers, {"state": "ready", "identity": analyzer.identity().to_dict()})
    while True:
        _answer(answers, work(analyzer, setup["formats"], orders.get(), _Reporter(answers)))


def work(analyzer: Analyzer, formats: list[str], job: Mapping[str, Any], progress: _Reporter) -> dict[str, Any]:
    """Analyses the clip of one job and writes its results; the answer for the parent."""
    path = Path(job["path"])
    try:
        with one_of_many(path):
            analysis = _for_part(analyzer, job).analyze(path, progress)
            files = analysis.save(Path(job["folder"]), formats)
            return {"state": "done", "facts": facts(analysis), "files": [file.name for file in files]}
    except AvcerError as error:
        return {"state": "failed", **_told(error)}


def _for_part(analyzer: Analyzer, job: Mapping[str, Any]) -> Analyzer:
    """The analyzer for the part of the clip that the manifest names, if it names one."""
    start_s, end_s = job["start_s"], job["end_s"]
    if start_s is None and end_s is None:
        return analyzer
    options = analyzer.options
    return analyzer.for_part(options.start if start_s is None else start_s, options.end if end_s is None else end_s)


class _Reporter:
    """The progress hook of a worker: tells the parent now and then, which also shows that the worker lives."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._last_s = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now_s = time.monotonic()
        if now_s - self._last_s >= REPORT_EVERY_S:
            self._last_s = now_s
            _answer(self._answers, {"stage": stage, "done": done, "total": total})


def _read_orders(orders: SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(0)  # the parent has gone or wants no more: nothing half-written has a name yet


def _answer(answers: TextIO, message: Mapping[str, Any]) -> None:
    print(json.dumps(message), file=answers, flush=True)


def _told(error: AvcerError) -> dict[str, str]:
    """An error for the parent: its class, its line, and the traceback that ``--debug`` shows."""
    return {"kind": type(error).__name__, "error": str(error), "trace": "".join(traceback.format_exception(error))}


if __name__ == "__main__":
    sys.exit(main())
