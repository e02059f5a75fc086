"""Clips one by one in a worker, with errors as exceptions: how ``avcer analyze`` of several files uses the engine."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Final

from avcer.batch.child import Job, Outcome, Worker
from avcer.errors import InputError, named
from avcer.types import Progress

TRIES: Final = 2
"""A clip whose worker died is tried this often: the memory that was missing may be there a moment later."""


def analyze_in(worker: Worker, video: Path, folder: Path, progress: Progress) -> Outcome:
    """Analyses a clip in ``worker``, which writes the results into ``folder``.

    Returns:
        An outcome whose state is ``done``.

    Raises:
        AvcerError: of the class that the worker met; ``InputError`` where the clip cost the worker its life. The
            worker's traceback is a note of the exception.
    """
    job = Job(folder.name, video, folder)
    for _ in range(TRIES):
        outcome = worker.run(job, None, Event(), progress)
        if outcome.state != "died":
            break
    if outcome.state == "done":
        return outcome
    error = named(outcome.kind, InputError)(outcome.error)
    if outcome.trace:
        error.add_note(outcome.trace)
    raise error
