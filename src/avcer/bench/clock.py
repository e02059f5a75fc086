"""Seconds and items, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class StageClock:
    """How long each stage was busy, and with how many items. For one thread."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._items: dict[str, int] = defaultdict(int)

    @contextmanager
    def stage(self, name: str, items: int = 1) -> Iterator[None]:
        """Times a block of work on that many items."""
        started = time.perf_counter()
        yield
        self._seconds[name] += time.perf_counter() - started
        self._items[name] += items

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; times how long each takes to come."""
        iterator = iter(items)
        while True:
            started = time.perf_counter()
            item = next(iterator, None)
            self._seconds[name] += time.perf_counter() - started
            if item is None:
                return
            self._items[name] += 1
            yield item

    def stages(self) -> dict[str, dict[str, float]]:
        """Stage -> its busy ``seconds`` and its ``items``, in the order in which the stages began."""
        return {name: {"seconds": taken, "items": self._items[name]} for name, taken in self._seconds.items()}
