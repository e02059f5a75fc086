"""Waiting for work in other threads in such a way that an interruption is heard at once.

A wait without a time limit ends at a signal only where the process asks for that. It does not on Windows, nor once
some other library has taken the signal over with ``SA_RESTART``, as Polars does: the wait is then begun again, and
Python hears of the interruption when the work is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

TURN_S: Final = 0.1
"""Python looks for an interruption this often, in seconds."""


def result_of(work: Future[Result]) -> Result:
    """What ``work`` gives, as soon as it is done; raises what it raised."""
    while not work.done():
        wait([work], TURN_S)
    return work.result()


def all_done_or_one_failed(works: Sequence[Future[Any]]) -> None:
    """Waits until all ``works`` are done, or one of them has failed."""
    while True:
        done, pending = wait(works, TURN_S, FIRST_EXCEPTION)
        if not pending or any(work.exception() for work in done):
            return
