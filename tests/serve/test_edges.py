"""What a stranger tries on the REST contract: odd names, ranges, methods, tokens, and things that are sent twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from avcer.serve import app, results
from house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, workers=0, strict=False)
    yield made
    made.close()


def done(house: House, job: str = "ab", **files: str) -> str:
    """A job that is done, whose results are these files."""
    folder = house.jobs.place(job) / "results"
    folder.mkdir(parents=True)
    for name, text in (files or {"compound.csv": "0123456789"}).items():
        (folder / name).write_text(text)
    (house.jobs.place(job) / "clip.mp4").write_bytes(b"0123456789")
    house.jobs.add(job, "talk.mp4", house.jobs.place(job) / "clip.mp4", {}, "done")
    return job


def one_line(answer: Any, status: int) -> str:
    """The line of an error."""
    assert answer.status_code == status, answer.text
    told: dict[str, str] = answer.json()
    assert set(told) == {"error"}
    assert told["error"]
    assert "\n" not in told["error"]
    return told["error"]


def test_ranges(house: House) -> None:
    done(house)
    for path in ("results/compound.csv", "clip"):
        get = partial(house.client.get, f"/api/jobs/ab/{path}")
        for asked, content in (("0-0", b"0"), ("-3", b"789"), ("7-", b"789"), ("5-99", b"56789")):
            answer = get(headers={"Range": f"bytes={asked}"})
            assert (answer.status_code, answer.content) == (206, content), asked
        assert answer.headers["content-range"] == "bytes 5-9/10"
        beyond = get(headers={"Range": "bytes=10-"})
        assert "beyond the end" in one_line(beyond, 416)
        assert beyond.headers["content-range"] == "bytes */10"
        for asked in ("bytes=", "bytes=x-y", "lines=0-1", "bytes=5-2"):
            one_line(get(headers={"Range": asked}), 400)


def test_head_tells_what_get_would(house: House) -> None:
    done(house)
    house.jobs.add("cd", "waits.mp4", house.jobs.place("ab") / "clip.mp4", {})
    for path in ("results/compound.csv", "clip", "results", ""):
        get, head = (house.client.request(method, f"/api/jobs/ab/{path}".rstrip("/")) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
    begun = time.monotonic()
    answer = house.client.head("/api/jobs/cd/events")  # whose end is far
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert time.monotonic() - begun < 2


def test_methods_and_addresses_that_are_not_there(house: House) -> None:
    done(house)
    for method, path in (("PUT", "/api/jobs"), ("POST", "/api/jobs/ab"), ("DELETE", "/api/jobs/ab/clip")):
        assert "openapi.json" in one_line(house.client.request(method, path), 405)
    for path, allowed in (("/api/jobs", "GET, HEAD, POST"), ("/api/jobs/ab", "DELETE, GET, HEAD"),
                          ("/api/jobs/ab/corrections", "GET, HEAD, PUT"), ("/page.js", "GET, HEAD")):  # fmt: skip
        assert house.client.patch(path).headers["allow"] == allowed, path
    for path in ("/api/jobs/ab/nothing", "/api", "/page/../../app.py", "/%2e%2e/app.py", "/index.html/x"):
        assert "openapi.json" in one_line(house.client.get(path), 404)
    for job in ("x", "a" * 5000, "%00", "..", "%2e%2e", "AB", "ab%20"):
        assert house.client.get(f"/api/jobs/{job}/results").status_code == 404, job


def test_results_that_are_not_there(house: House) -> None:
    done(house, **{"compound.csv": "x", ".hidden": "x"})
    (house.jobs.place("ab") / "results" / "sub").mkdir()
    for name in (".hidden", "sub", "compound.csv%00", "COMPOUND.CSV", "docx", "%2e", "..%5cclip.mp4", "CSV"):
        one_line(house.client.get(f"/api/jobs/ab/results/{name}"), 404)
    assert house.client.get("/api/jobs/ab/results").json() == ["compound.csv"]


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
def test_what_is_not_done_has_no_results(house: House, state: str) -> None:
    done(house)
    house.jobs.end("ab", state)
    for method, path in (("GET", "results"), ("GET", "results/csv"), ("GET", "studio"), ("GET", "corrections"),
                         ("PUT", "corrections"), ("GET", "agreement"), ("POST", "copy"),
                         ("GET", "copy/video")):  # fmt: skip
        assert state in one_line(house.client.request(method, f"/api/jobs/ab/{path}"), 409)
    assert house.client.get("/api/jobs/ab/clip").status_code == 200
    assert house.client.delete("/api/jobs/ab").status_code == 204
    one_line(house.client.delete("/api/jobs/ab"), 404)


@pytest.mark.parametrize(
    ("sent", "shown", "stored"),
    [
        ("two words.MP4", "two words.MP4", "clip.mp4"), ("a\r\nb\x00.mp4", "ab.mp4", "clip.mp4"),
        ("..", "..", "clip"), ("C:\\films\\x.avi", "x.avi", "clip.avi"), ("", "clip", "clip"), ("/", "clip", "clip"),
        ("ünïcode 🎬.mkv", "ünïcode 🎬.mkv", "clip.mkv"), ("x" * 300 + ".mp4", "x" * 200, "clip"),
        ("<img src=x>.mp4", "<img src=x>.mp4", "clip.mp4"), ("x.mp4;rm", "x.mp4;rm", "clip"),
        ("\u202egpm.exe", "gpm.exe", "clip.exe"),
    ],
)  # fmt: skip
def test_names_of_uploads(house: House, sent: str, shown: str, stored: str) -> None:
    job = house.send(b"fine", sent)
    assert house.client.get(f"/api/jobs/{job}").json()["name"] == shown
    assert [path.name for path in house.jobs.place(job).iterdir()] == [stored]
    assert house.client.get(f"/api/jobs/{job}/clip").content == b"fine"


def test_the_same_name_twice_is_two_jobs(house: House) -> None:
    first, second = house.send(b"one", "a.mp4"), house.send(b"two", "a.mp4")
    assert first != second
    assert [house.client.get(f"/api/jobs/{job}/clip").content for job in (first, second)] == [b"one", b"two"]
    house.client.delete(f"/api/jobs/{first}")
    assert house.client.get(f"/api/jobs/{second}/clip").content == b"two"


def test_bodies_that_are_no_clip(house: House) -> None:
    assert "--data-binary" in one_line(house.client.post("/api/jobs", files={"file": b"x"}), 415)
    one_line(house.client.post("/api/jobs", content=b""), 400)
    as_json = {"Content-Type": "application/json; charset=utf-8"}
    for body, status in ((b"\xff", 400), (b"[" * 60_000, 400), (b"x" * 70_000, 413), (b"null", 422), (b"[]", 422),
                         (b'{"path": ["a"]}', 422), (b'{"path": "\\ud800"}', 404),
                         (b'{"path": "' + b"x" * 5000 + b'"}', 404),
                         (b'{"path": ""}', 404), (b'{"path": "."}', 404), (b'{"path": "a\\u0000b"}', 422)):  # fmt: skip
        one_line(house.client.post("/api/jobs", content=body, headers=as_json), status)
    assert not house.jobs.all()
    assert not [path for path in house.jobs.folder.iterdir() if path.is_dir()]


def test_links_and_pipes_below_the_root(house: House, tmp_path: Path) -> None:
    """A link to a folder outside, through it, one to itself, and one that stays inside."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.mp4").write_text("fine")
    (house.root / "folder").symlink_to(tmp_path / "outside")
    (house.root / "loop").symlink_to(house.root / "loop")
    (house.root / "in.mp4").write_text("fine")
    (house.root / "near.mp4").symlink_to("in.mp4")
    os.mkfifo(house.root / "pipe")
    sibling = tmp_path / f"{house.root.name}-more"
    sibling.mkdir()
    (sibling / "x.mp4").write_text("fine")
    for path, status in (("folder/x.mp4", 403), ("folder/../in.mp4", 403), ("loop", 404), ("pipe", 404),
                         (f"../{sibling.name}/x.mp4", 403), ("near.mp4", 202), ("./in.mp4", 202),
                         (str(house.root / "in.mp4"), 202)):  # fmt: skip
        assert house.client.post("/api/jobs", json={"path": path}).status_code == status, path


@pytest.mark.parametrize(
    "options",
    ['{"start": NaN}', '{"start": 1e999}', '{"start": true}', '{"end": -1}', '{"start": 5, "end": 2}',
     '{"audio_track": 0}',
     '{"audio_track": 1.5}', '{"compounds": ["c-expr-db"]}', '{"setting": null}', '{"models": {}}', '{"rule": 1}',
     '{"least_segment": "x"}', '{"fusion": "../x"}', '""', "null"],
)  # fmt: skip
def test_options_of_wrong_types(house: House, options: str) -> None:
    one_line(house.client.post("/api/jobs", params={"options": options}, content=b"fine"), 422)
    assert not house.jobs.all()


def test_the_token_counts_in_header_and_cookie_only(house: House) -> None:
    for path in ("/api/jobs", "/api/formats", "/page.js", "/live.html", "/api/live"):
        one_line(house.anyone.get(path, params={"token": "secret"}), 401)
        one_line(house.anyone.get(path, headers={"Authorization": "Basic c2VjcmV0"}), 401)
    assert house.anyone.get("/api/jobs", headers={"Authorization": "bearer secret"}).status_code == 200
    one_line(house.anyone.get("/api/jobs", headers={"Cookie": "avcer=wrong"}), 401)
    for cookie in ("avcer=secret", 'other={"a": [1, 2]}; avcer=secret', "x; =; avcer=secret; y=1"):
        assert house.anyone.get("/api/jobs", headers={"Cookie": cookie}).status_code == 200, cookie
    for host in ("LOCALHOST:8765", "[::1]:8765", "127.0.0.2"):
        assert house.anyone.get("/api/health", headers={"Host": host}).status_code == 200, host
    for host in ("", "localhost.evil.example", "8.8.8.8", "[::1].evil.example", "127.1"):
        one_line(house.anyone.get("/api/health", headers={"Host": host}), 403)
    one_line(house.anyone.post("/?token=secret"), 401)


def test_events(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    done(house)
    version = house.jobs.get("ab")["version"]  # type: ignore[index]
    get = partial(house.client.get, "/api/jobs/ab/events")
    assert get(headers={"Last-Event-ID": str(version)}).status_code == 204  # a browser does not come again
    for seen in ("0", "99999", "", "x", "-1"):
        answer = get(headers={"Last-Event-ID": seen})
        assert answer.text.startswith(f"id: {version}\ndata: "), seen
        assert json.loads(answer.text.partition("data: ")[2])["state"] == "done"
    monkeypatch.setattr(app, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(app, "STILL_THERE_S", 0.05)
    house.jobs.end("ab", "queued")
    Thread(target=lambda: (time.sleep(0.3), house.client.delete("/api/jobs/ab"))).start()
    told = get().text
    assert ": still there\n\n" in told
    assert '"state": "queued"' in told


def test_corrections_and_tags(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from avcer.serve import said

    monkeypatch.setattr(said, "told", lambda results: ({}, said.tag_of(results)))
    done(house)
    put = partial(house.client.put, "/api/jobs/ab/corrections", json={"format": "avcer-corrections", "version": 1})
    assert put(headers={"If-Match": "*"}).status_code == 200
    tag = put().headers["etag"]
    assert put(headers={"If-Match": f'"x", {tag}'}).status_code == 200
    one_line(put(headers={"If-Match": '"x"'}), 412)
    one_line(house.client.put("/api/jobs/ab/corrections", content=b"x" * (17 << 20)), 413)


def test_an_export_that_takes_its_time_stops_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A correction of the same clip waits for it, while others are answered."""
    done(house)
    begun, go = Event(), Event()

    def slow(folder: Path, name: str, media: str, writing: Any) -> None:
        with writing:
            begun.set()
            go.wait(20)

    monkeypatch.setattr(app, "made", slow)
    with house.client as client:  # one loop for all requests
        export = Thread(target=lambda: client.get("/api/jobs/ab/results/mp4"))
        export.start()
        assert begun.wait(20)
        document = {"format": "avcer-corrections", "version": 1}
        correction = Thread(target=lambda: client.put("/api/jobs/ab/corrections", json=document))
        correction.start()
        time.sleep(0.1)
        assert client.get("/api/jobs").status_code == 200
        go.set()
        export.join(20)
        correction.join(20)
    assert (house.jobs.place("ab") / "results" / "corrections.json").exists()


def test_a_zip_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    target = tmp_path / "csv.zip"
    target.write_bytes(b"old")
    with target.open("rb") as on_its_way:
        assert results._packed([tmp_path / "a"], tmp_path, target).read_bytes().startswith(b"PK")
        assert on_its_way.read() == b"old"
    assert not list(tmp_path.glob("*.part"))


def test_a_job_cancelled_by_the_last_server_is_removed(tmp_path: Path) -> None:
    first = House(tmp_path, workers=0)
    done(first)
    first.jobs.end("ab", "cancelled")
    first.close()
    second = House(tmp_path, workers=0)
    assert not second.jobs.all()
    assert not second.jobs.place("ab").exists()
    second.close()


def test_a_job_that_ends_while_it_is_cancelled_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, workers=1)
    end = house.jobs.end
    cancelled: list[Thread] = []

    def ends(job: str, state: str, *told: Any) -> None:
        if state == "done":
            cancelled.append(Thread(target=house.runner.remove, args=(job,)))
            cancelled[0].start()
            time.sleep(0.1)
        end(job, state, *told)

    monkeypatch.setattr(house.jobs, "end", ends)
    job = house.send(b"fine")
    for _ in range(200):
        if cancelled and not cancelled[0].is_alive():
            break
        time.sleep(0.05)
    assert house.jobs.get(job) is None
    assert not house.jobs.place(job).exists()
    house.close()


def test_a_file_that_vanishes_while_sizes_are_added_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    done(house)
    monkeypatch.setattr(Path, "rglob", lambda self, _: iter([self / "ab" / "clip.mp4", self / "gone.mp4"]))
    assert house.jobs.size() == 10
