from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from avcer.waiting import all_done_or_one_failed, result_of

WORK_S = 3.0
pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals that are sent to one thread")


@pytest.fixture(params=[True, False], ids=["waits end at signals", "waits go on after signals"])
def interruption(request: pytest.FixtureRequest) -> Iterator[threading.Timer]:
    """Ctrl-C after a moment, once started. Waits go on after signals where Polars has been used."""
    signal.siginterrupt(signal.SIGINT, request.param)
    main = threading.get_ident()
    yield threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
    signal.siginterrupt(signal.SIGINT, True)


@pytest.mark.parametrize("wait", [result_of, lambda work: all_done_or_one_failed([work])])
def test_an_interruption_comes_through_while_the_work_goes_on(interruption: threading.Timer, wait: Any) -> None:
    goes_on = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(goes_on.wait, WORK_S)
        started = time.perf_counter()
        interruption.start()
        with pytest.raises(KeyboardInterrupt):
            wait(work)
        assert time.perf_counter() - started < WORK_S / 2
        goes_on.set()
    interruption.join()


def test_the_result_or_the_error_is_handed_on() -> None:
    with ThreadPoolExecutor(1) as thread:
        assert result_of(thread.submit(lambda: 7)) == 7
        with pytest.raises(TimeoutError, match="made up"):
            result_of(thread.submit(_fail))


def test_one_failure_ends_the_wait_for_all() -> None:
    never: Future[None] = Future()
    with ThreadPoolExecutor(1) as thread:
        all_done_or_one_failed([never, thread.submit(_fail)])
    assert not never.done()


def _fail() -> None:
    raise TimeoutError("made up")
