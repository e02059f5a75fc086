"""Whether the service's memory grows during a long live analysis, which is sent as fast as it is answered.

    python benchmarks/live_memory.py [--minutes 10] [--rate 15] [--write docs/live.md]

The demonstration clip comes again and again, with its sound, its times going on, so that ten minutes of live take as
long as the machine needs for their pictures. The service runs in a process of its own; its memory is looked at after
the first minute and at the end. A row for each frame is kept, so that an analysis can be made of all: some 200 bytes a
face. Growth beyond 5 % is a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
from websockets.sync.client import connect

from avcer.demo import make_clip
from avcer.media import Pictures
from avcer.serve.live_messages import A_PICTURE, A_SOUND, PICTURE, SOUND
from live import sounds
from page import circumstances, put, table

MOST_GROWTH = 0.05
LASTS_S = 8.0


def resident_mb(process: int) -> float:
    """What of a process is in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def messages(clip: Path, rate: float) -> list[tuple[float, bytes, bytes]]:
    """When, what begins a message but for its time and number, and its content; in the order of time."""
    found: list[tuple[float, bytes, bytes]] = []
    shown = 0
    for frame in Pictures(clip):
        if shown / rate <= frame.time_s < LASTS_S:
            shown += 1
            _, coded = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 85])
            found.append((frame.time_s, b"picture", coded.tobytes()))
    found += [
        (block.start_s, b"sound", (block.samples * 32767).astype("<i2").tobytes())
        for block in sounds(clip)
        if block.start_s < LASTS_S
    ]
    return sorted(found)


def held(address: str, process: int, clip: Path, minutes: float, rate: float) -> list[float]:
    """Memory after each minute of live, in MB."""
    found: list[float] = []
    number, again = 0, messages(clip, rate)
    headers = {"Authorization": f"Bearer {address.partition('token=')[2]}"}
    with connect(address.partition("/?")[0].replace("http", "ws") + "/api/live", additional_headers=headers) as socket:
        socket.send("{}")
        assert json.loads(socket.recv())["ready"]
        rounds = 0
        while len(found) < minutes:
            for time_s, kind, content in again:
                at_s = rounds * LASTS_S + time_s
                if kind == b"sound":
                    socket.send(SOUND.pack(A_SOUND, at_s) + content)
                    continue
                socket.send(PICTURE.pack(A_PICTURE, number, at_s) + content)
                assert "rows" in json.loads(socket.recv())
                number += 1
                if at_s >= 60 * (len(found) + 1):
                    found.append(resident_mb(process))
            rounds += 1
        socket.send('{"stop": true}')
        socket.recv()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=15.0)
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        clip = make_clip(Path(place) / "demo.mp4")
        words = [sys.executable, "-m", "avcer", "serve", "--port", "0", "--jobs", str(Path(place) / "jobs")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service:
            try:
                address = (service.stdout.readline() if service.stdout else "").strip()
                found = held(address, service.pid, clip, chosen.minutes, chosen.rate)
            finally:
                service.kill()
    growth = found[-1] / found[0] - 1
    rows = [
        ["minutes of live", f"{chosen.minutes:g}"], ["pictures a second of it", f"{chosen.rate:g}"],
        ["memory after the first, MB", f"{found[0]:.0f}"], ["in the middle, MB", f"{found[len(found) // 2]:.0f}"],
        ["at the end, MB", f"{found[-1]:.0f}"], ["growth", f"{100 * growth:.1f} %"],
    ]  # fmt: skip
    text = f"{table(['', 'service alone'], rows)}\n\n{circumstances('openvino', 'uvicorn')}"
    print(text)
    if chosen.write:
        put(chosen.write, text)
    sys.exit(growth > MOST_GROWTH)


if __name__ == "__main__":
    main()
