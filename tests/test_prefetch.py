from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from avcer.prefetch import prefetch


class Source:
    """Numbers from 0 on; remembers how many it has made, in which threads, and whether it was closed."""

    def __init__(self, stop: int, fails_at: int | None = None) -> None:
        self._stop, self._fails_at = stop, fails_at
        self.made, self.closed = 0, False
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        try:
            for number in range(self._stop):
                if number == self._fails_at:
                    raise OSError("no more")
                self.threads.add(threading.get_ident())
                self.made += 1
                yield number
        finally:
            self.closed = True


def settled(value: Callable[[], int]) -> int:
    """A number that another thread changes, once it stands still."""
    before = -1
    while (now := value()) != before:
        before = now
        time.sleep(0.05)
    return now


def makers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("avcer-prefetch")]


@pytest.mark.parametrize("count", [1, 3, 100])
def test_the_order_is_kept(count: int) -> None:
    source = Source(50)
    assert list(prefetch(source, count)) == list(range(50))
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_of_nothing_comes_nothing() -> None:
    assert list(prefetch(iter(()))) == []


@pytest.mark.parametrize("count", [1, 2, 4])
def test_no_more_is_made_than_asked_for(count: int) -> None:
    source = Source(50)
    with closing(prefetch(source, count)) as items:
        assert source.made == 0
        for used, _ in zip(range(1, 4), items, strict=False):
            assert settled(lambda: source.made) == used + count


def test_an_error_is_raised_where_its_item_would_be_used() -> None:
    items = prefetch(Source(50, fails_at=2), 4)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(OSError, match="no more"):
        next(items)
    assert list(items) == []
    assert not makers()


def test_stopping_early_ends_the_thread_and_closes_the_source() -> None:
    source = Source(50)
    items = prefetch(source, 2)
    assert next(items) == 0
    items.close()
    assert not makers()
    assert source.closed
    assert source.made <= 3
