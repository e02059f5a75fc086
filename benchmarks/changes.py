"""What made it faster: each change alone, the way before and the way now, on one clip.

    python benchmarks/changes.py CLIP [--write docs/speed.md]

Milliseconds are the best of several passes; real-time factors are of whole analyses with the mini models.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from avcer import Analyzer
from avcer.emotion.spectrogram import powers
from avcer.faces import cuts
from avcer.faces.detect import network_input
from avcer.media.resample import Resampler
from avcer.models.choice import choose_all
from avcer.models.compiled import compile_graph
from avcer.models.core import openvino_core
from avcer.types import Image
from page import circumstances, put, table

PASSES = 5
FRAMES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AVCER_HOME"] = home
        rows = [*decoding(chosen.clip), *conversion(chosen.clip), *cut_detection(chosen.clip)]
        rows += [*preparation(chosen.clip), *resampling(), *spectra(), *compiling(), *less_work(chosen.clip)]
    headings = ["change", "measured", "before", "now", "ratio"]
    text = "\n\n".join([circumstances("openvino", "av"), table(headings, rows)])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def decoding(clip: Path) -> Iterator[list[str]]:
    """From the file to the codec's planes, in seconds of all cores together: the others have work to do meanwhile."""

    def spent(threads: int) -> float:
        def decode() -> None:
            with av.open(str(clip)) as container:
                stream = container.streams.video[0]
                stream.thread_type, stream.thread_count = "AUTO", threads
                for _ in zip(container.decode(stream), range(FRAMES), strict=False):
                    pass

        return _best(decode, clock=time.process_time) / FRAMES

    yield _row(
        "half of the cores decode", "ms of processor a frame", spent(0), spent(max((os.cpu_count() or 1) // 2, 1))
    )


def conversion(clip: Path) -> Iterator[list[str]]:
    """From the codec's planes to BGR."""

    def each_its_own(frames: list[av.VideoFrame]) -> None:
        for frame in frames:
            frame.to_ndarray(format="bgr24")

    def one_for_all(frames: list[av.VideoFrame]) -> None:
        converter = VideoReformatter()
        for frame in frames:
            converter.reformat(frame, format="bgr24").to_ndarray()

    before, now = (
        _best(lambda way=way: way(_decoded(clip)), lambda: _decoded(clip)) for way in (each_its_own, one_for_all)
    )
    yield _row("one converter for all frames of a clip", "ms a frame", before / FRAMES, now / FRAMES)


def cut_detection(clip: Path) -> Iterator[list[str]]:
    """From a frame to the small picture that the cut detector compares."""
    image: Image = _decoded(clip)[0].to_ndarray(format="bgr24")

    def all_pixels() -> None:
        cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)

    before, now = _best(all_pixels), _best(lambda: cuts._reduced(image))
    yield _row("cuts are seen on sixteen pixels a cell", "ms a frame", before, now)


def preparation(clip: Path) -> Iterator[list[str]]:
    """Of three frames at once, for the mini detector."""
    images: list[Image] = [frame.to_ndarray(format="bgr24") for frame in _decoded(clip)[:3]]
    mean, scale = [104.0, 117.0, 123.0], 1 / 64
    before = _best(lambda: cv2.dnn.blobFromImages(images, scale, mean=mean, swapRB=False))
    now = _best(lambda: network_input(images, mean, scale))
    yield _row("frames are prepared plane by plane", "ms a frame", before / 3, now / 3)


def resampling() -> Iterator[list[str]]:
    """Of ten seconds, from 48 kHz: the frames of AAC one by one, and half a second at a time."""
    sound = np.random.default_rng(0).standard_normal(480_000).astype(np.float32)

    def resampled(size: int) -> None:
        resampler = Resampler(48_000, 16_000)
        for start in range(0, len(sound), size):
            resampler.feed(sound[start : start + size])

    before, now = _best(lambda: resampled(1024)), _best(lambda: resampled(24_000))
    yield _row("sound is resampled half a second at a time", "ms a second", before / 10, now / 10)


def spectra() -> Iterator[list[str]]:
    """Of a window of sound, for the mini audio model."""
    frames = np.random.default_rng(0).standard_normal((266, 640), np.float32)
    before = _best(lambda: np.square(np.abs(np.fft.rfft(frames, 1024))))
    yield _row("spectra are OpenCV's, not NumPy's", "ms a window", before, _best(lambda: powers(frames, 1024)))


def compiling() -> Iterator[list[str]]:
    """All four mini models, from their graphs or as kept."""
    core, models = openvino_core(), list(choose_all("mini").values())

    def compiled() -> None:
        for model in models:
            core.compile_model(core.read_model(model.graph), "CPU")

    def kept() -> None:
        for model in models:
            compile_graph(core, model, {})

    kept()
    yield _row("compiled models are kept on disk", "ms at the start", _best(compiled), _best(kept))


def less_work(clip: Path) -> Iterator[list[str]]:
    """Whole analyses: every frame, then one thing after the other left out; and what runs at once."""
    steps: dict[str, dict[str, Any]] = {
        "every frame": {"detect_every": 1, "steady_within": 0.0},
        "faces are classified where they change": {"detect_every": 1},
        "the detector runs where faces are classified": {},
    }
    factors, busy = [], 0.0
    for changes in steps.values():
        analyzer = Analyzer(**changes)
        timings = min(
            (analyzer.analyze(clip).provenance["timings"] for _ in range(PASSES)), key=lambda one: one["seconds"]
        )
        factors.append(timings["real_time_factor"])
        busy = sum(stage["seconds"] for stage in timings["stages"].values()) / timings["seconds"]
    for name, before, now in zip(list(steps)[1:], factors, factors[1:], strict=False):
        yield _row(name, "real-time factor", before, now)
    yield _row(
        "stages run at once", "real-time factor, one after the other and at once", busy * factors[-1], factors[-1]
    )


def _decoded(clip: Path) -> list[av.VideoFrame]:
    with av.open(str(clip)) as container:
        return [frame for frame, _ in zip(container.decode(video=0), range(FRAMES), strict=False)]


def _best(
    way: Callable[[], object], less: Callable[[], object] | None = None, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Milliseconds of the fastest pass by ``clock``, less those of ``less`` alone."""

    def fastest(one: Callable[[], object]) -> float:
        spent = []
        for _ in range(PASSES):
            started = clock()
            one()
            spent.append(1000 * (clock() - started))
        return float(np.min(spent))

    return fastest(way) - (fastest(less) if less else 0.0)


def _row(change: str, measured: str, before: float, now: float) -> list[str]:
    return [change, measured, f"{before:.3f}", f"{now:.3f}", f"{before / now:.1f}"]


if __name__ == "__main__":
    main()
