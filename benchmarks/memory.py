"""Peak memory against length: one clip, repeated to 1 and to 20 minutes, analysed by the command line.

    python benchmarks/memory.py CLIP [--minutes 1 20] [--models mini]

Prints a Markdown table: minutes, frames, seconds of work, real-time factor, peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av

PAUSE_S = Fraction(1, 10)


def repeat(source: Path, target: Path, seconds: float) -> None:
    """Copies the packets of ``source`` over and over, without encoding, until ``target`` lasts ``seconds``."""
    with av.open(str(source)) as first, av.open(str(target), "w") as out:
        length = Fraction(first.duration or 0, av.time_base) + PAUSE_S  # streams do not end together
        streams = {stream.index: out.add_stream_from_template(stream) for stream in first.streams}
        for number in range(int(seconds / length) + 1):
            first.seek(0)
            for packet in first.demux():
                if packet.dts is None or number * length + packet.dts * packet.time_base > seconds:
                    continue
                shift = round(number * length / packet.time_base)
                packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)


def analyse(clip: Path, out: Path, models: str) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MB, of one ``avcer analyze``."""
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "avcer.cli",
        "analyze",
        str(clip),
        "--out",
        str(out),
        "--models",
        models,
        "--quiet",
    ]
    subprocess.run(command, check=True)
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Prints the table; lengths rise, since the system only tells the largest process so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 20])
    parser.add_argument("--models", default="mini")
    chosen = parser.parse_args()
    print("| minutes | frames | seconds | real-time factor | peak memory, MB |\n|---|---|---|---|---|")
    for minutes in sorted(chosen.minutes):
        with tempfile.TemporaryDirectory() as folder:
            long = Path(folder) / f"long{chosen.clip.suffix}"
            repeat(chosen.clip, long, minutes * 60)
            seconds, peak = analyse(long, Path(folder) / "out", chosen.models)
            document = json.loads((Path(folder) / "out" / "long" / "analysis.json").read_text(encoding="utf-8"))
        frames = document["clip"]["frame_count"]
        print(f"| {minutes:g} | {frames} | {seconds:.1f} | {seconds / minutes / 60:.3f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
