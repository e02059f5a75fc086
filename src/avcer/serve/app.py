"""The routes of the service."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Lock
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from avcer import __version__
from avcer.errors import AvcerError, UsageError
from avcer.options import Options
from avcer.parsing import json_of
from avcer.serve.copy import Copies
from avcer.serve.door import Door, refuse
from avcer.serve.jobs import FINAL, Jobs, shown
from avcer.serve.live import add_live
from avcer.serve.openapi import document
from avcer.serve.results import made, names
from avcer.serve.runner import Runner
from avcer.serve.studio import add_studio

PAGE: Final = Path(__file__).parent / "page"
MOST_WAITING: Final = 100
FREE: Final = 256 << 20
"""Bytes that stay free on the disk."""
SILENT_S: Final = 60.0
"""A client that sends nothing of its body for so long has gone."""
OFFERED: Final = frozenset(
    ("models", "setting", "rule", "compounds", "fusion", "start", "end", "audio_track", "video_track", "least_segment")
)
"""Options that a request may choose: none that names a file, a device or threads."""


class Service:
    """What the routes share."""

    def __init__(
        self, jobs: Jobs, runner: Runner, root: Path | None, most_bytes: int, threads: int | None,
        quota_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self.jobs, self.runner, self.most_bytes, self.threads = jobs, runner, most_bytes, threads
        self.quota_bytes = quota_bytes
        self.root = root.resolve() if root else None
        self.writing = Lock()
        self.copies = Copies()

    def row(self, job: str, done: bool = False) -> dict[str, Any]:
        """The job's row; 404 without one, 409 if it must be ``done`` and is not."""
        row = self.jobs.get(job)
        if row is None:
            raise HTTPException(404, f"no job {job!r}; GET /api/jobs lists them")
        if done and row["state"] != "done":
            raise HTTPException(409, f"the job is {row['state']}; results are there when it is done")
        return row

    def options(self, text: str) -> dict[str, Any]:
        """The options of a job from JSON; 422 if they are none."""
        try:
            chosen = json_of(text)
        except ValueError:
            chosen = None
        if not isinstance(chosen, dict) or set(chosen) - OFFERED:
            wrong = f", not {sorted(set(chosen) - OFFERED)[0]!r}" if isinstance(chosen, dict) else ""
            raise HTTPException(422, f"options must be a JSON object of {', '.join(sorted(OFFERED))}{wrong}")
        for name in ("compounds", "fusion"):
            if not re.fullmatch(r"[\w-]+", str(chosen.get(name) or "none")):
                raise HTTPException(422, f"{name} must be the name of a shipped one here, not a file")
        try:
            return Options.from_dict({**chosen, "threads": self.threads}).to_dict()
        except (AvcerError, TypeError, ValueError) as error:
            raise HTTPException(422, str(error)) from error

    def below_root(self, word: Any) -> Path:
        """A file below the root; 403 for any other, links followed."""
        if self.root is None:
            raise HTTPException(403, "paths are not served; start avcer serve with --root DIR, or upload the file")
        if not isinstance(word, str) or "\0" in word:
            raise HTTPException(422, 'the body must be {"path": "clip.mp4"}, a path below the root')
        path = (self.root / word).resolve()
        if not path.is_relative_to(self.root):
            raise HTTPException(403, "the path is outside the root; give one below it")
        if not path.is_file():
            raise HTTPException(404, "no such file below the root; check the path")
        return path

    def room(self, size: int) -> None:
        """429 unless so many bytes fit on the disk, and into what the jobs may take of it."""
        if self.quota_bytes is not None and self.jobs.size() + size > self.quota_bytes:
            line = f"the jobs take more than {self.quota_bytes} bytes; delete some, or raise --quota"
            raise HTTPException(429, line, {"Retry-After": "600"})
        if shutil.disk_usage(self.jobs.folder).free < size + FREE:
            raise HTTPException(429, "the disk is nearly full; delete jobs and try again", {"Retry-After": "600"})

    async def receive(self, request: Request, clip: Path) -> None:
        """Streams the body into ``clip``; 413 when it is too large."""
        declared = request.headers.get("content-length", "0")
        size = int(declared) if declared.isdigit() else 0
        too_large = HTTPException(413, f"the file is larger than {self.most_bytes} bytes; raise --max-upload")
        if size > self.most_bytes:
            raise too_large
        self.room(size)
        clip.parent.mkdir(mode=0o700)
        try:
            size = 0
            with clip.open("xb") as file:
                async for part in _in_time(request):
                    size += len(part)
                    if size > self.most_bytes:
                        raise too_large
                    await run_in_threadpool(file.write, part)
            if not size:
                raise HTTPException(400, "the body is empty; send the file as the body of the request")
            if await request.is_disconnected():  # cancelled with the last part
                raise ClientDisconnect
        except BaseException:  # a client that has gone, too
            shutil.rmtree(clip.parent, ignore_errors=True)
            raise


async def _in_time(request: Request) -> AsyncIterator[bytes]:
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


def make_app(service: Service, token: str, local: bool = True) -> Door:
    """The application, behind its door."""
    app = FastAPI(title="avcer", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
                  telemetry={"tracing": False})  # fmt: skip
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(AvcerError, _told)
    app.add_exception_handler(Exception, _fault)
    for method, path, route in (
        ("GET", "/api/health", _health), ("GET", "/api/openapi.json", _openapi), ("GET", "/api/jobs", _list),
        ("POST", "/api/jobs", _post), ("GET", "/api/jobs/{job}", _one), ("DELETE", "/api/jobs/{job}", _delete),
        ("GET", "/api/jobs/{job}/results", _results), ("GET", "/api/jobs/{job}/results/{name}", _result),
        ("GET", "/api/jobs/{job}/clip", _clip), ("GET", "/api/jobs/{job}/events", _events),
    ):  # fmt: skip
        app.add_route(path, route, methods=[method])
    add_studio(app)
    add_live(app)
    app.state.service = service
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return Door(app, token, local)


def _told(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return refuse(error.status_code, error.detail, dict(error.headers or {}))
    return refuse(422 if isinstance(error, UsageError) else 400, str(error))


def _fault(_: Request, error: Exception) -> Response:
    return refuse(500, f"unforeseen {type(error).__name__}; please report it with what the service printed")


async def _openapi(_: Request) -> Response:
    return JSONResponse(document())


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _post(request: Request) -> Response:
    service = _of(request)
    if service.jobs.waiting() >= MOST_WAITING:
        raise HTTPException(429, f"{MOST_WAITING} jobs are waiting; try again later", {"Retry-After": "60"})
    options = service.options(request.query_params.get("options", "{}"))
    job = service.jobs.new_id()
    if request.headers.get("content-type", "").startswith("application/json"):
        body = b""
        async for part in _in_time(request):
            body += part
            if len(body) > 1 << 16:
                raise HTTPException(413, "a path is shorter than that; send the file as the body of the request")
        try:
            asked = json_of(body)
        except ValueError as error:
            raise HTTPException(400, 'the body is no JSON; send {"path": "clip.mp4"}') from error
        clip = service.below_root(asked.get("path") if isinstance(asked, dict) else None)
        service.jobs.place(job).mkdir(mode=0o700)
        name = clip.name
    else:
        name = re.split(r"[/\\]", request.query_params.get("name", ""))[-1][:200] or "clip"
        ending = re.search(r"\.[A-Za-z0-9]{1,5}$", name)
        clip = service.jobs.place(job) / f"clip{ending[0].lower() if ending else ''}"
        await service.receive(request, clip)
    service.jobs.add(job, name, clip, options)
    return JSONResponse({"id": job}, 202)


async def _list(request: Request) -> Response:
    return JSONResponse([shown(row) for row in _of(request).jobs.all()])


async def _one(request: Request) -> Response:
    return JSONResponse(shown(_of(request).row(request.path_params["job"])))


async def _delete(request: Request) -> Response:
    service, job = _of(request), request.path_params["job"]
    service.row(job)
    service.copies.stop(job)
    await run_in_threadpool(service.runner.remove, job)
    return Response(status_code=204)


async def _results(request: Request) -> Response:
    service, job = _of(request), request.path_params["job"]
    service.row(job, done=True)
    return JSONResponse(names(service.jobs.place(job) / "results"))


async def _result(request: Request) -> Response:
    service, job = _of(request), request.path_params["job"]
    service.row(job, done=True)
    path = await run_in_threadpool(
        made, service.jobs.place(job) / "results", request.path_params["name"], service.writing
    )
    if path is None:
        raise HTTPException(404, "no such result; GET results lists the files, and any word of --formats is made")
    return FileResponse(path, filename=path.name)


async def _clip(request: Request) -> Response:
    path = Path(_of(request).row(request.path_params["job"])["clip"])
    if not path.is_file():
        raise HTTPException(404, "the clip is no longer there")
    return FileResponse(path, filename=path.name, content_disposition_type="inline", media_type=_kind(path))


def _kind(path: Path) -> str:
    return {".webm": "video/webm", ".ogv": "video/ogg"}.get(path.suffix.lower(), "video/mp4")


async def _events(request: Request) -> Response:
    service, job = _of(request), request.path_params["job"]
    service.row(job)

    async def told() -> AsyncIterator[str]:
        seen = request.headers.get("last-event-id", "")
        while (row := service.jobs.get(job)) is not None:
            if str(row["version"]) != seen:
                seen = str(row["version"])
                yield f"id: {seen}\ndata: {json.dumps(shown(row))}\n\n"
            if row["state"] in FINAL:
                return
            await asyncio.sleep(0.2)

    return StreamingResponse(told(), media_type="text/event-stream")


def _of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
