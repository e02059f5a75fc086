"""The live page in a real browser, whose camera shows a made-up face; the networks are made up, too."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
import uvicorn
from playwright.sync_api import sync_playwright

import browsing
from avcer.pipeline import Analyzer
from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service
from fakes import Square, engines, picture

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RESULTS = 4
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to try the page in a browser"),
]


def camera(path: Path) -> Path:
    """A bright square that moves, as chromium's fake camera wants its pictures."""
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W160 H120 F15:1 Ip A1:1 C420jpeg\n")
        for number in range(30):
            shown = picture(Square(20 + number, side=48, grey=120))
            file.write(b"FRAME\n" + cv2.cvtColor(shown, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    ours = Analyzer(engines=engines(), fusion="mean", rule="sum")
    monkeypatch.setattr("avcer.pipeline.Analyzer", lambda options: ours)
    jobs = Jobs(tmp_path / "jobs")
    runner = Runner(jobs, workers=0)
    app = make_app(Service(jobs, runner, None, 10**8, 1), "secret")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        settings = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(settings)
        thread = Thread(target=lambda: server.run(sockets=[door]), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/?token=secret"
        server.should_exit = True
        thread.join(20)
    runner.close()
    jobs.close()


def drawn(page: Any) -> int:
    """How many results were drawn; the page's policy forbids to have a condition evaluated in it."""
    return int(page.locator("#shown").get_attribute("data-results") or 0)


def test_results_are_drawn_and_a_recording_stays(address: str, tmp_path: Path) -> None:
    flags = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-sandbox",
        f"--use-file-for-fake-video-capture={camera(tmp_path / 'camera.y4m')}",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_role("link", name="Live").click()
        assert not browsing.axe(page)
        page.get_by_label("record").check()
        page.get_by_role("button", name="Start").focus()
        page.keyboard.press("Enter")
        for _ in range(600):
            if drawn(page) >= RESULTS:
                break
            page.wait_for_timeout(200)
        assert drawn(page) >= RESULTS
        assert page.locator("#shown").get_attribute("width") == "160"
        assert page.locator("#seven tr").count() == 7
        assert page.locator("#faces tbody tr").count() == 1
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        assert not browsing.axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.activeElement.id") == "stop"  # the focus goes with the button
        page.keyboard.press("Enter")
        page.get_by_role("link", name="open it in the studio").click()
        page.wait_for_url("**/#job=*")
        assert not complaints
        browser.close()
    assert len(list((tmp_path / "jobs").glob("*/results/compound.csv"))) == 1
