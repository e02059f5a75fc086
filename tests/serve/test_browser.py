"""The page in a real browser: what is drawn belongs to the frame on the screen, and a person's word comes back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("playwright", reason="the extra dev is not installed")
from playwright.sync_api import Browser, expect

import browsing
import coded
import recordings
from browsing import Served, Watched

if browsing.chromium() is None:
    pytest.skip("no chromium here: apt-get install chromium", allow_module_level=True)

pytestmark = pytest.mark.slow
FRAMES = 100
CALLBACKS, SEEKS = 60, 13
CLIPS = {
    "aa": ("constant.mp4", "libx264", False, 0),
    "bb": ("varying.mp4", "libx264", True, 0),
    "cc": ("varying.webm", "libvpx", True, 0),
    "dd": ("unplayable.mkv", "mpeg4", True, 1400),
}
LATE_S = 5.0


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("done")
    served = Served(folder / "jobs", workers=0)
    for job, (name, codec, varying, begin_ms) in CLIPS.items():
        clip = coded.clip(folder / name, FRAMES, codec, varying, begin_ms)
        served.add_done(job, name, clip, coded.analysis(clip))
    clip = coded.clip(folder / "early.mkv", FRAMES)
    late = recordings.remuxed_later(clip, folder / "late.mkv", LATE_S)
    served.add_done("ee", "late.mkv", late, coded.analysis(late))
    yield served
    served.close()


@pytest.mark.parametrize("job", [*CLIPS, "ee"])
def test_what_is_drawn_belongs_to_the_shown_frame(chromium: Browser, done: Served, job: str) -> None:
    """Of a constant rate, a varying one, WebM, a clip that only a copy of can be played, and one that starts late."""
    watched = Watched(chromium, done)
    page = watched.open(job)
    seen = page.evaluate(browsing.PLAY, CALLBACKS)
    assert len({one[0] for one in seen}) > CALLBACKS // 3  # it did play
    assert not browsing.wrong(seen)
    page.select_option("#filter [name=face]", "1")  # whose label changes on every frame: a row for each
    frames = np.random.default_rng(1).integers(0, FRAMES, SEEKS).tolist()
    sought = page.evaluate(browsing.SEEK, frames)
    assert [one[0] for one in sought] == frames
    assert not browsing.wrong(sought)
    assert not watched.complaints
    assert not watched.foreign
    watched.close()


def test_three_clips_from_drop_to_export(chromium: Browser, tmp_path: Path) -> None:
    served = Served(tmp_path / "jobs", browsing.CODED_WORKER)
    watched = Watched(chromium, served)
    page = watched.page
    content = base64.b64encode(coded.clip(tmp_path / "clip.mp4", FRAMES).read_bytes()).decode()
    page.evaluate(
        """(content) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          for (const name of ["one.mp4", "two.mp4", "three.mp4"]) data.items.add(new File([bytes], name));
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
          document.querySelector(".brand").dispatchEvent(drop);
        }""",
        content,
    )
    page.get_by_role("button", name="Cancel three.mp4").click()
    expect(page.get_by_text("three.mp4", exact=True)).to_have_count(0)
    page.reload()
    expect(page.locator("#queue li")).to_have_count(2)
    assert not browsing.axe(page)
    page.get_by_role("link", name="Open one.mp4").click(timeout=60_000)
    watched.shows(0, timeout=60_000)

    page.keyboard.press("Space")
    watched.shows("[1-9][0-9]")
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    watched.shows(0)
    for step in (1, 2, 3):
        page.keyboard.press(".")
        watched.shows(step)
    page.keyboard.press(",")
    watched.shows(2)
    plot = page.locator(".u-over").first
    width = plot.bounding_box()["width"]  # type: ignore[index]
    plot.click(position={"x": width * 50.5 / FRAMES, "y": 40})
    watched.shows(50)

    page.get_by_label("Name of Face 2").fill("Bo")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Face 2 is called Bo")
    page.select_option("#filter [name=face]", "2")
    page.locator("#segments tbody button").nth(1).click()
    page.select_option("#label", "Sadly Angry")
    expect(page.locator("#segments tbody tr.chosen")).to_contain_text("Sadly Angry")
    watched.shows(20)
    assert json.loads(page.get_attribute("#overlay", "data-faces") or "")[1][1] == "Sadly Angry"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    expect(page.locator("#segments tbody tr.chosen")).not_to_contain_text("Sadly Angry")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#segments tbody tr.chosen")).to_contain_text("Sadly Angry")
    page.keyboard.press("m")
    expect(page.locator("#markers input")).to_have_value("Marker 1")
    page.get_by_role("button", name="Split Bo at this frame").click()
    expect(page.locator("#faces li")).to_have_count(3)
    page.get_by_label("Face 3 is the same as").select_option("2")
    expect(page.locator("#faces li")).to_have_count(2)
    page.locator("#agreement summary").click()
    expect(page.locator("#agreement")).to_contain_text("of 0.8 s that a person judged")
    page.locator("#curve-table").evaluate("table => { table.closest('details').open = true; }")
    assert not browsing.axe(page)

    job = served.jobs.all()[0]["id"]
    page.locator("#download summary").click()
    with page.expect_download() as told:
        page.locator('[data-format="eaf"]').click()
    assert told.value.suggested_filename.endswith(".zip")
    get = f"(name) => fetch('/api/jobs/{job}/results/' + name).then((answer) => answer.text())"
    page.evaluate(get, "corrected")
    for name in ("segments.eaf", "corrected.csv", "corrected.json"):
        text = page.evaluate(get, name)
        assert "Bo" in text, name
        assert "Sadly Angry" in text, name
    assert not watched.complaints
    assert not watched.foreign
    watched.close()
    served.close()


def test_a_telephone_in_the_dark(chromium: Browser, done: Served) -> None:
    """390 pixels: nothing is wider than the screen; and axe finds nothing in the dark either."""
    watched = Watched(chromium, done, 390, 844, color_scheme="dark")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not browsing.axe(watched.page)
    page = watched.open("aa")
    page.locator("#segments tbody button").nth(3).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not browsing.axe(page)
    assert not watched.complaints
    watched.close()
