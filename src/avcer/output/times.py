"""What the times in a file count from: the clip's start, as in a player, or the time stamps of the recording."""

from __future__ import annotations

from typing import Literal

from avcer.analysis import Analysis

Times = Literal["file", "start"]


def zero(analysis: Analysis, usual: Times) -> float:
    """The time of the recording, in seconds, that a format writes as 0: where the option ``times`` was not given, that
    of its ``usual`` choice.
    """
    chosen = analysis.provenance.get("options", {}).get("times") or usual
    return analysis.clip.start_s if chosen == "start" else 0.0
