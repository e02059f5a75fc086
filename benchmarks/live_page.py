"""Live analysis on the page, in a real browser: delay from capture to drawing, rate, and agreement with offline.

    python benchmarks/live_page.py [--seconds 20] [--screens DIR] [--write docs/live.md]

Chromium's made-up camera and microphone play the demonstration clip again and again, the mini models answer, and the
page itself tells delay and rate, as it does to its user, on each result; what came in the first three seconds is left
out. What the service was sent is kept, and analysed again in its order, causally, when all is over. The machine should
have nothing else to do; the time of the processor counts the service and the browser.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from playwright.sync_api import Page

from avcer.demo import make_clip
from avcer.live.watch import LATENCY_S, row_of
from avcer.media import Pictures, open_sound
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.serve import live_desk
from avcer.serve.live_messages import Sent, decoded
from avcer.types import Frame
from page import ROOT, circumstances, put, table

sys.path.insert(0, str(ROOT / "tests"))
import browsing
from browsing import Served, Watched

SETTLED_S = 3.0


def camera(clip: Path, folder: Path) -> list[str]:
    """The words that have chromium film the clip and hear its sound."""
    with (folder / "camera.y4m").open("wb") as file:
        for number, frame in enumerate(Pictures(clip)):
            height, width = frame.image.shape[:2]
            if number == 0:
                file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(frame.image, cv2.COLOR_BGR2YUV_I420).tobytes())
    heard = np.concatenate([block.samples for block in open_sound(clip) or ()])
    with wave.open(str(folder / "voice.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes((heard * 32767).astype("<i2").tobytes())
    return [
        "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}",
        f"--use-file-for-fake-audio-capture={folder / 'voice.wav'}",
    ]  # fmt: skip


class Kept(live_desk.Newest):
    """Keeps what was taken, and the labels that were answered."""

    taken: ClassVar[list[Sent]] = []

    def take(self) -> Sent:
        sent = super().take()
        self.taken.append(sent)
        return sent


def watched_for(page: Page, seconds: float) -> list[tuple[float, float, int]]:
    """Delay in ms, rate, and number of results, as the page tells them."""
    found: list[tuple[float, float, int]] = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        told = page.locator("#shown").evaluate("shown => ({...shown.dataset})")
        if told.get("results") and (not found or int(told["results"]) != found[-1][2]):
            found.append((float(told["delay"]), float(told["rate"]), int(told["results"])))
        page.wait_for_timeout(250)
    return found


def offline(analyzer: Analyzer, taken: list[Sent]) -> dict[int, str | None]:
    """The label of whoever leads on each picture that was sent, from the past alone."""
    labels: dict[int, str | None] = {}
    last_s = -np.inf
    with analyzer.session(latency_s=LATENCY_S) as session:
        for sent in taken:
            for block in sent.sound or ():
                session.hear(block)
            if sent.picture is None or sent.picture[1] <= last_s:
                continue
            number, last_s, coded, _ = sent.picture
            session.see([Frame(0, last_s, decoded(coded))])
            session.flush()
            for update in session.updates():
                leads = int(update.leads[-1])
                found = (row_of(face, -1).label for face in update.faces if face.id == leads)
                labels[number] = next(found, None)
    return labels


def answered(answers: list[dict[str, Any]]) -> dict[int, str | None]:
    """The same of what the service said."""
    return {
        one["id"]: next((row["label"] for row in one["rows"] if row["face"] == one["leads"]), None) for one in answers
    }


def processor_s() -> float:
    """Of this process and of all that it has started."""
    return sum(os.times()[:2]) + sum(
        sum(map(int, (one / "stat").read_text("ascii").rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        for one in Path("/proc").iterdir()
        if one.name.isdigit() and b"chromium" in _command(one)
    )


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--screens", type=Path, metavar="DIR", help="take pictures of the page there")
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    answers: list[dict[str, Any]] = []
    live_desk.Newest = Kept  # type: ignore[misc]
    tell = live_desk.Desk.__init__

    def listened(self: Any, service: Any, places: Any, asked: Any, told: Any) -> None:
        tell(self, service, places, asked, lambda one: (answers.append(one), told(one))[1])

    live_desk.Desk.__init__ = listened  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = camera(make_clip(folder / "demo.mp4"), folder)
        served = Served(folder / "jobs", workers=0)
        with browsing.browser(*words) as browser:
            page = Watched(browser, served, permissions=["camera", "microphone"]).page
            page.goto(f"{served.origin}/live.html")
            page.get_by_role("button", name="Start").click()
            watched_for(page, SETTLED_S + 2)
            begun_s, load, before = time.monotonic(), os.getloadavg()[0], len(answers)
            worked_s = processor_s()
            found = watched_for(page, chosen.seconds)
            worked_s, passed_s, many = processor_s() - worked_s, time.monotonic() - begun_s, len(answers) - before
            if chosen.screens:
                page.screenshot(path=chosen.screens / "live.png")
            version = browser.version
        served.close()
        again = offline(Analyzer(Options()), Kept.taken)
    said = answered([one for one in answers if "rows" in one])
    same = sum(again.get(number) == label for number, label in said.items()) / len(said)
    rows = [
        ["pictures answered and drawn, a second", f"{many / passed_s:.1f}"],
        ["delay from capture to drawing, median", f"{statistics.median(one[0] for one in found):.0f} ms"],
        ["same label as offline", f"{100 * same:.1f} % of {len(said)}"],
        ["time of the processor a picture, browser and service", f"{1000 * worked_s / max(many, 1):.0f} ms"],
        ["programs that waited for a processor", f"{load:.1f}"],
    ]
    text = (
        f"{table(['', 'mini models, balanced'], rows)}\n\n{circumstances('openvino', 'playwright')} Chromium {version}."
    )
    print(text)
    if chosen.write:
        put(chosen.write, text)


if __name__ == "__main__":
    main()
