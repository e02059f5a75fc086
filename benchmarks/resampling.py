"""Resamplers against the one that the released implementation hears through, 44.1 to 16 kHz.

    python benchmarks/resampling.py [--write docs/media.md]

Prints a Markdown table: the largest difference, of full scale, in all and without the ends. soxr is compared where it
is installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from scipy.signal import resample_poly

from avcer.media.resample import Resampler
from avcer.types import Float
from page import circumstances, put, table
from reference import GOLDEN

RATE, TARGET = 44_100, 16_000
EDGE = 100
"""Samples at either end whose neighbours beyond the end each resampler imagines in its own way."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    golden = np.load(GOLDEN / "resample.npz")
    mono, expected = golden["stereo_44100"].mean(axis=0), golden["mono_16000"]
    rows = []
    for name, made in resampled(mono):
        length = min(len(made), len(expected))
        difference = np.abs(made[:length] - expected[:length])
        rows.append((name, f"{difference.max():.7f}", f"{difference[EDGE:-EDGE].max():.7f}"))
    packages = ["av", "scipy", *(["soxr"] if find_spec("soxr") else [])]
    headings = ("resampler", "all", f"without the first and last {EDGE} samples")
    text = f"{table(headings, rows)}\n\n{circumstances(*packages)}"
    print(text)
    if chosen.write:
        put(chosen.write, text)


def resampled(mono: Float) -> Iterator[tuple[str, Float]]:
    """Each resampler's name, and what it makes of samples ``(n,)``."""
    for piece in (len(mono), 997):
        resampler = Resampler(RATE, TARGET)
        made = [resampler.feed(mono[start : start + piece]) for start in range(0, len(mono), piece)]
        size = "in one piece" if piece == len(mono) else f"in pieces of {piece} samples"
        yield f"this one, {size}", np.concatenate([*made, resampler.finish()])
    divisor = np.gcd(RATE, TARGET)
    yield "SciPy `resample_poly`, default window", resample_poly(mono, TARGET // divisor, RATE // divisor)
    if find_spec("soxr"):
        import soxr

        yield "soxr, HQ", soxr.resample(mono, RATE, TARGET, quality="HQ")
    yield "FFmpeg swresample, default", swresample(mono)
    yield "FFmpeg swresample, filter size 12, cut-off 0.99", swresample(mono, ":filter_size=12:cutoff=0.99")


def swresample(mono: Float, settings: str = "") -> Float:
    """FFmpeg's own resampler, with the ``settings`` of its filter."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono", time_base=Fraction(1, RATE))
    graph.link_nodes(source, graph.add("aresample", f"{TARGET}{settings}"), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(mono[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate = RATE
    graph.push(frame)
    graph.push(None)
    pieces = []
    while True:
        try:
            pieces.append(graph.pull().to_ndarray()[0])
        except (av.error.BlockingIOError, av.error.EOFError):
            return np.concatenate(pieces)


if __name__ == "__main__":
    main()
