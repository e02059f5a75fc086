"""How soon a live feed's results come: `python benchmarks/latency.py CLIP [--latency S]`.

The clip's frames and sound are decoded first, then fed to a session at the pace of their own times, with the mini
models at `balanced`. A row's delay is from the moment when its frame was due to the moment when its update was there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avcer import Analyzer
from avcer.media import Live, SoundBlock
from avcer.types import Frame
from page import table

MOST_S = 20.0
"""Of the clip, so that its pictures fit into memory."""


def feed(clip: Path, latency_s: float) -> tuple[float, list[float]]:
    """Seconds from the start of the feed to the first update, and the delay of every row in seconds."""
    items = []
    for item in Live(str(clip)):
        items.append(item)
        if isinstance(item, Frame) and item.time_s - _first(items) > MOST_S:
            break
    first_s, delays = _first(items), list[float]()
    earliest = np.inf
    with Analyzer().session(latency_s=latency_s) as session:
        started = time.perf_counter()
        for item in items:
            # A block of sound is there once its last sample is; a frame when it is shown.
            due_s = item.start_s + len(item.samples) / 16_000 if isinstance(item, SoundBlock) else item.time_s
            time.sleep(max(started + due_s - first_s - time.perf_counter(), 0))
            if isinstance(item, SoundBlock):
                session.hear(item)
                continue
            session.see([item])
            for update in session.updates():
                now_s = time.perf_counter() - started
                earliest = min(earliest, now_s)
                delays += (now_s - (update.times_s - first_s)).tolist()
        session.finish()
    return earliest, delays


def _first(items: Sequence[Frame | SoundBlock]) -> float:
    return next((item.time_s for item in items if isinstance(item, Frame)), 0.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--latency", type=float, default=0.5, help="the limit, in seconds")
    chosen = parser.parse_args(arguments)
    earliest, delays = feed(chosen.clip, chosen.latency)
    within = float(np.mean(np.array(delays) <= chosen.latency))
    shares = [f"{np.percentile(delays, share):.3f}" for share in (50, 95, 100)]
    headings = ["limit, s", "first update, s", "median delay", "95 %", "longest", "in time"]
    print(table(headings, [[f"{chosen.latency:g}", f"{earliest:.3f}", *shares, f"{within:.1%}"]]))


if __name__ == "__main__":
    main()
