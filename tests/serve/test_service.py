"""The service: jobs from upload to result, and what its door keeps out. Most jobs run a worker without models."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from avcer import cli
from avcer.batch.child import COMMAND
from avcer.demo import make_clip
from avcer.options import Options
from avcer.serve.app import PAGE
from house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_a_job_from_upload_to_result(house: House) -> None:
    job = house.send(b"fine", "../../etc/x.mp4")
    shown = house.wait(job, "done")
    assert shown["name"] == "x.mp4"
    assert set(shown) == {"id", "name", "state", "stage", "done", "total", "eta_s", "error"}
    assert (shown["stage"], shown["done"], shown["total"]) == ("done", 50, 50), "the worker's last word is 1 of 2"
    assert house.client.get(f"/api/jobs/{job}/results").json() == ["compound.csv"]
    assert house.client.get(f"/api/jobs/{job}/results/compound.csv").text.startswith("fine")
    assert house.client.get(f"/api/jobs/{job}/clip", headers={"Range": "bytes=1-2"}).content == b"in"
    events = house.client.get(f"/api/jobs/{job}/events")
    last = json.loads(events.text.rpartition("data: ")[2])
    assert (last["state"], last["done"], last["total"]) == ("done", 50, 50)
    seen = {"Last-Event-ID": events.text.split()[1]}
    assert not house.client.get(f"/api/jobs/{job}/events", headers=seen).text
    for name in ("..%2Fclip.mp4", "%2Fetc%2Fpasswd", "%2e%2e%2fclip.mp4", "nothing"):
        assert house.client.get(f"/api/jobs/{job}/results/{name}").status_code in (404, 405)
    assert house.client.delete(f"/api/jobs/{job}").status_code == 204
    assert not house.jobs.place(job).exists()
    assert house.client.get(f"/api/jobs/{job}").status_code == 404


def test_failures_and_cancelling(house: House) -> None:
    failed = house.wait(house.send(b"fail"), "failed")
    assert failed["error"].startswith("clip.mp4: not a video")
    assert "SIGKILL" in house.wait(house.send(b"kill"), "failed")["error"]
    job = house.send(b"hang")
    house.wait(job, "running")
    assert house.client.get(f"/api/jobs/{job}/results").status_code == 409
    house.client.delete(f"/api/jobs/{job}")
    for _ in range(100):
        if house.jobs.get(job) is None:
            break
        time.sleep(0.1)
    assert house.jobs.get(job) is None
    assert not house.jobs.place(job).exists()
    assert house.wait(house.send(b"fine"), "done")


def test_a_restart_keeps_the_jobs(tmp_path: Path) -> None:
    first = House(tmp_path)
    done = first.send(b"fine")
    first.wait(done, "done")
    running = first.send(b"slow1")
    first.wait(running, "running")
    first.close()
    second = House(tmp_path)
    assert second.wait(running, "done")
    assert second.wait(done, "done")
    second.close()


def test_the_door(house: House) -> None:
    assert house.anyone.get("/api/health").status_code == 200
    for path in ("/", "/page.js", "/api/jobs", "/api/jobs/x/clip", "/?token=wrong", "/openapi.json"):
        answer = house.anyone.get(path)
        assert answer.status_code == 401
        assert set(answer.json()) == {"error"}
    for headers in ({"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}, {"Origin": "http://evil.example"},
                    {"Origin": "null"}):  # fmt: skip
        assert house.client.get("/api/jobs", headers=headers).status_code == 403
        assert house.client.get("/api/health", headers=headers).status_code == 403
    answer = house.anyone.get("/?token=secret")
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    page = house.anyone.get("/", headers={"Origin": "http://127.0.0.1:8765"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert house.client.get("/openapi.json").status_code == 404


def test_what_is_refused(house: House, tmp_path: Path) -> None:
    post = house.client.post
    assert post("/api/jobs", content=b"x" * 1001).status_code == 413
    assert post("/api/jobs", content=iter([b"x" * 600] * 2)).status_code == 413
    assert post("/api/jobs", content=b"").status_code == 400
    for options in ("no", "[]", '{"threads": 9}', '{"own_models": ["/x"]}', '{"compounds": "/etc/passwd"}',
                    '{"setting": "x"}', '{"start": "x"}'):  # fmt: skip
        assert post("/api/jobs", params={"options": options}, content=b"fine").status_code == 422, options
    (tmp_path / "secret.mp4").write_text("fine")
    (house.root / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    for path, status in (("../secret.mp4", 403), ("/etc/passwd", 403), ("link.mp4", 403), ("none", 404), (3, 422)):
        assert post("/api/jobs", json={"path": path}).status_code == status, path
    assert {path.name.partition("-")[0] for path in house.jobs.folder.iterdir()} == {"jobs.sqlite"}
    (house.root / "own.mp4").write_text("fine")
    house.wait(post("/api/jobs", json={"path": "own.mp4"}).json()["id"], "done")


def test_options_are_those_of_an_analysis(house: House) -> None:
    """All that name nothing of the machine; the others as they are by default, as to_dict() gives them."""
    usual = Options().to_dict()
    chosen = {"sound_for": "all", "fps": 5.0, "label_sets": True, "baseline": "first:2", "times": "file"}
    for options in (usual, {**usual, **chosen}):
        answer = house.client.post("/api/jobs", params={"options": json.dumps(options)}, content=b"fine")
        assert answer.status_code == 202, answer.text
        assert json.loads(house.jobs.get(answer.json()["id"])["options"]) == {**options, "threads": 1}  # type: ignore[index]
    files = dict.fromkeys(("decision", "person"), "/etc/passwd")
    for name, value in {**files, "own_models": ["/x"], "device": "cpu", "threads": 9}.items():
        params = {"options": json.dumps({**usual, name: value})}
        answer = house.client.post("/api/jobs", params=params, content=b"fine")
        assert answer.status_code == 422
        assert answer.json()["error"].startswith(f"options must be without {name} (")


@pytest.mark.parametrize(("done", "total", "frames"), [(1, 0, 184), (120, 184, 184), (1, 0, 0), (0, 0, 0)])
def test_a_job_that_is_done_says_that_all_is_done(house: House, done: int, total: int, frames: int) -> None:
    house.jobs.add("ab", "x.mp4", house.root / "x.mp4", {}, "running")
    house.jobs.progress("ab", "sound", done, total)
    house.jobs.end("ab", "done", frames=frames)
    told = house.client.get("/api/jobs/ab").json()
    assert (told["stage"], told["done"], told["total"]) == ("done", max(frames, 1), max(frames, 1))
    house.jobs.add("cd", "recorded.mp4", house.root / "x.mp4", {}, "done", frames)
    told = house.client.get("/api/jobs/cd").json()
    assert (told["state"], told["done"], told["total"]) == ("done", max(frames, 1), max(frames, 1))


def test_a_path_comes_alone(house: House) -> None:
    (house.root / "own.mp4").write_text("fine")
    answer = house.client.post("/api/jobs", json={"path": "own.mp4", "options": {"setting": "fast"}})
    assert answer.status_code == 422
    assert "'options'" in answer.json()["error"]
    assert "query" in answer.json()["error"]
    assert not house.jobs.all()


def test_other_machines_need_a_token_of_the_users(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "--token" in capsys.readouterr().err


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.is_file())
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "innerHTML" not in text


def test_a_real_clip(tmp_path: Path) -> None:
    make_clip(tmp_path / "demo.mp4")
    house = House(tmp_path, tuple(COMMAND), largest=10**8)
    body = (tmp_path / "demo.mp4").read_bytes()
    options = json.dumps({"end": 2.0, "setting": "fast"})
    job = house.client.post("/api/jobs", params={"name": "demo.mp4", "options": options}, content=body).json()["id"]
    house.wait(job, "done", "failed")
    assert "segments.csv" in house.client.get(f"/api/jobs/{job}/results").json()
    assert house.client.get(f"/api/jobs/{job}/results/eaf").content.startswith(b"PK")
    assert b"ANNOTATION_DOCUMENT" in house.client.get(f"/api/jobs/{job}/results/segments.eaf").content
    assert house.client.get(f"/api/jobs/{job}/results/csv").content.startswith(b"PK")
    house.close()
