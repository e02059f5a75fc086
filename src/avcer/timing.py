"""Where the time goes: busy seconds and items, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Stages:
    """Counts what each stage of an analysis costs. Stages may run at once, each within one thread at a time."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._items: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, items: int = 1) -> Iterator[None]:
        """Adds the time of the block, in which ``items`` were dealt with."""
        started = time.perf_counter()
        yield
        self._add(name, time.perf_counter() - started, items)

    def timed(self, name: str, source: Iterable[Item]) -> Iterator[Item]:
        """The same items; adds the time that each of them takes to come."""
        started = time.perf_counter()
        for item in source:
            self._add(name, time.perf_counter() - started, 1)
            yield item
            started = time.perf_counter()

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Stage -> ``seconds`` and ``items``."""
        return {name: {"seconds": self._seconds[name], "items": self._items[name]} for name in self._seconds}

    def _add(self, name: str, seconds: float, items: int) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
        self._items[name] = self._items.get(name, 0) + items
