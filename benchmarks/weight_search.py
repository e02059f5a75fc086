"""The search for fusion weights: how long it takes and how much memory, beside the released way.

    python benchmarks/weight_search.py [--frames 200000] [--draws 10000] [--write docs/fusion.md]

The frames are made up: three models that know the label more or less well. The released way (one draw at a time, all
frames, a score by scikit-learn's rules) is timed on a few draws of the same frames and scaled up.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from avcer.evaluation.fusion.search import dirichlet_draws, search_score, search_weights
from avcer.types import Double, Integer
from page import circumstances, put, table

FEW = 20
"""Draws that the released way is timed on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    values, labels = made_up(chosen.frames)
    text = circumstances("numpy") + "\n\n" + compare(values, labels, dirichlet_draws(3, 7, chosen.draws))
    print(text)
    if chosen.write:
        put(chosen.write, text)


def made_up(frames: int) -> tuple[Double, Integer]:
    """``(N, 3, 7)`` probabilities and labels, half of them Neutral, as in corpora."""
    random = np.random.default_rng(0)
    labels = np.where(random.random(frames) < 0.5, 0, random.integers(0, 7, frames))
    logits = random.standard_normal((frames, 3, 7))
    skill = np.array([[2, 0, 1, 2, 0, 1, 0], [0, 2, 0, 1, 1, 0, 2], [1, 1, 2, 0, 2, 2, 1]])
    logits[np.arange(frames), :, labels] += skill[:, labels].T
    powers = np.exp(logits)
    return powers / powers.sum(axis=2, keepdims=True), labels


def compare(values: Double, labels: Integer, draws: Double) -> str:
    """A row for each of the two ways."""
    start = time.perf_counter()
    found = search_weights(values, labels, draws)
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    scores = [search_score(values, labels, draw) for draw in draws[:FEW]]
    released = (time.perf_counter() - start) / FEW * len(draws)
    size = f"{len(draws):,} draws on {len(labels):,} frames"
    rows = [
        ["`search_weights`", f"{seconds:.1f}", f"{peak_mb:,.0f}", f"{found.score:.4f} (draw {found.draw})"],
        [
            f"one draw after another ({FEW} timed, scaled up)",
            f"{released:.0f}",
            "",
            f"best of {FEW}: {max(scores):.4f}",
        ],
    ]
    return table([size, "seconds", "peak memory of the process, MB", "mean recall"], rows)


if __name__ == "__main__":
    main()
