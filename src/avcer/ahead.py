"""Work that is done ahead, in a thread of its own, while what was done before is used."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from typing import TypeVar

Item = TypeVar("Item")


def ahead(source: Iterable[Item], count: int = 4) -> Generator[Item, None, None]:
    """The same items in the same order, made in one other thread, at most ``count`` before they are asked for.

    None is no item: it ends them. What goes wrong there is raised here. Whoever stops early closes it, and waits for
    the item that is being made.
    """
    waiting: Queue[Future[Item | None]] = Queue(count)
    items = iter(source)
    with ThreadPoolExecutor(1, thread_name_prefix="avcer-ahead") as maker:
        try:
            for _ in range(count):
                waiting.put(maker.submit(next, items, None))
            while (item := waiting.get().result()) is not None:
                waiting.put(maker.submit(next, items, None))
                yield item
        finally:
            maker.shutdown(cancel_futures=True)
