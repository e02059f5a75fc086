"""Long runs: hours of made-up video through one `avcer analyze`, and thousands of analyses in one process.

    python benchmarks/long_runs.py hours [--minutes 10 60 600] [--threads 1] [--write docs/limits.md]
    python benchmarks/long_runs.py clock [--minutes 600] [--write docs/limits.md]
    python benchmarks/long_runs.py index [--minutes 10 60 600] [--write docs/limits.md]
    python benchmarks/long_runs.py many [--analyses 2000] [--write docs/limits.md]
    python benchmarks/long_runs.py clip FILE.mp4 [--minutes 600]

`hours`: a small picture, a frame a second less a thousandth, in which the demonstration's portrait moves, leaves for
six minutes in ten, and speaks; at the end of every hour, one frame is white, and a beep begins with it. The table
says how much memory the whole command takes at most, how large the files are, and how far the last flash and the last
beep are from where they were put: the flash by the frames' times in the results, the beep in the sound that the audio
model gets. `clock`: these two alone, without any model. `index`: what FFmpeg takes for such a clip that is opened once,
each in a process of its own. `many`: one `Analyzer`, one clip of a second, over and over, each result saved, every
tenth with its picture. Exit status 1: a target was missed.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Stream
from numpy.typing import NDArray
from scipy import signal

from avcer import Analysis, Analyzer
from avcer.demo import make_clip, voice
from avcer.media import SAMPLE_RATE, Pictures, Source, open_sound
from avcer.media.container import open_media
from page import circumstances, put, table

RATE = Fraction(1000, 1001)
SIZE = (240, 180)
SOUND_RATE = 44_100
LOOP = 40
"""Pictures until the portrait moves as before."""
AWAY_S = 360
"""Of every ten minutes."""
PACKET = 1024
VOICE_PACKETS = 345
"""Packets of sound until the voice repeats: eight seconds."""
MARK_EVERY_S, MARK_BEFORE_END_S = 3600, 10
BEEP_S, BEEP_HZ, VOICE_LEVEL, BEEP_LEVEL = 0.5, 1000, 0.25, 0.8
MOST_MB_MORE, MOST_ERROR_S = 100, 0.040
WARM = 100
"""Analyses after which an `Analyzer` and its libraries hold what they keep."""
MOST_GROWTH_MB = 20
PICTURE_EVERY = 10
WRITTEN = (("csv", "json", "txt"), ("csv", "json", "txt", "png"))
"""Formats: without a picture, which takes longer than all the rest, and with one."""
Coded = tuple[bytes, bool]
"""A packet, and whether it is a key frame."""


def marks(minutes: float) -> list[int]:
    """The numbers of the white frames: one near the end of every hour, or of the whole where that is shorter."""
    every_s = min(MARK_EVERY_S, minutes * 60)
    count = round(minutes * 60 / every_s)
    return [round((number * every_s - MARK_BEFORE_END_S) * RATE) for number in range(1, count + 1)]


def make(path: Path, minutes: float) -> Path:
    """Writes the clip. A few seconds are encoded, and their packets copied over and over; so an hour costs seconds."""
    blocks = math.ceil(minutes * 60 * RATE / LOOP)
    with tempfile.TemporaryDirectory() as folder:
        film = _Film(Path(folder), marks(minutes))
        with av.open(str(film.usual)) as first, av.open(str(path), "w") as file:
            shown, heard = (file.add_stream_from_template(stream) for stream in first.streams)
            sounds = 0
            for block in range(blocks):
                for place, packet in enumerate(film.pictures(block)):
                    _mux(file, shown, packet, block * LOOP + place, 1 / RATE)
                while sounds * PACKET / SOUND_RATE < (block + 1) * LOOP / RATE:
                    _mux(file, heard, film.sound(sounds), sounds * PACKET, Fraction(1, SOUND_RATE))
                    sounds += 1
    return path


def _mux(file: OutputContainer, stream: Stream, coded: Coded, stamp: int, base: Fraction) -> None:
    packet = av.Packet(coded[0])
    packet.is_keyframe = coded[1]
    packet.stream, packet.time_base, packet.pts, packet.dts = stream, base, stamp, stamp
    packet.duration = 1 if base == 1 / RATE else PACKET
    file.mux(packet)


class _Film:
    """The encoded parts: forty pictures of the portrait, as much without anybody, and one such part with each mark."""

    def __init__(self, folder: Path, told: Sequence[int]) -> None:
        portrait, empty = _portrait(folder)
        speech = signal.resample_poly(voice(8.0), SOUND_RATE // 100, SAMPLE_RATE // 100) * VOICE_LEVEL
        self._speech = np.tile(speech, 3)
        self.usual = _written(folder / "usual.mp4", portrait, self._speech)
        self._usual = _packets(self.usual)
        self._away = _packets(_written(folder / "away.mp4", [empty] * LOOP, self._speech))
        self._marked: dict[int, list[Coded]] = {}
        self._beeps: dict[int, Coded] = {}
        for mark in told:
            self._mark(folder, mark, empty if self._is_away(mark // LOOP) else portrait[0])

    def pictures(self, block: int) -> list[Coded]:
        """The packets of the pictures from number ``LOOP * block`` on."""
        usual = self._away if self._is_away(block) else self._usual
        return self._marked.get(block, usual[0])

    def sound(self, number: int) -> Coded:
        """The packet of the samples from number ``PACKET * number`` on."""
        return self._beeps.get(number, self._usual[1][number % VOICE_PACKETS + 1])

    @staticmethod
    def _is_away(block: int) -> bool:
        return block * LOOP / RATE % 600 >= 600 - AWAY_S

    def _mark(self, folder: Path, mark: int, other: NDArray[np.uint8]) -> None:
        pictures = [other] * LOOP
        pictures[mark % LOOP] = np.full_like(other, 255)
        begins = float(mark / RATE) * SOUND_RATE
        first = int(begins // PACKET) - 2
        since_s = np.arange(len(self._speech)) / SOUND_RATE - (begins - first * PACKET) / SOUND_RATE
        beeping = (since_s >= 0) & (since_s < BEEP_S)
        tone = BEEP_LEVEL * np.cos(2 * np.pi * BEEP_HZ * since_s)
        part = _packets(_written(folder / "mark.mp4", pictures, np.where(beeping, tone, 0.0)))
        self._marked[mark // LOOP] = part[0]
        length = 6 + int(BEEP_S * SOUND_RATE / PACKET)
        self._beeps |= {first + place: part[1][place + 1] for place in range(length)}


def _written(path: Path, pictures: Sequence[NDArray[np.uint8]], samples: NDArray[np.float64]) -> Path:
    with av.open(str(path), "w") as file:
        shown = file.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "23", "g": str(LOOP)})
        shown.width, shown.height, shown.pix_fmt, shown.thread_count = *SIZE, "yuv420p", 1
        heard = file.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / RATE
            file.mux(shown.encode(frame))
        file.mux(shown.encode())
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        file.mux(heard.encode(frame))
        file.mux(heard.encode())
    return path


def _packets(path: Path) -> tuple[list[Coded], list[Coded]]:
    """Of the pictures, and of the sound; of the sound, the first one is from before the beginning."""
    found: dict[str, list[Coded]] = {"video": [], "audio": []}
    with av.open(str(path)) as file:
        for packet in file.demux():
            if packet.dts is not None:
                found[packet.stream.type].append((bytes(packet), packet.is_keyframe))
    return found["video"], found["audio"]


def _portrait(folder: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Pictures of the demonstration, and one without anybody."""
    with av.open(str(make_clip(folder / "portrait.mp4"))) as clip:
        frames = [frame for number, frame in enumerate(clip.decode(video=0)) if number % 5 == 0]
        pictures = [frame.reformat(*SIZE, format="rgb24").to_ndarray() for frame in frames]
    return pictures[:LOOP], np.full_like(pictures[0], 90)


def flashed_s(clip: Path, times_s: NDArray[np.float64]) -> Iterator[float]:
    """When frames are white, by the times that the results have for their numbers."""
    yield from (float(times_s[frame.index]) for frame in Pictures(clip) if frame.image.mean() > 230)


def beeped_s(clip: Path) -> Iterator[float]:
    """When beeps begin in the sound that the audio model gets: louder than the voice, after a second without."""
    sound, last_s = open_sound(clip), -np.inf
    for block in sound or ():
        for place in np.flatnonzero(np.abs(block.samples) > (VOICE_LEVEL + BEEP_LEVEL) / 2):
            now_s = block.start_s + place / SAMPLE_RATE
            if now_s - last_s > 1:
                yield float(now_s)
            last_s = now_s


def analyse(clip: Path, out: Path, *options: str) -> tuple[float, float]:
    """Seconds, and the largest resident memory in MB, of one ``avcer analyze``."""
    command = [sys.executable, "-m", "avcer", "analyze", str(clip), "--out", str(out), *options]
    begun = time.perf_counter()
    child = subprocess.Popen([*command, "--quiet"])
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{clip}: avcer analyze ended with status {child.returncode}")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def hours(chosen: argparse.Namespace) -> bool:
    rows: list[list[object]] = []
    peaks_mb, errors_s = [], []
    for minutes in sorted(chosen.minutes):
        with tempfile.TemporaryDirectory(prefix="avcer-long-") as folder:
            clip = make(Path(folder) / "long.mp4", minutes)
            seconds, peak_mb = analyse(
                clip, Path(folder), "--threads", str(chosen.threads), "--setting", chosen.setting
            )
            times_s = Analysis.load(Path(folder) / "long").times_s
            due_s = [float(mark / RATE) for mark in marks(minutes)]
            flash_s, beep_s = list(flashed_s(clip, times_s)), list(beeped_s(clip))
            if len(flash_s) != len(due_s) or len(beep_s) != len(due_s):
                sys.exit(f"{len(due_s)} marks were made, {len(flash_s)} seen and {len(beep_s)} heard")
            sizes = {suffix: _size(Path(folder) / "long", suffix) for suffix in (".json", ".npz", ".csv", ".png")}
        peaks_mb.append(peak_mb)
        errors_s += [abs(flash_s[-1] - due_s[-1]), abs(beep_s[-1] - due_s[-1])]
        rows.append([
            f"{minutes:g}", len(times_s), f"{seconds / 60:.1f}", f"{seconds / minutes / 60:.3f}", f"{peak_mb:.0f}",
            *(f"{1000 * error_s:.1f}" for error_s in errors_s[-2:]), *(f"{size / 1e6:.2f}" for size in sizes.values()),
        ])  # fmt: skip
        print(*rows[-1], flush=True)
    headings = [
        "minutes of clip", "frames", "minutes of work", "real-time factor", "peak memory, MB",
        "error of the last flash, ms", "of the last beep, ms", "analysis.json, MB", "analysis.npz, MB",
        "the tables, MB", "timeline.png, MB",
    ]  # fmt: skip
    _say(f"{table(headings, rows)}\n\n{circumstances('av', 'openvino', 'numpy')}", chosen.write, "hours")
    return peaks_mb[-1] - peaks_mb[0] <= MOST_MB_MORE and max(errors_s) <= MOST_ERROR_S


def clock(chosen: argparse.Namespace) -> bool:
    minutes = chosen.minutes[-1]
    with tempfile.TemporaryDirectory(prefix="avcer-long-") as folder:
        clip = make(Path(folder) / "long.mp4", minutes)
        times_s = np.array([frame.time_s for frame in Pictures(clip)])
        due_s = np.array([float(mark / RATE) for mark in marks(minutes)])
        errors_ms = [
            1000 * np.abs(np.array(list(found)) - due_s) for found in (flashed_s(clip, times_s), beeped_s(clip))
        ]
    rows = [
        [name, len(errors), f"{errors.max():.2f}", f"{errors[-1]:.2f}"]
        for name, errors in zip(("flash", "beep"), errors_ms, strict=True)
    ]
    text = table([f"{minutes:g} minutes", "found", "largest error, ms", "error of the last, ms"], rows)
    _say(f"{text}\n\n{circumstances('av', 'numpy')}", chosen.write, "clock")
    return max(errors.max() for errors in errors_ms) <= 1000 * MOST_ERROR_S


def index(chosen: argparse.Namespace) -> bool:
    rows: list[list[object]] = []
    for minutes in sorted(chosen.minutes):
        spawning = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory(prefix="avcer-long-") as folder, ProcessPoolExecutor(1, spawning) as alone:
            clip = make(Path(folder) / "long.mp4", minutes)
            packets, opening_mb, open_mb = alone.submit(_opened, clip).result()
        rows.append([f"{minutes:g}", packets, f"{opening_mb:.0f}", f"{open_mb:.0f}"])
    text = table(["minutes of clip", "packets", "while it is opened, MB", "while it is open, MB"], rows)
    _say(f"{text}\n\n{circumstances('av')}", chosen.write, "index")
    return True


def _opened(clip: Path) -> tuple[int, float, float]:
    """How many packets a clip has, and what it takes at most while it is opened, and while it is open, in MB."""
    before_mb = _resident_mb()
    with open_media(Source(clip)) as container:
        told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
        most_mb = int(told["VmHWM"].split()[0]) * 1024 / 1e6
        packets = sum(stream.frames for stream in container.streams)
        return packets, most_mb - before_mb, _resident_mb() - before_mb


def _size(folder: Path, suffix: str) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix == suffix)


def many(chosen: argparse.Namespace) -> bool:
    held: list[tuple[int, float, int]] = []
    with tempfile.TemporaryDirectory(prefix="avcer-many-") as place:
        folder = Path(place)
        analyzer = Analyzer(threads=chosen.threads, setting=chosen.setting, end=1.0)
        clip = make_clip(folder / "portrait.mp4")
        begun = time.perf_counter()
        for number in range(1, chosen.analyses + 1):
            analyzer.analyze(clip).save(folder / "out", WRITTEN[number % PICTURE_EVERY == 0])
            if number in (1, WARM) or number % max(chosen.analyses // 8, 1) == 0:
                held.append((number, _resident_mb(), len(list(Path("/proc/self/fd").iterdir()))))
                print(*held[-1], flush=True)
        seconds = (time.perf_counter() - begun) / chosen.analyses
    rows = [[number, f"{mb:.0f}", opened] for number, mb, opened in sorted(set(held))]
    text = table(["analyses in one process", "memory, MB", "open files"], rows)
    _say(f"{text}\n\n{seconds:.2f} s each. {circumstances('openvino', 'matplotlib')}", chosen.write, "many")
    warm = next(mb for number, mb, _ in held if number >= min(WARM, chosen.analyses))
    return held[-1][1] - warm <= MOST_GROWTH_MB


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _say(text: str, page: Path | None, part: str) -> None:
    print(text)
    if page:
        put(page, text, part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("hours", "clock", "index", "many", "clip"))
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 60, 600])
    parser.add_argument("--analyses", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--setting", default="fast")
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    if chosen.what == "clip":
        make(chosen.file, chosen.minutes[-1])
        return
    sys.exit(not {"hours": hours, "clock": clock, "index": index, "many": many}[chosen.what](chosen))


if __name__ == "__main__":
    main()
