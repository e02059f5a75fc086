"""What a new job is made of: options that are allowed, and a clip that is uploaded or lies below the root."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from avcer.errors import AvcerError
from avcer.parsing import json_of
from avcer.serve.service import Service

SILENT_S: Final = 60.0
"""A client that sends nothing of its body for so long has gone."""
OWNERS: Final = {
    "own_models": "it names folders of this machine",
    "decision": "it names a file of this machine",
    "person": "it names a file of this machine",
    "device": "whoever started the service chooses it",
    "threads": "whoever started the service chooses it, with --threads",
}
"""Options that a request may give with their defaults alone, as ``Options().to_dict()`` does; and why."""
MOST_OF_A_PATH: Final = 1 << 16
LONGEST_NAME: Final = 200


def options_of(text: str, threads: int | None) -> dict[str, Any]:
    """The options of a job from JSON; 422 if they are none, or not for a request to choose."""
    from avcer.options import Options  # takes a third of a second, which the first page need not wait for

    try:
        chosen = json_of(text)
    except ValueError:
        chosen = None
    if not isinstance(chosen, dict):
        raise HTTPException(422, 'options must be a JSON object, such as {"setting": "fast"}')
    usual = Options().to_dict()
    for name, why in OWNERS.items():
        if chosen.get(name, usual[name]) != usual[name]:
            raise HTTPException(422, f"options must be without {name} ({why}), or with its default alone")
    for name in ("compounds", "fusion"):
        if not re.fullmatch(r"[\w-]+", str(chosen.get(name) or "none")):
            raise HTTPException(422, f"{name} must be the name of a shipped one here, not a file")
    try:
        return Options.from_dict({**chosen, "threads": threads}).to_dict()
    except (AvcerError, TypeError, ValueError) as error:
        raise HTTPException(422, str(error)) from error


def plain_name(word: str, usual: str) -> str:
    """A name to be shown: without folders and signs that cannot be printed, and not too long."""
    last = re.split(r"[/\\]", word)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:LONGEST_NAME] or usual


def below_root(root: Path | None, word: Any) -> Path:
    """A file below the root; 403 for any other, links followed."""
    if root is None:
        raise HTTPException(403, "paths are not served; start avcer serve with --root DIR, or upload the file")
    if not isinstance(word, str) or "\0" in word:
        raise HTTPException(422, 'the body must be {"path": "clip.mp4"}, a path below the root')
    try:
        path = (root / word).resolve()
        if not path.is_relative_to(root):
            raise HTTPException(403, "the path is outside the root; give one below it")
        there = path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a link to itself, or no name of a file at all
        there = False
    if not there:
        raise HTTPException(404, "no such file below the root; check the path")
    return path


async def asked_path(request: Request, root: Path | None) -> Path:
    """The file that a body of JSON names."""
    body = b""
    async for part in in_time(request):
        body += part
        if len(body) > MOST_OF_A_PATH:
            raise HTTPException(413, "a path is shorter than that; send the file as the body of the request")
    try:
        asked = json_of(body)
    except ValueError as error:
        raise HTTPException(400, 'the body is no JSON; send {"path": "clip.mp4"}') from error
    if not isinstance(asked, dict):
        asked = {}
    if unknown := sorted(set(asked) - {"path"}):
        raise HTTPException(422, f'the body must be {{"path": ...}} alone, not {unknown[0]!r}; options go in the query')
    return below_root(root, asked.get("path"))


async def receive(request: Request, service: Service, clip: Path) -> None:
    """Streams the body into ``clip``, in a folder of its own; 413 when it is too large. Nothing stays of a part."""
    declared = request.headers.get("content-length", "0")
    size = int(declared) if declared.isdigit() else 0
    if size > service.most_bytes:
        raise _too_large(service)
    service.room(size)
    clip.parent.mkdir(mode=0o700)
    try:
        if not await _written(request, service, clip):
            raise HTTPException(400, "the body is empty; send the file as the body of the request")
        if await request.is_disconnected():  # cancelled with the last part
            raise ClientDisconnect
    except BaseException:  # a client that has gone, too
        shutil.rmtree(clip.parent, ignore_errors=True)
        raise


async def _written(request: Request, service: Service, clip: Path) -> int:
    """The bytes of the body, which are then in ``clip``."""
    size = 0
    with clip.open("xb") as file:
        async for part in in_time(request):
            size += len(part)
            if size > service.most_bytes:
                raise _too_large(service)
            await run_in_threadpool(file.write, part)
    return size


def _too_large(service: Service) -> HTTPException:
    return HTTPException(413, f"the file is larger than {service.most_bytes} bytes; raise --max-upload")


async def in_time(request: Request) -> AsyncIterator[bytes]:
    """The parts of a body; 408 where none comes for too long."""
    parts = request.stream()
    while True:
        try:
            part = await asyncio.wait_for(anext(parts, None), SILENT_S)
        except TimeoutError as error:
            raise HTTPException(408, f"nothing came for {SILENT_S:g} seconds; send the file again") from error
        if part is None:
            return
        yield part
