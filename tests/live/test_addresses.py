"""Live analysis from an address: streams over TCP, HTTP and RTSP, that end, stall, come again, or have no time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from avcer.errors import InputError
from avcer.live.inbox import Inbox, Reader
from avcer.live.sources import open_live
from avcer.media import Live, Pictures, SoundBlock
from avcer.types import Frame
from recordings import AudioTrack, VideoTrack, grey, tone, write

COUNT = 50
SYSTEM = "/usr/bin/python3"
RTSP = Path(__file__).with_name("rtsp_server.py")
NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of MPEG-TS."""
    path = tmp_path_factory.mktemp("addresses") / "two.ts"
    return write(path, VideoTrack([grey(number) for number in range(COUNT)], "mpeg2video"), AudioTrack(tone(2), "mp2"))


@contextmanager
def sends(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port at which each client is served in its turn."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def work() -> None:
            while True:
                try:
                    client, _ = door.accept()
                    with client:
                        serve(client)
                except OSError:  # the client has gone, or the test is over
                    if door.fileno() < 0:
                        return

        Thread(target=work, daemon=True).start()
        yield door.getsockname()[1]


def frames(source: object) -> list[Frame]:
    return [item for item in source if isinstance(item, Frame)]  # type: ignore[attr-defined]


def test_a_stream_that_ends_and_comes_again(stream: Path) -> None:
    with sends(lambda client: client.sendall(stream.read_bytes())) as port:
        source, endless = open_live(f"tcp://127.0.0.1:{port}")
        assert endless
        for _ in range(2):
            items = list(source)
            seen = [item.time_s for item in items if isinstance(item, Frame)]
            np.testing.assert_allclose(np.diff(seen), np.diff([frame.time_s for frame in Pictures(stream)]), atol=1e-4)
            assert any(isinstance(item, SoundBlock) for item in items)


def test_a_stream_that_stalls_says_so_and_keeps_what_came(stream: Path) -> None:
    over = Event()
    with sends(lambda client: (client.sendall(stream.read_bytes()), over.wait(30))) as port:
        inbox = Inbox()
        reader = Reader(Live(f"tcp://127.0.0.1:{port}", timeout_s=0.7), inbox)
        count, taken = 0, inbox.take(20)
        while not taken.ended:
            count += len(taken.frames)
            taken = inbox.take(20)
        over.set()
        reader.stop()
    assert "fell silent for more than 0.7 s" in str(inbox.error)
    assert count + len(taken.frames) + inbox.skipped >= COUNT - 2


def test_a_server_that_never_answers() -> None:
    over = Event()
    with (
        sends(lambda client: over.wait(30)) as port,
        pytest.raises(InputError, match=r"cannot be opened \(no answer within 0.5 s\); check the camera"),
    ):
        list(Live(f"tcp://127.0.0.1:{port}", timeout_s=0.5))
    over.set()


def test_pictures_without_time_count_when_they_come() -> None:
    """Cameras on the web send JPEGs; FFmpeg would have them 25 a second, however fast they come."""

    def motion(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")
        for number in range(10):
            _, coded = cv2.imencode(".jpg", np.full((120, 160, 3), 20 * number, np.uint8))
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(coded)}\r\n\r\n"
            client.sendall(head.encode() + coded.tobytes() + b"\r\n")
            time.sleep(0.1)

    with sends(motion) as port:
        seen = frames(open_live(f"http://127.0.0.1:{port}/video")[0])
    assert len(seen) >= 8
    assert (seen[-1].time_s - seen[3].time_s) / (len(seen) - 4) > 0.08


@pytest.fixture
def rtsp(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A clip by RTSP."""
    if not Path(SYSTEM).exists() or subprocess.run([SYSTEM, "-c", NEEDS], capture_output=True, check=False).returncode:
        pytest.skip(
            "no RTSP server here: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 and GStreamer's plugins"
        )
    video = VideoTrack([grey(number) for number in range(COUNT)], "libx264", options={"g": "5", "bf": "0"})
    path = write(tmp_path / "clip.mp4", video, AudioTrack(tone(2), "aac"))
    with subprocess.Popen([SYSTEM, str(RTSP), str(path)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        try:
            yield f"rtsp://127.0.0.1:{port}/clip", server
        finally:
            server.kill()


def test_rtsp(rtsp: tuple[str, subprocess.Popen[str]]) -> None:
    """Played to its end, played again, stalled, and gone."""
    address, server = rtsp
    for _ in range(2):
        items = list(open_live(address)[0])
        seen = [item for item in items if isinstance(item, Frame)]
        assert len(seen) >= COUNT - 5
        assert np.diff([frame.time_s for frame in seen]) == pytest.approx(0.04, abs=0.005)
        assert any(isinstance(item, SoundBlock) for item in items)
    stalls = iter(Live(address, options={"rtsp_transport": "tcp"}, timeout_s=1.0))
    next(stalls)
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(InputError, match="fell silent"):
        list(stalls)
    server.kill()
    with pytest.raises(InputError, match="cannot be opened"):
        list(open_live(address)[0])
