"""How fast the annotated video is written: a made-up clip at 1280 x 720 with two faces and sound.

    python benchmarks/annotated.py [--seconds 20] [--write docs/speed.md]

Prints seconds of clip by seconds of work, and where the time goes: decoding alone, drawing alone, all of it. Detail in
the picture is noise that moves, which costs the codec more than most recordings do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import deque
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from avcer.analysis import Analysis
from avcer.media import Pictures
from avcer.output.annotated import write_annotated
from avcer.output.annotated.video import drawing
from documents import made_up
from page import circumstances, put, table

SIZE, RATE = (1280, 720), 25


def clip(path: Path, seconds: float) -> None:
    generator = np.random.default_rng(0)
    grain = cv2.GaussianBlur(generator.integers(0, 256, (1000, 1600, 3)).astype(np.uint8), (0, 0), 3)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "23"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(round(seconds * RATE)):
            x, y = round(150 + 140 * np.sin(number / 20)), round(130 + 120 * np.cos(number / 31))
            image = np.ascontiguousarray(grain[y : y + SIZE[1], x : x + SIZE[0]])
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = (8000 * np.sin(np.arange(round(seconds * 48_000)) / 20)).astype(np.int16)[np.newaxis]
        heard = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = 48_000, 0, Fraction(1, 48_000)
        container.mux(audio.encode(heard))
        container.mux(audio.encode(None))


def fitting(path: Path, seconds: float) -> Analysis:
    made = made_up(seconds / 60, "open", worst=False)
    return replace(made, clip=replace(made.clip, path=path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "clip.mp4"
        clip(path, chosen.seconds)
        analysis = fitting(path, chosen.seconds)

        def timed(work: object) -> tuple[float, float]:
            wall, busy = time.perf_counter(), time.process_time()
            work()  # type: ignore[operator]
            return time.perf_counter() - wall, time.process_time() - busy

        rows = {
            "decoding": timed(lambda: deque(Pictures(path), 0)),
            "drawing": timed(lambda: deque(drawing(analysis, Path(place)), 0)),
            "all, with the encoder": timed(lambda: write_annotated(analysis, Path(place))),
        }
    heads = "times real time", "processor time, ms a frame", "times real time that this allows two idle processors"
    lines = []
    for name, (wall, busy) in rows.items():
        numbers = chosen.seconds / wall, 1000 * busy / chosen.seconds / RATE, 2 * chosen.seconds / busy
        lines.append([name, *(f"{number:.1f}" for number in numbers)])
    load = f"{os.getloadavg()[0]:.1f} programs were waiting for a processor meanwhile."
    text = f"{table(['1280 x 720, 25 frames a second', *heads], lines)}\n\n{circumstances('av')} {load}"
    print(text)
    if chosen.write:
        put(chosen.write, text)


if __name__ == "__main__":
    main()
