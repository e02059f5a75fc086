"""Times for frames whose time stamps are missing, out of order, or stand still. Pure functions over (time, item)."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

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


def rising(dated: Iterable[tuple[float | None, Item]], interval_s: float) -> Iterator[tuple[float, Item]]:
    """Every item with a time, strictly rising; usable times pass unchanged.

    A time is usable if it is later than the one before. Items without are spread evenly up to the next usable time;
    at the beginning they count back from it. After eight in a row they follow at ``interval_s``, from 0 if nothing
    came before: a recording whose time stamps are absent, or start again in the middle, goes on at its average rate.
    """
    last: float | None = None
    waiting: list[Item] = []
    for time_s, item in dated:
        if time_s is None or (last is not None and time_s <= last):
            waiting.append(item)
            if len(waiting) < LONGEST_WAIT:
                continue
            released = _follow(last, waiting, interval_s)
        else:
            released = [*_spread(last, time_s, waiting, interval_s), (time_s, item)]
        yield from released
        last, waiting = released[-1][0], []
    yield from _follow(last, waiting, interval_s)


def _spread(last: float | None, until: float, items: list[Item], interval_s: float) -> list[tuple[float, Item]]:
    step = interval_s if last is None else (until - last) / (len(items) + 1)
    return [(until - step * (len(items) - place), item) for place, item in enumerate(items)]


def _follow(last: float | None, items: list[Item], interval_s: float) -> list[tuple[float, Item]]:
    start = 0.0 if last is None else last + interval_s
    return [(start + interval_s * place, item) for place, item in enumerate(items)]
