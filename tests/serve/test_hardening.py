"""What the service withstands: faults, slow clients, quotas, kills; its OpenAPI document, client and container."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from avcer import cli
from avcer.errors import OutputError
from avcer.output.corrections import Corrections, as_document, parse_corrections
from avcer.serve import intake
from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.openapi import document
from avcer.serve.service import Service
from house import House

ROOT = Path(__file__).parents[2]
SOFT = partial(House, largest=10_000, strict=False)
"""Faults become answers, as a caller meets them."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = SOFT(tmp_path)
    yield made
    made.close()


@pytest.fixture
def address(house: House) -> Iterator[str]:
    """The service at a real port."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = uvicorn.Server(uvicorn.Config(house.app, log_level="critical", lifespan="off"))
        thread = Thread(target=lambda: server.run(sockets=[door]), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def folders(house: House) -> list[Path]:
    return [path for path in house.jobs.folder.iterdir() if path.is_dir()]


def test_the_openapi_document_is_that_of_the_routes(house: House) -> None:
    told = house.client.get("/api/openapi.json").json()
    assert told == json.loads(json.dumps(document()))
    routes = {
        (route.path, method.lower())
        for route in house.app._app.routes  # type: ignore[attr-defined]
        if isinstance(route, Route) and not isinstance(route, Mount)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, methods in told["paths"].items() for method in methods} == routes
    client = TestClient(house.app, base_url="http://127.0.0.1:8765")
    assert client.get("/api/openapi.json").status_code == 401


def test_the_example_of_corrections_is_taken_and_described() -> None:
    (sent,) = document()["paths"]["/api/jobs/{job}/corrections"]["put"]["requestBody"]["content"].values()
    read = parse_corrections(sent["example"])
    assert json.loads(json.dumps(as_document(read))) == sent["example"]
    assert set(sent["schema"]["properties"]) == set(sent["example"]) == set(as_document(Corrections()))
    for one in fields(Corrections):
        assert getattr(read, one.name), one.name
    told = (ROOT / "docs" / "serve.md").read_text("utf-8").split("## Corrections")[1]
    assert json.loads(told.split("```json")[1].split("```")[0]) == sent["example"]
    for name in ("face", "into", "time_s", "start_s", "end_s", "label", "text", *sent["example"]):
        assert f"`{name}`" in told, name


def test_every_error_is_one_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for method, path in (("PATCH", "/api/jobs"), ("GET", "/nothing"), ("GET", "/api/jobs/x"), ("POST", "/api/health")):
        answer = house.client.request(method, path)
        assert answer.status_code in (404, 405), path
        assert set(answer.json()) == {"error"}
    monkeypatch.setattr(house.jobs, "all", lambda: 1 / 0)
    answer = house.client.get("/api/jobs")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("unforeseen ZeroDivisionError")


def test_a_quota(tmp_path: Path) -> None:
    house = SOFT(tmp_path, workers=0, quota=100_000)
    (house.jobs.folder / "0123456789abcdef").mkdir()
    (house.jobs.folder / "0123456789abcdef" / "clip.mp4").write_bytes(b"x" * 100_000)
    answer = house.client.post("/api/jobs", content=b"fine")
    assert answer.status_code == 429
    assert "--quota" in answer.json()["error"]
    assert answer.headers["Retry-After"]
    house.close()
    again = SOFT(tmp_path, workers=0, quota=100_000)  # what has no job is an upload that broke off
    assert not folders(again)
    again.close()


def sent(address: str, *parts: bytes, wait_s: float = 0.0) -> bytes:
    """What comes back for a body that is announced as longer than its parts."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 20) as client:
        head = f"POST /api/jobs?name=x.mp4 HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer secret\r\n"
        client.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n")
        for part in parts:
            client.sendall(part)
        told = b""
        while wait_s and not told.endswith(b"}"):
            told += client.recv(65536)
        return told


def test_slow_clients_and_those_that_go_leave_nothing(
    house: House, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(address, b"half of it")
    monkeypatch.setattr(intake, "SILENT_S", 0.3)
    answer = sent(address, b"half of it", wait_s=20)
    assert b" 408 " in answer
    assert b'{"error":' in answer
    for _ in range(100):
        if not folders(house):
            break
        time.sleep(0.1)
    assert not folders(house)
    assert not house.jobs.all()


def test_a_client_that_goes_with_its_last_byte_has_cancelled(house: House) -> None:
    """The page's Cancel may come when everything was sent; nobody would know the job's id."""
    came = iter([{"type": "http.request", "body": b"fine", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(came, {"type": "http.disconnect"})

    async def send(_: Any) -> None:
        return

    scope = {
        "type": "http", "method": "POST", "path": "/api/jobs", "query_string": b"name=a.mp4", "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8765"), (b"authorization", b"Bearer secret")],
    }  # fmt: skip
    with contextlib.suppress(ClientDisconnect):
        asyncio.run(house.app(scope, receive, send))
    assert not house.jobs.all()
    assert not folders(house)


def test_the_client_of_the_page(house: House, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/serve.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(block.splitlines()) <= 55
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_text("fine")
    exec(compile(block, "serve.md", "exec"), {"ADDRESS": address, "TOKEN": "secret"})
    assert (tmp_path / "compound.csv").read_text().startswith("fine")
    assert not house.jobs.all()


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from house import House
house = House(Path({folder!r}), workers=2)
for number in range(6):
    answer = house.client.post("/api/jobs", params=dict(name=f"{{number}}.mp4"), content=b"slow0.5")
    print(answer.json()["id"], flush=True)
time.sleep(60)
"""


def test_a_server_that_is_killed_loses_no_job(tmp_path: Path) -> None:
    code = KILLED.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        sent_jobs = [server.stdout.readline().strip() for _ in range(6)]
        time.sleep(0.7)
        os.kill(server.pid, signal.SIGKILL)
    house = SOFT(tmp_path, workers=2)
    for _ in range(600):
        if all(row["state"] == "done" for row in house.jobs.all()):
            break
        time.sleep(0.1)
    assert [row["id"] for row in house.jobs.all()] == sent_jobs
    assert {row["state"] for row in house.jobs.all()} == {"done"}
    assert sorted(path.name for path in folders(house)) == sorted(sent_jobs)
    house.close()


def test_ctrl_c_is_130(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "avcer", "serve", "--port", "0", "--jobs", str(tmp_path / "jobs")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        told = service.stdout.readline()
        assert "token=" in told
        with urlopen(told.partition("?")[0] + "api/health", timeout=20) as answer:  # it has begun to serve
            assert answer.status == 200
        service.send_signal(signal.SIGINT)
        _, told = service.communicate(timeout=60)
        assert service.returncode == 130
    assert told.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("--port", "99999"), "choose another --port"), (("--port", "65536"), "choose another --port"),
        (("--port", "-1"), "choose another --port"), (("--token", ""), "--token"), (("--token", " "), "--token"),
        (("--token", "", "--host", "0.0.0.0"), "--token"), (("--keep", "-1"), "--keep"), (("--keep", "nan"), "--keep"),
        (("--host", "nowhere.invalid", "--token", "word"), "give one, such as 127.0.0.1"),
        (("--host", "192.0.2.1", "--token", "word"), "give one, such as 127.0.0.1"),
        (("--host", "x" * 70, "--token", "word"), "give one, such as 127.0.0.1"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant(
    words: tuple[str, ...], remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["serve", "--port", "0", "--jobs", str(tmp_path / "jobs"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"avcer: error: {words[0]}")
    assert remedy in line
    assert not (tmp_path / "jobs").exists()


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert cli.main(["serve", "--port", port, "--jobs", str(tmp_path / "jobs")]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_a_token_with_any_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed address opens; the header may be in UTF-8 or in Latin-1."""
    token, servers = "geheim&ü#1 x;%41+€", []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: servers.append(self.config.app))
    words = ["serve", "--port", "0", "--token", token, "--jobs", str(tmp_path / "jobs")]
    assert cli.main(words) == 0
    address = capsys.readouterr().out.strip()
    assert re.fullmatch(r"[!-~]+", address)
    client = TestClient(servers[0], address.partition("/?")[0])
    assert client.get(address).status_code == 200
    assert client.get("/page.js").status_code == 200, "the cookie lets the page in"
    stranger = TestClient(servers[0], address.partition("/?")[0])
    assert stranger.get("/page.js").status_code == 401
    assert stranger.get("/page.js", headers={"Authorization": f"Bearer {token}".encode()}).status_code == 200
    latin = TestClient(make_app(Service(None, None, None, 1, 1), "ü x"), "http://127.0.0.1:8765")  # type: ignore[arg-type]
    for sent in ("Bearer ü x".encode("latin-1"), "Bearer ü x".encode()):
        assert latin.get("/page.js", headers={"Authorization": sent}).status_code == 200
    assert latin.get("/page.js", headers={"Authorization": "Bearer ö x".encode()}).status_code == 401


def test_a_part_that_comes_in_time() -> None:
    class Slow:
        async def stream(self) -> Any:
            yield b"a"
            yield b""
            yield b"b"

    async def gathered() -> bytes:
        return b"".join([part async for part in intake.in_time(Slow())])  # type: ignore[arg-type]

    assert asyncio.run(gathered()) == b"ab"


def test_the_container_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to build it with here: what can be compared is."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    steps = re.findall(r"^([A-Z]+) (.*)", text, re.MULTILINE)
    words = [step for step, _ in steps]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert dict(steps)["USER"] == "avcer"
    assert "/api/health" in dict(steps)["HEALTHCHECK"]
    for step, text in steps:
        if step == "COPY" and not text.startswith("--from"):
            assert all((ROOT / name).exists() for name in text.split()[:-1]), text
        if step in ("HEALTHCHECK", "ENTRYPOINT"):
            assert all(isinstance(word, str) for word in json.loads(text[text.index("[") :]))
    asked = re.findall(r"--[a-z]+", json.loads(dict(steps)["ENTRYPOINT"])[2])
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    shown = capsys.readouterr().out
    assert asked
    assert all(flag in shown for flag in asked)
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["avcer"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert any(volume.endswith(":/jobs") for volume in service["volumes"])


@pytest.mark.parametrize(
    "raised", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_full_disk_is_told_and_leaves_no_job(
    house: House, raised: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(house.jobs, "add", fails)
    answer = house.client.post("/api/jobs?name=clip.mp4", content=b"fine")
    assert answer.status_code == 507
    assert "free some space" in answer.json()["error"]
    assert not folders(house)
    assert not house.jobs.all()


def test_a_folder_that_cannot_hold_jobs_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").mkdir()
    with pytest.raises(OutputError, match=r"cannot hold the jobs \(.*--jobs"):
        Jobs(tmp_path)
