"""Live analysis over the WebSocket: delay, rate, and agreement with the causal analysis of the same frames and sound.

    python benchmarks/live.py [--rate 15] [--seconds 8] [--write docs/live.md]

A client in this process sends the demonstration clip as JPEG and sound, in real time, one picture in flight, the newest
one next, as the page does; the mini models answer. The delay is from sending to the answer. The offline analysis gets
the frames that were answered for, and the sound before each of them. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
from websockets.sync.client import connect

from avcer.demo import make_clip
from avcer.live.watch import LATENCY_S, row_of
from avcer.media import Pictures, SoundBlock, open_sound
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.serve.live_messages import A_PICTURE, A_SOUND, PICTURE, SOUND, decoded
from avcer.types import Frame
from page import ROOT, circumstances, put, table

sys.path.insert(0, str(ROOT / "tests"))
from browsing import Served

BLOCK = 1600


def sounds(clip: Path) -> list[SoundBlock]:
    """Tenths of a second."""
    found = []
    for block in open_sound(clip) or ():
        starts = range(0, len(block.samples), BLOCK)
        found += [SoundBlock(block.start_s + at / 16_000, block.samples[at : at + BLOCK]) for at in starts]
    return found


def sent(address: str, pictures: list[tuple[float, bytes]], sound: list[SoundBlock]) -> list[dict[str, Any]]:
    """The answers, each with the delay, and the place of its picture."""
    answers: list[dict[str, Any]] = []
    waiting = list(sound)
    with connect(address, additional_headers={"Authorization": "Bearer secret"}) as socket:
        socket.send("{}")
        assert json.loads(socket.recv())["ready"]
        begun, at = time.monotonic(), 0
        while at < len(pictures):
            now_s = time.monotonic() - begun
            while waiting and waiting[0].start_s + BLOCK / 16_000 <= now_s:
                block = waiting.pop(0)
                coded = (block.samples * 32767).astype("<i2").tobytes()
                socket.send(SOUND.pack(A_SOUND, block.start_s) + coded)
            newest = max((place for place, (time_s, _) in enumerate(pictures) if time_s <= now_s), default=-1)
            if newest < at:
                time.sleep(0.002)
                continue
            at = newest + 1
            left = time.monotonic()
            socket.send(PICTURE.pack(A_PICTURE, newest, pictures[newest][0]) + pictures[newest][1])
            told = json.loads(socket.recv())
            answers.append({**told, "delay_s": time.monotonic() - left})
        socket.send('{"stop": true}')
        socket.recv()
    return answers


def offline(analyzer: Analyzer, frames: list[Frame], sound: list[SoundBlock]) -> list[str | None]:
    """The label of whoever leads on each frame, from the past alone."""
    labels: list[str | None] = []
    waiting = list(sound)
    with analyzer.session(latency_s=LATENCY_S) as session:
        for frame in frames:
            while waiting and waiting[0].start_s + BLOCK / 16_000 <= frame.time_s:
                session.hear(waiting.pop(0))
            session.see([frame])
            session.flush()
            for update in session.updates():
                leads = int(update.leads[-1])
                labels.append(next((row_of(face, -1).label for face in update.faces if face.id == leads), None))
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=15.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        clip = make_clip(Path(place) / "demo.mp4")
        pictures: list[tuple[float, bytes]] = []
        for frame in Pictures(clip):
            if frame.time_s >= len(pictures) / chosen.rate and frame.time_s < chosen.seconds:
                _, coded = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 85])
                pictures.append((frame.time_s, coded.tobytes()))
        sound = sounds(clip)
        served = Served(Path(place) / "jobs", workers=0)
        sent(served.live, pictures[:5], sound)  # the models are loaded, and have run
        load, worked_s = os.getloadavg()[0], time.process_time()
        answers = sent(served.live, pictures, sound)
        worked_s = time.process_time() - worked_s
        served.close()
        seen = [
            Frame(number, pictures[one["id"]][0], decoded(pictures[one["id"]][1])) for number, one in enumerate(answers)
        ]
        labels = offline(Analyzer(Options()), seen, sound)
    told = [next((row["label"] for row in one["rows"] if row["face"] == one["leads"]), None) for one in answers]
    same = sum(one == other for one, other in zip(told, labels, strict=True)) / len(told)
    delays = sorted(1000 * one["delay_s"] for one in answers)
    lasted_s = pictures[answers[-1]["id"]][0] - pictures[answers[0]["id"]][0]
    rows = [
        ["pictures answered for", f"{len(answers)} of {len(pictures)}"],
        ["a second", f"{(len(answers) - 1) / lasted_s if lasted_s else 0:.1f}"],
        ["delay, median", f"{statistics.median(delays):.0f} ms"],
        ["delay, 95 of 100", f"{delays[int(0.95 * (len(delays) - 1))]:.0f} ms"],
        ["same label as offline", f"{100 * same:.1f} %"],
        ["time of the processor a picture, client and service", f"{1000 * worked_s / len(answers):.0f} ms"],
        ["programs that waited for a processor", f"{load:.1f}"],
    ]
    text = f"{table(['', 'mini models, balanced'], rows)}\n\n{circumstances('openvino', 'uvicorn')}"
    print(text)
    if chosen.write:
        put(chosen.write, text)


if __name__ == "__main__":
    main()
