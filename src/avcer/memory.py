"""Memory that was freed goes back to the system.

The C library of Linux (glibc) keeps what is freed for the next request, and for each thread apart. After a step that
takes much memory for a short time, or in another thread, that adds to the peak of the steps after it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, Final

WORTHWHILE: Final = 4_000_000
"""Bytes. Giving back takes milliseconds, as does taking the memory again: too long for what a short clip frees."""


def give_back(freed: int) -> None:
    """Gives the memory that is free back to the system, if about ``freed`` bytes of it are worth the time. Without
    glibc it does nothing.
    """
    trim = _trim()
    if freed >= WORTHWHILE and trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], Any] | None:
    try:
        trim: Callable[[int], Any] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library; Windows has no name for the process itself
        return None
    return trim
