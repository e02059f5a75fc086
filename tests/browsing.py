"""A real browser before the service: Debian's chromium, and clips that tell which frame they show."""

from __future__ import annotations

import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, Final

import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

import coded
from avcer.batch.child import COMMAND
from avcer.options import Options
from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service

CODED_WORKER: Final = (sys.executable, str(Path(__file__).parent / "serve" / "coded_worker.py"))
TOKEN: Final = "secret"


def chromium() -> str | None:
    """The program, where it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser(*more: str) -> Iterator[Browser]:
    """The browser, without a window, with a camera and a microphone that are made up, for whoever needs them."""
    words = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", *more]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=words)
        yield found
        found.close()


class Served:
    """A service at ``address``, whose jobs are worked on by ``command``."""

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND, workers: int = 1) -> None:
        self.jobs = Jobs(folder)
        self.runner = Runner(self.jobs, workers, command=command)
        self.service = Service(self.jobs, self.runner, None, 10**9, None)
        app = make_app(self.service, TOKEN)
        door = socket.socket()
        door.bind(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{door.getsockname()[1]}"
        self.address = f"{self.origin}/?token={TOKEN}"
        words = {"log_level": "warning", "lifespan": "off", "ws": "websockets-sansio"}
        self._server = uvicorn.Server(uvicorn.Config(app, **words))
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [door]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    @property
    def live(self) -> str:
        """The address of live analysis over a WebSocket."""
        return f"{self.origin.replace('http', 'ws')}/api/live"

    def add_done(self, job: str, name: str, clip: Path, analysis: Any) -> None:
        """A job whose analysis is given; ``workers`` must be 0, or they would take it."""
        place = self.jobs.place(job)
        analysis.save(place / "results", ["csv", "json"])
        self.jobs.add(job, name, clip, Options().to_dict())
        self.jobs.end(job, "done")

    def close(self) -> None:
        """Ends the service."""
        self._server.should_exit = True
        self._thread.join(10)
        self.runner.close()
        self.jobs.close()


class Watched:
    """A page, and what it asked for and complained of."""

    def __init__(self, browser: Browser, served: Served, width: int = 1280, height: int = 900, **context: Any) -> None:
        self.served = served
        self._context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(served.address)

    def open(self, job: str) -> Page:
        """The studio of a job, when its first frame is shown."""
        self.page.goto(f"{self.served.origin}/#job={job}")
        self.shows(r"\d+", timeout=60_000)
        return self.page

    def shows(self, frame: int | str, timeout: float = 20_000) -> None:
        """Waits until the page shows a frame (a pattern of its number). The page allows no text to be run as code."""
        expect(self.page.locator("#overlay")).to_have_attribute("data-frame", re.compile(f"^{frame}$"), timeout=timeout)

    @property
    def foreign(self) -> list[str]:
        """Requests that left this machine's service."""
        return [url for url in self.asked if not url.startswith((self.served.origin, "blob:", "data:"))]

    def close(self) -> None:
        self._context.close()


READ: Final = f"""
const video = document.getElementById("video"), overlay = document.getElementById("overlay");
const row = (y) => {{
  const at = Math.round(overlay.height * y / {coded.SIZE[1]});
  return overlay.getContext("2d").getImageData(0, at, overlay.width, 1).data;
}};
const scale = () => overlay.width / {coded.SIZE[0]};
const number = () => {{
  const pixels = row(164);
  let found = 0;
  for (let bit = 0; bit < {coded.BITS}; bit += 1) {{
    found |= (pixels[4 * Math.round(scale() * ({coded.CELL} * bit + {coded.CELL // 2}))] > 128) << bit;
  }}
  return found;
}};
// Where the left edge of the upper face's box is drawn, in pixels of the clip.
const drawn = () => {{
  const pixels = row(42);
  for (let x = 0; x < overlay.width; x += 1) if (Math.abs(pixels[4 * x] - {coded.GREY}) > 25) return x / scale();
  return -1;
}};
const seen = () => [number(), Number(overlay.dataset.frame), JSON.parse(overlay.dataset.faces ?? "[]"), drawn()];
"""
"""What a test reads from the canvas on the screen: the number in its pixels, the frame and the faces that the page says
it drew, and where the first box is.
"""

PLAY: Final = f"""async (count) => {{ {READ}
  video.loop = true;
  const found = await new Promise((done) => {{
    const all = [];
    const look = () => {{
      all.push(seen());
      if (all.length >= count) done(all); else video.requestVideoFrameCallback(look);
    }};
    video.requestVideoFrameCallback(look);
    document.getElementById("play").click();
  }});
  video.loop = false;
  document.getElementById("play").click();
  return found;
}}"""

SEEK: Final = f"""async (frames) => {{ {READ}
  const found = [];
  const rows = [...document.querySelectorAll("#segments tbody button")];
  for (const frame of frames) {{
    rows[frame].click();
    const late = performance.now() + 20000;
    do await new Promise((done) => requestAnimationFrame(done));
    while ((video.seeking || Number(overlay.dataset.frame) !== frame) && performance.now() < late);
    found.push(seen());
  }}
  return found;
}}"""


def wrong(seen: Sequence[Any]) -> list[Any]:
    """Of what was read, what does not belong to the frame in the pixels: number, box, label, or the drawn edge."""
    return [
        one
        for one in seen
        if one[:3] != [one[0], one[0], expected(one[0])] or abs(one[3] - coded.box(1, one[0])[0]) > 2
    ]


def expected(frame: int) -> list[list[Any]]:
    """What the page has to draw on a frame: person, label, box."""
    return [[face, coded.LABELS[coded.label(face, frame)], *coded.box(face, frame)] for face in (1, 2)]


def axe(page: Page) -> list[str]:
    """What the accessibility checker axe finds on the page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
