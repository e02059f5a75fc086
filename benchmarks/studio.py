"""The studio in a real browser: frames and seeks that are right, the start of the service, bytes, and pictures of it.

    python benchmarks/studio.py --frames --write docs/studio.md
    python benchmarks/studio.py --service --write docs/serve.md
    python benchmarks/studio.py --start
    python benchmarks/studio.py --pictures docs/figures

Frames are counted on clips that hold their number in their pixels; the pictures show the demonstration clip alone.
``--start`` prints the start by itself, in seconds of the processor too, and which modules take longest to import.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from page import ROOT, circumstances, put, table

sys.path.insert(0, str(ROOT / "tests"))
import numpy as np

import browsing
import coded
from avcer import Analyzer
from avcer.demo import make_clip
from avcer.serve.app import PAGE
from browsing import Served, Watched

CALLBACKS, SEEKS, FRAMES = 200, 50, 200
CLIPS: Final = {
    "constant rate, H.264 in MP4": ("clip.mp4", "libx264", False, 0),
    "varying rate, H.264 in MP4": ("clip.mp4", "libx264", True, 0),
    "varying rate, VP8 in WebM": ("clip.webm", "libvpx", True, 0),
    "varying rate, MPEG-4 part 2 in Matroska, clock from 1.4 s: as a copy": ("clip.mkv", "mpeg4", True, 1400),
}
STARTS: Final = 5
SLOWEST: Final = 8
PACKAGES: Final = ("playwright", "av", "starlette")
SCREENS: Final = {
    "studio.png": (1280, 800, "light", 1.0),
    "studio-dark.png": (1280, 800, "dark", 1.0),
    "studio-telephone.png": (390, 844, "light", 1.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", action="store_true", help="count right frames and seeks")
    parser.add_argument("--service", action="store_true", help="time the start, count bytes")
    parser.add_argument("--start", action="store_true", help="time the start alone, and name what takes longest")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="make the pictures of the docs there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    chosen = parser.parse_args()
    with browsing.browser() as browser, TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.pictures:
            pictures(browser, folder, chosen.pictures)
        measures = ((chosen.frames, frames), (chosen.service, service), (chosen.start, start))
        for measure in (measure for wanted, measure in measures if wanted):
            text = f"{measure(browser, folder)}\n\n{circumstances(*PACKAGES)} {_browser(browser)}"
            print(text)
            if chosen.write:
                put(chosen.write, text)


def _browser(browser: Browser) -> str:
    return f"Chromium {browser.version.split('.')[0]}, without a window."


def frames(browser: Browser, folder: Path) -> str:
    """A table of what was drawn wrongly."""
    served = Served(folder / "jobs", workers=0)
    rows = []
    for number, (what, (name, codec, varying, begin_ms)) in enumerate(CLIPS.items()):
        job = f"{number:02x}"
        (folder / job).mkdir()
        clip = coded.clip(folder / job / name, FRAMES, codec, varying, begin_ms)
        served.add_done(job, name, clip, coded.analysis(clip))
        watched = Watched(browser, served)
        page = watched.open(job)
        seen = page.evaluate(browsing.PLAY, CALLBACKS)
        page.select_option("#filter [name=face]", "1")
        wanted = np.random.default_rng(number).integers(0, FRAMES, SEEKS).tolist()
        sought = page.evaluate(browsing.SEEK, wanted)
        missed = sum(one[0] != frame for one, frame in zip(sought, wanted, strict=True))
        rows.append((what, len(seen), len(browsing.wrong(seen)), len(sought), missed))
        watched.close()
    served.close()
    return table(("clip", "frames shown", "with another frame's box or label", "seeks", "to another frame"), rows)


def service(browser: Browser, folder: Path) -> str:
    """A table of start and sizes."""
    sizes = {path: path.stat().st_size for path in PAGE.rglob("*") if path.is_file()}
    rows = [
        *_start_rows(browser, folder),
        ("the page, all files", f"{sum(sizes.values()) / 1000:.0f} kB"),
        ("of which uPlot", f"{sum(size for path, size in sizes.items() if 'vendor' in path.parts) / 1000:.0f} kB"),
        ("what the extra `serve` adds to an installation", f"{_extra_bytes() / 1e6:.1f} MB"),
    ]
    return table(("what", "how much"), rows)


def start(browser: Browser, folder: Path) -> str:
    """A table of the start, and what of it imports take."""
    words = [sys.executable, "-X", "importtime", "-c", "import avcer.serve.run"]
    told = subprocess.run(words, env=_environment(folder), capture_output=True, text=True, check=True).stderr
    found = re.findall(r"^import time: +(\d+) \| +\d+ \|( +)(\S+)$", told, re.MULTILINE)
    slowest = sorted(((int(own_us), name) for own_us, _, name in found), reverse=True)[:SLOWEST]
    rows = [(f"`import {name}` by itself", f"{own_us / 1000:.0f} ms") for own_us, name in slowest]
    return table(("what", "how much"), [*_start_rows(browser, folder), *rows])


def _start_rows(browser: Browser, folder: Path) -> list[tuple[str, str]]:
    _start(browser, folder / "first", folder)  # compiles what was changed, as an installation has done before
    walls_s, works_s = zip(*(_start(browser, folder / str(number), folder) for number in range(STARTS)), strict=True)
    return [
        (f"from `avcer serve` to a usable page, median of {STARTS}", f"{median(walls_s):.2f} s"),
        ("the fastest of them", f"{min(walls_s):.2f} s"),
        ("seconds of the processor that the service takes for it, median", f"{median(works_s):.2f} s"),
        ("programs that waited for a processor", f"{os.getloadavg()[0]:.1f}"),
    ]


def _environment(folder: Path) -> dict[str, str]:
    """Modules stay compiled from one start to the next, as they are where avcer is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def _start(browser: Browser, jobs: Path, folder: Path) -> tuple[float, float]:
    """From the command until the page says that there is nothing yet: seconds, and those of the service's processor."""
    command = [sys.executable, "-m", "avcer", "serve", "--port", "0", "--jobs", str(jobs)]
    page = browser.new_page()
    began_s = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment(folder)) as process:
        try:
            page.goto((process.stdout.readline() if process.stdout else "").strip())
            expect(page.locator("#empty")).to_be_visible(timeout=20_000)
            took_s = time.monotonic() - began_s
            used_s = sum(
                map(int, Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13])
            )
        finally:
            page.close()
            process.kill()
    return took_s, used_s / os.sysconf("SC_CLK_TCK")


def _extra_bytes() -> int:
    """What is installed for the extra and not for the rest."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = _closure(list(told["dependencies"]))
    extra = _closure(list(told["optional-dependencies"]["serve"])) - base
    return sum(Path(str(file.locate())).stat().st_size for name in extra for file in distribution(name).files or []
               if Path(str(file.locate())).is_file())  # fmt: skip


def _closure(lines: list[str]) -> set[str]:
    found: set[str] = set()
    while lines:
        name = re.split(r"[^\w.-]", lines.pop(), maxsplit=1)[0].lower().replace("_", "-")
        if name in found:
            continue
        try:
            needed = distribution(name).requires or []
        except ModuleNotFoundError:  # of another system
            continue
        found.add(name)
        lines += [line for line in needed if "extra ==" not in line]
    return found


def pictures(browser: Browser, folder: Path, target: Path) -> None:
    """Analyses the demonstration clip, says a few things of it as a person would, and takes the pictures."""
    clip = make_clip(folder / "portrait.mp4")
    served = Served(folder / "pictures", workers=0)
    served.add_done("ab", "portrait.mp4", clip, Analyzer().analyze(clip))
    for name, (width, height, scheme, scale) in SCREENS.items():
        watched = Watched(browser, served, width, height, color_scheme=scheme, device_scale_factor=scale)
        page = watched.open("ab")
        if name == next(iter(SCREENS)):
            _say_something(page)
        page.locator("#segments tbody button").nth(0).click()
        _go_to(page, watched.shows)
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        page.wait_for_timeout(400)
        _take(page, target / name, full_page=True)
        watched.close()
    watched = Watched(browser, served, 1280, 560)
    expect(watched.page.locator("#queue li")).to_have_count(1)
    watched.page.locator("#options summary").click()
    _take(watched.page, target / "clips.png")
    watched.close()
    served.close()


def _take(page: Page, path: Path, full_page: bool = False) -> None:
    """A picture of the screen, in 256 colours: a third of the bytes."""
    Image.open(BytesIO(page.screenshot(full_page=full_page))).convert("RGB").quantize(256).save(path, optimize=True)


def _say_something(page: Page) -> None:
    page.get_by_label("Name of Face 1").fill("Grace")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Face 1 is called Grace")
    page.locator("#segments tbody button").last.click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#segments tbody tr").last).to_contain_text("person")
    page.keyboard.press("m")
    expect(page.locator("#markers input")).to_be_focused()
    page.keyboard.type("light comes back")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Marker light comes back")


def _go_to(page: Page, shows: Callable[[int], None]) -> None:
    """To a frame on which the face is lit."""
    page.keyboard.press("Home")
    shows(0)
    page.keyboard.press("ArrowRight")
    shows(25)
    page.keyboard.press("ArrowRight")
    shows(50)


if __name__ == "__main__":
    main()
