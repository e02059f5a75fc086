"""Live analysis over a WebSocket: its door, newest frames only, results of the right frame, a recording as a job."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from avcer.labels import C_EXPR_DB
from avcer.output.colours import EMOTIONS
from avcer.pipeline import Analyzer
from avcer.serve import live, live_messages, places
from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service
from fakes import RATE, Square, engines, picture, speech

ADDRESS = "ws://127.0.0.1:8765/api/live"
BEARER = {"Authorization": "Bearer secret"}


def sways(index: int) -> Sequence[Square]:
    return [Square(10 + index, side=48, grey=60 + index)]


def coded(index: int) -> bytes:
    _, made = cv2.imencode(".jpg", picture(*sways(index)), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return live_messages.PICTURE.pack(live_messages.A_PICTURE, 1000 + index, 500 + index / RATE) + made.tobytes()


def heard(start_s: float, samples: Any) -> bytes:
    return live_messages.SOUND.pack(live_messages.A_SOUND, 500 + start_s) + (samples * 32767).astype("<i2").tobytes()


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path / "jobs")
    yield made
    made.close()


@pytest.fixture
def client(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    ours = Analyzer(engines=engines(), fusion="mean", rule="sum")
    monkeypatch.setattr("avcer.pipeline.Analyzer", lambda options: ours)
    runner = Runner(jobs, workers=0)
    app = make_app(Service(jobs, runner, None, 10**8, 1), "secret")
    with TestClient(app, base_url="http://127.0.0.1:8765") as made:
        yield made
    runner.close()


def begun(socket: Any, **words: Any) -> None:
    socket.send_text(json.dumps(words))
    compounds = [[one.name, one.first, one.second] for one in C_EXPR_DB.compounds]
    assert socket.receive_json() == {"ready": True, "colours": EMOTIONS, "compounds": compounds}


def test_results_name_their_frame(client: TestClient, jobs: Jobs) -> None:
    with client.websocket_connect(ADDRESS, headers=BEARER) as socket:
        begun(socket)
        for block in speech(1.0):
            socket.send_bytes(heard(block.start_s, block.samples))
        for index in range(12):
            socket.send_bytes(coded(index))
            told = socket.receive_json()
            assert told["id"] == 1000 + index
            assert told["index"] == index
            assert told["rows"][0]["box"] == pytest.approx([10 + index, 10, 58 + index, 58], abs=1.5)
            assert told["latency_s"] < 5
        assert told["waits_s"]["dynamic"] == pytest.approx(2 - 11 / RATE, abs=0.01)
        socket.send_text('{"stop": true}')
        assert socket.receive_json() == {"stopped": True, "job": None, "frames": 12}
    assert not [path for path in jobs.folder.iterdir() if path.is_dir()]


def test_only_the_newest_is_looked_at() -> None:
    newest = live_messages.Newest()
    for index in range(5):
        newest.put(coded(index))
        newest.put(heard(index / 10, np.zeros(1600)))
    taken = newest.take()
    assert taken.picture is not None
    assert taken.picture[0] == 1004
    assert taken.sound is not None
    assert len(taken.sound) == 5
    assert newest.skipped == 4


def test_a_recording_is_a_job(client: TestClient, jobs: Jobs) -> None:
    with client.websocket_connect(ADDRESS, headers=BEARER) as socket:
        begun(socket, record=True, name="me")
        for block in speech(1.0):
            socket.send_bytes(heard(block.start_s, block.samples))
        for index in range(25):
            socket.send_bytes(coded(index))
            socket.receive_json()
        socket.send_text('{"stop": true}')
        job = socket.receive_json()["job"]
    shown = client.get(f"/api/jobs/{job}", headers=BEARER).json()
    assert shown["state"] == "done"
    assert shown["name"].startswith("me ")
    table = client.get(f"/api/jobs/{job}/results/compound.csv", headers=BEARER).text
    assert len({line.split(",")[0] for line in table.splitlines()[1:]}) == 25
    assert client.get(f"/api/jobs/{job}/clip", headers=BEARER).content[4:8] == b"ftyp"
    assert client.get(f"/api/jobs/{job}/studio", headers=BEARER).status_code == 200


def test_the_door_is_the_same(client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {**BEARER, "Origin": "http://evil.example"},
                    {**BEARER, "Host": "evil.example"}):  # fmt: skip
        with (
            pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
            client.websocket_connect(ADDRESS, headers=headers),
        ):
            pass
    cookie = {"Cookie": "avcer=secret", "Origin": "http://127.0.0.1:8765"}
    with client.websocket_connect(ADDRESS, headers=cookie) as socket:
        begun(socket)


def refused(client: TestClient, *messages: str | bytes) -> str:
    """The line with which the connection is closed."""
    with client.websocket_connect(ADDRESS, headers=BEARER) as socket:
        for message in messages:
            (socket.send_text if isinstance(message, str) else socket.send_bytes)(message)  # type: ignore[operator]
        while "error" not in (told := socket.receive_json()):
            pass
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    line: str = told["error"]
    assert "\n" not in line
    return line


def test_what_is_refused(client: TestClient, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the first message" in refused(client, "no")
    assert "options must be" in refused(client, '{"options": {"threads": 9}}')
    assert "neither a picture" in refused(client, "{}", b"\x07abc")
    assert "no JPEG" in refused(client, '{"record": true}', live_messages.PICTURE.pack(1, 0, 0.0) + b"GIF89a")
    assert "the first message must be" in refused(client, "[" * 100_000)
    assert "not a number of seconds" in refused(client, "{}", live_messages.PICTURE.pack(1, 0, float("nan")) + b"x")
    monkeypatch.setattr(live_messages, "MOST_PIXELS", 100)
    assert "160 x 120" in refused(client, "{}", coded(0))
    monkeypatch.setattr(live, "SILENT_S", 0.2)
    assert "connect again" in refused(client, "{}")
    monkeypatch.setattr(places, "MOST_AT_ONCE", 0)
    assert "try again later" in refused(client)
    for _ in range(50):
        if not [path for path in jobs.folder.iterdir() if path.is_dir()]:
            break
        time.sleep(0.1)
    assert not [path for path in jobs.folder.iterdir() if path.is_dir()]


def test_a_client_that_goes_leaves_its_place(client: TestClient) -> None:
    for _ in range(2 * places.MOST_AT_ONCE):
        with client.websocket_connect(ADDRESS, headers=BEARER) as socket:
            begun(socket)
            socket.send_bytes(coded(0))
