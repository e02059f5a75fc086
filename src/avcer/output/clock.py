"""The time axis: seconds in a short clip, minutes and hours as a player shows them in a long one."""

from __future__ import annotations

from typing import Final

import numpy as np

_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600)
_MOST_TICKS: Final = 11
_MINUTES_FROM_S: Final = 90.0
_HOUR_S: Final = 3600.0


def ticks(limits_s: tuple[float, float], zero_s: float = 0.0) -> tuple[list[float], list[str], str]:
    """The places of the marks, their texts, and the name of the axis.

    Args:
        limits_s: the first and last moment.
        zero_s: the moment that is written as 0.
    """
    first, last = (limit - zero_s for limit in limits_s)
    fine = (10.0**power for power in range(-6, -1))  # a frame or two
    coarse = (step * _HOUR_S for step in (12, 24, 48, 96, 240, 1000, 10_000))
    step = next(
        (step for step in (*fine, *_STEPS_S, *coarse) if (last - first) / step < _MOST_TICKS), (last - first) / 10
    )
    counts = np.arange(np.ceil(first / step - 1e-9), np.floor(last / step + 1e-9) + 1)
    places = (counts * step).tolist()
    clock = max(abs(first), abs(last)) >= _MINUTES_FROM_S
    hours = max(abs(first), abs(last)) >= _HOUR_S
    texts = [_clock(place, hours, step) if clock else f"{round(place, 6) + 0.0:g}" for place in places]
    name = "time, hours:minutes:seconds" if hours else "time, minutes:seconds" if clock else "time, seconds"
    return [place + zero_s for place in places], texts, name


def _clock(time_s: float, hours: bool, step: float) -> str:
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 6
    sign, time_s = "-" if time_s < -1e-9 else "", abs(round(time_s, decimals))
    minutes, seconds = divmod(time_s, 60)
    text = f"{seconds:0{3 + decimals if decimals else 2}.{decimals}f}"
    if not hours:
        return f"{sign}{minutes:.0f}:{text}"
    return f"{sign}{minutes // 60:.0f}:{minutes % 60:02.0f}:{text}"
