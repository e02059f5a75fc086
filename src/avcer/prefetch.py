"""Prefetching: items are made in another thread while the ones before them are used."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from typing import TypeVar

from avcer.waiting import result_of

Item = TypeVar("Item")


def prefetch(source: Iterable[Item], count: int = 4) -> Generator[Item, None, None]:
    """The same items in the same order, made in one other thread, at most ``count`` before they are asked for.

    ``None`` marks the end, so items must not be ``None``. An error of the source is raised where its item would come.
    Closing the generator early waits for the item that is being made, then ends the thread.
    """
    waiting: Queue[Future[Item | None]] = Queue(count)
    items = iter(source)
    with ThreadPoolExecutor(1, thread_name_prefix="avcer-prefetch") as maker:
        try:
            for _ in range(count):
                waiting.put(maker.submit(next, items, None))
            while (item := result_of(waiting.get())) is not None:
                waiting.put(maker.submit(next, items, None))
                yield item
        finally:
            maker.shutdown(cancel_futures=True)
