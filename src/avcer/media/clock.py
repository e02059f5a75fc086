"""Times for frames whose time stamps are missing, out of order, or stand still. Pure functions over (time, item)."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

REORDER_DEPTH: Final = 4
"""Frames that a time may be away from its own in ``in_order``; encoders reorder over two or three in practice."""

LONGEST_WAIT: Final = 8
"""Frames that wait for the next usable time stamp in ``rising`` before the average rate decides. Bounds memory."""


def in_order(dated: Iterable[tuple[float | None, Item]]) -> Iterator[tuple[float | None, Item]]:
    """The same items in the same order, their times sorted among near neighbours.

    AVI has no presentation times: its times follow the order of decoding, while frames come in the order of
    presentation. The set of times is right; only who has which is not.
    """
    times: list[float] = []
    items: deque[Item] = deque()
    for time_s, item in dated:
        heapq.heappush(times, math.inf if time_s is None else time_s)
        items.append(item)
        if len(items) > REORDER_DEPTH:
            yield _finite(heapq.heappop(times)), items.popleft()
    while items:
        yield _finite(heapq.heappop(times)), items.popleft()


def _finite(time_s: float) -> float | None:
    return None if math.isinf(time_s) else time_s


def rising(
    dated: Iterable[tuple[float | None, Item]], interval_s: float, head_s: float = 0.0
) -> Iterator[tuple[float, Item]]:
    """Every item with a time, strictly rising; usable times pass unchanged.

    A time is usable if it is later than the one before. Items without are spread evenly up to the next usable time;
    at the beginning they count back from it. After eight in a row they follow at ``interval_s``, from ``head_s`` if
    nothing came before: a recording whose time stamps are absent, or stand still, goes on at its average rate.
    """
    steady = Rising[Item](interval_s, head_s)
    for time_s, item in dated:
        yield from steady.feed(time_s, item)
    yield from steady.finish()


class Rising(Generic[Item]):
    """``rising`` for items that come one by one: ``feed`` gives those whose time is certain, ``finish`` the others."""

    def __init__(self, interval_s: float, head_s: float = 0.0) -> None:
        self._interval_s = interval_s
        self._head_s = head_s
        self._last_s: float | None = None
        self._waiting: list[Item] = []

    def feed(self, time_s: float | None, item: Item) -> list[tuple[float, Item]]:
        """The items up to this one, or none if it has to wait."""
        if time_s is None or (self._last_s is not None and time_s <= self._last_s):
            self._waiting.append(item)
            return self.finish() if len(self._waiting) == LONGEST_WAIT else []
        released = [*self._spread(time_s), (time_s, item)]
        self._last_s, self._waiting = time_s, []
        return released

    def finish(self) -> list[tuple[float, Item]]:
        """The items that wait, at the average rate."""
        start_s = self._head_s if self._last_s is None else self._last_s + self._interval_s
        released = [(start_s + self._interval_s * place, item) for place, item in enumerate(self._waiting)]
        if released:
            self._last_s, self._waiting = released[-1][0], []
        return released

    def _spread(self, until_s: float) -> list[tuple[float, Item]]:
        count = len(self._waiting)
        step = self._interval_s if self._last_s is None else (until_s - self._last_s) / (count + 1)
        return [(until_s - step * (count - place), item) for place, item in enumerate(self._waiting)]
