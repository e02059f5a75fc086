"""Live analysis over a WebSocket: pictures and sound of a browser in, the rows of the frame that they belong to out.

Messages of the client: a JSON text to begin with (``{"options": {}, "record": false, "name": ""}``), then binary ones,
``PICTURE`` and ``SOUND``, and ``{"stop": true}``. Of the pictures only the newest is decoded and looked at.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from fastapi import FastAPI
from PIL import Image as Pillow
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from avcer.errors import AvcerError, InputError, UsageError
from avcer.live.inbox import Arrived, Taken
from avcer.live.record import Recording
from avcer.live.run import of_recording
from avcer.live.watch import Watch
from avcer.media import SAMPLE_RATE, SoundBlock
from avcer.options import Options
from avcer.output.writers import DEFAULT_FORMATS
from avcer.pipeline import Analyzer
from avcer.types import Frame, Image

if TYPE_CHECKING:
    from avcer.serve.app import Service

PICTURE: Final = struct.Struct("<BId")
"""1, a number of the client's for the frame, seconds at which it was captured; then the JPEG."""
SOUND: Final = struct.Struct("<Bd")
"""2, seconds of the first sample; then 16-bit samples, mono at 16 kHz, little-endian as all of it."""
A_PICTURE, A_SOUND = 1, 2
MOST_BYTES: Final = 4 << 20
"""Of a message."""
MOST_PIXELS: Final = 4096 * 2304
MOST_AT_ONCE: Final = 2
MOST_SOUND_S: Final = 10.0
"""Sound of a longer time than this does not wait to be heard."""
SILENT_S: Final = 30.0
"""A client that sends nothing for so long has gone."""
TRY_AGAIN, REFUSED, BROKEN = 1013, 1008, 1011
"""Codes with which a connection is closed: full; not as agreed; a fault."""


def add_live(app: FastAPI) -> None:
    """Adds the route."""
    app.router.routes.append(WebSocketRoute("/api/live", _live))
    app.state.live = Places()


class Places:
    """How many live analyses run at once, and the models, which they share."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0
        self._analyzers: dict[str, Analyzer] = {}

    def take(self) -> bool:
        """A place, if there is one."""
        with self._lock:
            free = self._taken < MOST_AT_ONCE
            self._taken += free
        return free

    def leave(self) -> None:
        """Gives a place back."""
        with self._lock:
            self._taken -= 1

    def analyzer(self, options: dict[str, Any]) -> Analyzer:
        """The analyzer of these options; that of the last ones is kept."""
        key = json.dumps(options, sort_keys=True)
        with self._lock:
            if key not in self._analyzers:
                self._analyzers = {key: Analyzer(Options.from_dict(options))}
            return self._analyzers[key]


@dataclass(frozen=True)
class Asked:
    """How a client wants it."""

    options: dict[str, Any]
    record: bool
    name: str


@dataclass
class Sent:
    """What has come since the last time: the newest picture, and all sound."""

    picture: tuple[int, float, bytes, float] | None = None
    sound: list[SoundBlock] | None = None
    ended: bool = False


class Newest:
    """One thread puts in what the client sends, another takes it: the newest picture, and all sound."""

    def __init__(self) -> None:
        self.skipped = 0
        self._sent = Sent(sound=[])
        self._changed = Condition()

    def put(self, message: bytes) -> None:
        """Takes a binary message.

        Raises:
            UsageError: it is not one of the two kinds.
        """
        kind = message[0] if message else 0
        with self._changed:
            if kind == A_PICTURE and len(message) > PICTURE.size:
                _, number, time_s = PICTURE.unpack_from(message)
                self.skipped += self._sent.picture is not None
                self._sent.picture = number, _finite(time_s), message[PICTURE.size :], time.monotonic()
            elif kind == A_SOUND and len(message) > SOUND.size:
                self._put_sound(_finite(SOUND.unpack_from(message)[1]), message[SOUND.size :])
            else:
                raise UsageError("a message is neither a picture nor sound; see docs/live.md")
            self._changed.notify()

    def end(self) -> None:
        """Says that nothing more comes."""
        with self._changed:
            self._sent.ended = True
            self._changed.notify()

    def take(self) -> Sent:
        """Waits for a picture, sound or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._sent.picture or self._sent.sound or self._sent.ended)
            taken, self._sent = self._sent, Sent(sound=[], ended=self._sent.ended)
        return taken

    def _put_sound(self, start_s: float, coded: bytes) -> None:
        samples = np.frombuffer(coded[: len(coded) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)
        assert self._sent.sound is not None
        self._sent.sound.append(SoundBlock(start_s, samples))
        while sum(len(block.samples) for block in self._sent.sound) > MOST_SOUND_S * SAMPLE_RATE:
            self._sent.sound.pop(0)


class Desk:
    """Works off what a client sends, in a thread of its own; ``tell`` gets each answer."""

    def __init__(self, service: Service, places: Places, asked: Asked, tell: Callable[[dict[str, Any]], None]) -> None:
        self.newest = Newest()
        self.done: Future[dict[str, Any]] = Future()
        self._service, self._places, self._asked, self._tell = service, places, asked, tell
        self._zero_s: float | None = None
        self._last_s = -1.0
        Thread(target=self._work, daemon=True, name="avcer-live").start()

    def _work(self) -> None:
        try:
            self.done.set_result(self._watch())
        except BaseException as error:  # whoever waits for the result is told
            self.done.set_exception(error)

    def _watch(self) -> dict[str, Any]:
        job = self._service.jobs.new_id()
        folder = self._service.jobs.place(job)
        recording: Recording | None = None
        analyzer = self._places.analyzer(self._asked.options)
        self._tell({"ready": True})
        count = 0
        with Watch(analyzer) as watch:
            try:
                while not (sent := self.newest.take()).ended:
                    taken, number = self._taken(sent)
                    if self._asked.record and recording is None:
                        folder.mkdir(mode=0o700)
                        recording = Recording(folder)
                    if recording is not None:
                        self._service.room(0)
                        recording.add(taken)
                    for result in watch.feed(taken):
                        count += 1
                        self._tell({"id": number, **_plain(asdict(result)), "skipped": self.newest.skipped})
            except BaseException:
                if recording is not None:
                    recording.finish()
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            video = recording.finish() if recording is not None else None
            if video is None or not count:
                shutil.rmtree(folder, ignore_errors=True)
                return {"stopped": True, "job": None, "frames": count}
            analysis = of_recording(watch.finish(), clip := video.replace(folder / "clip.mp4"))
        analysis.save(folder / "results", DEFAULT_FORMATS)
        self._keep(job, clip)
        return {"stopped": True, "job": job, "frames": count}

    def _keep(self, job: str, clip: Path) -> None:
        name = f"{self._asked.name or 'live'} {time.strftime('%Y-%m-%d %H:%M:%S')}"
        self._service.jobs.add(job, name, clip, self._asked.options, "done")

    def _taken(self, sent: Sent) -> tuple[Taken, int]:
        """The same on a clock that begins at 0, the picture decoded; and the picture's number."""
        blocks = sent.sound or []
        if self._zero_s is None:
            starts = [block.start_s for block in blocks[:1]] + ([sent.picture[1]] if sent.picture else [])
            self._zero_s = min(starts)
        taken = Taken(sound=[SoundBlock(block.start_s - self._zero_s, block.samples) for block in blocks])
        if sent.picture is None:
            return taken, -1
        number, time_s, coded, at_s = sent.picture
        time_s -= self._zero_s
        if time_s > self._last_s:  # a client whose clock goes back waits until it has come round
            self._last_s = time_s
            taken.frames.append(Arrived(Frame(0, time_s, decoded(coded)), at_s))
        return taken, number


def decoded(coded: bytes) -> Image:
    """The picture of a JPEG.

    Raises:
        InputError: it is none, or too large.
    """
    try:
        with Pillow.open(io.BytesIO(coded), formats=("JPEG",)) as head:
            width, height = head.size
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise InputError("a picture is no JPEG; send pictures as JPEG") from error
    if width * height > MOST_PIXELS:
        raise InputError(f"a picture has {width} x {height} pixels; send at most {MOST_PIXELS} of them")
    image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("a picture is damaged; send it again")
    return image.astype(np.uint8, copy=False)


async def _live(socket: WebSocket) -> None:
    service: Service = socket.app.state.service
    places: Places = socket.app.state.live
    await socket.accept()
    if not places.take():
        await _close(socket, TRY_AGAIN, f"{MOST_AT_ONCE} live analyses run already; try again later")
        return
    try:
        await _serve(socket, service, places)
    except (AvcerError, HTTPException) as error:
        line = error.detail if isinstance(error, HTTPException) else str(error)
        await _close(socket, REFUSED, line)
    except TimeoutError:
        await _close(socket, REFUSED, f"nothing came for {SILENT_S:g} seconds; connect again")
    finally:
        places.leave()


async def _serve(socket: WebSocket, service: Service, places: Places) -> None:
    loop = asyncio.get_running_loop()
    try:
        asked = _asked(await asyncio.wait_for(socket.receive_text(), SILENT_S), service)
    except (WebSocketDisconnect, KeyError):
        return
    answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    desk = Desk(service, places, asked, lambda told: _later(loop, answers, told))
    desk.done.add_done_callback(lambda _: _later(loop, answers, None))
    listening = asyncio.create_task(_listen(socket, desk.newest))
    try:
        while (told := await answers.get()) is not None:
            await socket.send_json(told)
            if listening.done():
                listening.result()
        await asyncio.sleep(0)
        if listening.done():
            listening.result()
        await socket.send_json(desk.done.result())
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):
        return  # the client has gone
    finally:
        desk.newest.end()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _listen(socket: WebSocket, newest: Newest) -> None:
    """Until the client stops or goes away."""
    try:
        while True:
            message = await asyncio.wait_for(socket.receive(), SILENT_S)
            if message["type"] == "websocket.disconnect" or message.get("text") is not None:
                return
            if len(message.get("bytes") or b"") > MOST_BYTES:
                raise UsageError(f"a message is larger than {MOST_BYTES} bytes; send smaller pictures")
            newest.put(message.get("bytes") or b"")
    finally:
        newest.end()


def _asked(text: str, service: Service) -> Asked:
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, dict) or set(words) - {"options", "record", "name"}:
        raise UsageError('the first message must be {"options": {}, "record": false, "name": ""}')
    options = service.options(json.dumps(words.get("options") or {}))
    return Asked(options, words.get("record") is True, str(words.get("name") or "")[:100])


def _later(loop: asyncio.AbstractEventLoop, answers: asyncio.Queue[Any], told: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(answers.put_nowait, told)


async def _close(socket: WebSocket, code: int, line: str) -> None:
    try:
        await socket.send_json({"error": " ".join(line.split())})
        await socket.close(code)
    except (WebSocketDisconnect, RuntimeError):
        return


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    del document["stamps_s"]
    return document


def _finite(time_s: float) -> float:
    if not np.isfinite(time_s) or abs(time_s) > 1e12:
        raise UsageError("a time is not a number of seconds")
    return float(time_s)
