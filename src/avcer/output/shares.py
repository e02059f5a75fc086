"""Which labels take how much of the decided time, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from avcer.labels import BASIC, NONE

_LAST: Final = {BASIC[0]: 1, NONE: 2}
"""What is no emotion is named after all emotions, however long it lasts."""
_MOST_SHOWN: Final = 4


def share_text(seconds: Mapping[str, float]) -> str:
    """Of seconds by label: the largest shares first, then 'Neutral' and 'none'; '' where there is no time at all."""
    total = sum(seconds.values())
    if not total:
        return ""
    ranked = sorted(seconds.items(), key=lambda item: (_LAST.get(item[0], 0), -item[1]))
    named = sum(name not in _LAST for name in seconds)
    first, last = ranked[: min(named, _MOST_SHOWN)], ranked[named:]
    left_out = named - len(first)
    texts = [f"{name} {per_cent(share / total)}" for name, share in first + last]
    return ", ".join(texts) + (f" and {left_out} more" if left_out else "")


def per_cent(share: float) -> str:
    """A share in whole percents."""
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"
