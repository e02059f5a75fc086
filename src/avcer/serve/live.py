"""Live analysis over a WebSocket: pictures and sound of a browser in, the rows of the frame that they belong to out.

Messages of the client: a JSON text to begin with (``{"options": {}, "record": false, "name": ""}``), then binary ones
(``live_messages``), and ``{"stop": true}``. Of the pictures only the newest is decoded and classified.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from avcer.errors import AvcerError, UsageError
from avcer.parsing import json_of
from avcer.serve.intake import options_of, plain_name
from avcer.serve.places import Places
from avcer.serve.service import Service, service_of

if TYPE_CHECKING:
    from avcer.serve.live_desk import Asked, Desk
    from avcer.serve.live_messages import Newest

MOST_BYTES: Final = 4 << 20
"""Of a message."""
SILENT_S: Final = 30.0
"""A client that sends nothing for so long has gone."""
TRY_AGAIN, REFUSED = 1013, 1008
"""Codes with which a connection is closed: full; not as agreed; a fault."""


def add_live(app: Starlette) -> None:
    """Adds the route."""
    app.router.routes.append(WebSocketRoute("/api/live", _live))
    app.state.live = Places()


async def _live(socket: WebSocket) -> None:
    service = service_of(socket)
    places: Places = socket.app.state.live
    await socket.accept()
    if not places.take():
        await _close(socket, TRY_AGAIN, places.full())
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
        text = await asyncio.wait_for(socket.receive_text(), SILENT_S)
    except (WebSocketDisconnect, KeyError):
        return
    answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    desk = await run_in_threadpool(_desk, text, service, places, lambda told: _later(loop, answers, told))
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


def _desk(text: str, service: Service, places: Places, tell: Callable[[dict[str, Any]], None]) -> Desk:
    """Begins an analysis. What it needs is imported now: not before somebody wants it, and not by the event loop."""
    from avcer.serve.live_desk import Desk

    return Desk(service, places, _asked(text, service), tell)


def _asked(text: str, service: Service) -> Asked:
    from avcer.serve.live_desk import Asked

    try:
        words = json_of(text)
    except ValueError:
        words = None
    if not isinstance(words, dict) or set(words) - {"options", "record", "name"}:
        raise UsageError('the first message must be {"options": {}, "record": false, "name": ""}')
    options = options_of(json.dumps(words.get("options") or {}), service.threads)
    return Asked(options, words.get("record") is True, plain_name(str(words.get("name") or ""), "live"))


def _later(loop: asyncio.AbstractEventLoop, answers: asyncio.Queue[Any], told: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(answers.put_nowait, told)


async def _close(socket: WebSocket, code: int, line: str) -> None:
    try:
        await socket.send_json({"error": " ".join(line.split())})
        await socket.close(code)
    except (WebSocketDisconnect, RuntimeError):
        return
