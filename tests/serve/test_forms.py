"""The forms of the page in a real browser: what a person types there, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("playwright", reason="the extra dev is not installed")
from playwright.sync_api import Browser, Page, expect

import browsing
import coded
from browsing import Served, Watched

if browsing.chromium() is None:
    pytest.skip("no chromium here: apt-get install chromium", allow_module_level=True)

pytestmark = pytest.mark.slow
FRAMES = 75
"""Three seconds; the label of face 2 changes every 0.8 s."""


@pytest.fixture
def watched(chromium: Browser, tmp_path: Path) -> Iterator[Watched]:
    served = Served(tmp_path / "jobs", workers=0)
    clip = coded.clip(tmp_path / "talk.mp4", FRAMES)
    served.add_done("aa", "talk.mp4", clip, coded.analysis(clip))
    found = Watched(chromium, served)
    yield found
    assert not found.foreign
    found.close()
    served.close()


def rows(page: Page) -> list[str]:
    """Start, end and who said it, of each segment in the table."""
    return page.locator("#segments tbody tr").evaluate_all(
        "rows => rows.map((row) => [0, 1, 5].map((at) => row.cells[at].textContent).join(' '))"
    )


def of_face_2(page: Page) -> None:
    page.select_option("#filter [name=face]", "2")
    expect(page.locator("#segments tbody tr")).to_have_count(4)


def types(page: Page, edge: str, time_s: str) -> None:
    """Gives the chosen segment another start or end."""
    page.fill(f"#{edge}", time_s)
    page.keyboard.press("Enter")


def test_what_is_cut_off_a_judged_stretch_is_the_machines_again(watched: Watched) -> None:
    page = watched.open("aa")
    of_face_2(page)
    page.locator("#segments tbody button").nth(1).click()
    types(page, "end", "2.7")
    judged = page.locator("#segments tbody tr", has_text="person")
    expect(judged).to_contain_text("0:02.700")
    types(page, "end", "1.5")
    expect(judged).to_contain_text("0:01.500")
    assert rows(page) == [
        "0:00.000 0:00.800 machine", "0:00.800 0:01.500 person", "0:01.500 0:01.600 machine",
        "0:01.600 0:02.400 machine", "0:02.400 0:03.000 machine",
    ]  # fmt: skip
    expect(page.locator("#segments tbody tr.chosen")).to_contain_text("0:01.500")
    assert page.input_value("#start") == "0.800"
    assert page.input_value("#end") == "1.500"
    page.get_by_role("button", name="Undo").click()
    expect(judged).to_contain_text("0:02.700")
    assert not watched.complaints


def test_a_stretch_stays_inside_the_clip(watched: Watched) -> None:
    page = watched.open("aa")
    of_face_2(page)
    page.locator("#segments tbody button").nth(3).click()
    types(page, "end", "99")
    expect(page.locator("#segments tbody tr.chosen")).to_contain_text("person")
    assert rows(page)[-2:] == ["0:01.600 0:02.400 machine", "0:02.400 0:03.000 person"]
    assert page.input_value("#end") == "3.000"
    types(page, "start", "98")
    expect(page.locator("#said")).to_have_text("The end must be after the start, and both inside the clip")
    assert not watched.complaints


def test_the_rows_of_the_table_choose_a_segment(watched: Watched) -> None:
    """Anywhere on them, and with the keyboard by their button."""
    page = watched.open("aa")
    of_face_2(page)
    chosen = page.locator("#segments tbody tr.chosen")
    page.locator("#segments tbody tr").nth(2).locator("td").nth(3).click()
    expect(chosen).to_contain_text("0:01.600")
    watched.shows(40)
    page.locator("#segments tbody button").nth(1).focus()
    page.keyboard.press("Enter")
    expect(chosen).to_contain_text("0:00.800")
    watched.shows(20)
    assert not watched.complaints


def test_a_file_that_is_refused_stays_in_the_list_with_the_reason(watched: Watched) -> None:
    """Until it is dismissed, whatever happens to the others."""
    page = watched.page
    watched.served.service.most_bytes = 1000
    files = [{"name": name, "mimeType": "video/mp4", "buffer": content}
             for name, content in (("empty.mp4", b""), ("large.mp4", b"x" * 2000), ("fine.mp4", b"x"))]  # fmt: skip
    page.set_input_files("#files", files)  # type: ignore[arg-type]
    expect(page.locator("#queue li", has_text="fine.mp4")).to_contain_text("waiting")
    empty, large = (page.locator("#queue li.failed", has_text=name) for name in ("empty.mp4", "large.mp4"))
    expect(empty).to_contain_text("the file is empty; choose one that holds a video")
    expect(large).to_contain_text("larger than 1000 bytes")
    page.get_by_role("button", name="Dismiss empty.mp4").click()
    expect(empty).to_have_count(0)
    expect(large).to_have_count(1)
    assert not browsing.axe(page)
