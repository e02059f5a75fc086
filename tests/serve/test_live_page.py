"""The live page in a real browser, with a camera that shows the demonstration's face, and its voice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import sync_playwright

from avcer.demo import photograph, voice
from avcer.media import SAMPLE_RATE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 3
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to try the page in a browser"),
]


def camera(path: Path) -> None:
    """A face that moves a little, as chromium's fake camera wants its pictures."""
    portrait = cv2.resize(photograph()[:384], (640, 480))
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F25:1 Ip A1:1 C420jpeg\n")
        for number in range(SECONDS * 25):
            moved = np.ascontiguousarray(np.roll(portrait, abs(number % 40 - 20), axis=1))
            file.write(b"FRAME\n" + cv2.cvtColor(moved, cv2.COLOR_BGR2YUV_I420).tobytes())


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "avcer", "serve", "--port", "0", "--jobs", str(tmp_path / "jobs")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        yield service.stdout.readline().strip()
        service.terminate()


def test_boxes_and_labels_come_and_a_recording_stays(address: str, tmp_path: Path) -> None:
    camera(tmp_path / "camera.y4m")
    with wave.open(str(tmp_path / "voice.wav"), "wb") as sound:
        sound.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        sound.writeframes((voice(float(SECONDS)) * 32767).astype("<i2").tobytes())
    flags = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-sandbox",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
        f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        page.get_by_role("link", name="Live").click()
        page.get_by_label("record").check()
        page.get_by_role("button", name="Start").click()
        drawn = page.locator("#shown[data-results]")
        drawn.wait_for(timeout=90_000)
        for _ in range(300):  # the page's policy forbids to have a condition evaluated in it
            if int(drawn.get_attribute("data-results") or 0) > 15:
                break
            page.wait_for_timeout(200)
        assert int(drawn.get_attribute("data-results") or 0) > 15
        assert int(drawn.get_attribute("width") or 0) >= 480
        assert page.locator("#seven tr").count() == 7
        assert page.locator("#faces tbody tr").count() >= 1
        assert float(page.locator("#shown").get_attribute("data-delay") or 0) > 0
        page.screenshot(path=str(tmp_path / "live.png"))
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("link", name="open it in the studio").click(timeout=60_000)
        page.wait_for_url("**/#job=*")
        assert not said
        browser.close()
    assert np.asarray(list((tmp_path / "jobs").glob("*/results/compound.csv"))).size == 1
