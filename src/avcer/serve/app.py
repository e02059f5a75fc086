"""The routes of the service.

What analysing needs (NumPy, the decoder, the formats) is imported by the first request that needs it, not before: the
page is there at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Match, Route
from starlette.staticfiles import StaticFiles

from avcer import __version__
from avcer.errors import AvcerError, UsageError
from avcer.files import FULL
from avcer.serve.door import Door, refuse
from avcer.serve.file_answer import FileAnswer
from avcer.serve.intake import asked_path, options_of, plain_name, receive
from avcer.serve.jobs import FINAL, shown
from avcer.serve.live import add_live
from avcer.serve.openapi import document
from avcer.serve.results import made, names
from avcer.serve.service import Service, of_job, service_of
from avcer.serve.studio import add_studio

PAGE: Final = Path(__file__).parent / "page"
MOST_WAITING: Final = 100
LOOK_EVERY_S: Final = 0.2
"""So often the events look whether a job has changed."""
STILL_THERE_S: Final = 15.0
"""A line is sent so often where nothing changes: proxies close connections on which nothing comes."""
REMEDIES: Final = {
    404: "no such address; GET /api/openapi.json lists them",
    405: "the address does not take this method; GET /api/openapi.json lists them",
}
"""For errors that the router raises, which names none."""


def make_app(service: Service, token: str, local: bool = True) -> Door:
    """The application, behind its door."""
    full = dict.fromkeys((OSError, sqlite3.OperationalError), _full)
    app = Starlette(exception_handlers={HTTPException: _told, AvcerError: _told, **full, Exception: _fault})
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


def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        own = error.detail != HTTPStatus(error.status_code).phrase
        line = error.detail if own else REMEDIES.get(error.status_code, error.detail)
        allowed = {"Allow": _allowed(request)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else {}
        return refuse(error.status_code, line, {**(error.headers or {}), **allowed})
    return refuse(422 if isinstance(error, UsageError) else 400, str(error))


def _allowed(request: Request) -> str:
    """The methods of all routes of an address: the router names those of the first one alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    of_address = [route.methods or set() for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted(set().union(*of_address) or {"GET", "HEAD"}))  # what has no route is a file of the page


def _full(request: Request, error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno not in FULL:
        return _fault(request, error)
    reason = getattr(error, "strerror", None) or error
    return refuse(507, f"the jobs cannot be written ({reason}); free some space on the disk, and try again")


def _fault(_: Request, error: Exception) -> Response:
    return refuse(500, f"unforeseen {type(error).__name__}; please report it with what the service printed")


async def _openapi(_: Request) -> Response:
    return JSONResponse(document())


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _post(request: Request) -> Response:
    service = service_of(request)
    if service.jobs.waiting() >= MOST_WAITING:
        raise HTTPException(429, f"{MOST_WAITING} jobs are waiting; try again later", {"Retry-After": "60"})
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("multipart/"):
        raise HTTPException(415, "send the file itself as the body, not a form: curl --data-binary @clip.mp4")
    options = await run_in_threadpool(options_of, request.query_params.get("options", "{}"), service.threads)
    job = service.jobs.new_id()
    if kind.startswith("application/json"):
        clip = await asked_path(request, service.root)
        service.jobs.place(job).mkdir(mode=0o700)
        name = plain_name(clip.name, "clip")
    else:
        name = plain_name(request.query_params.get("name", ""), "clip")
        ending = re.search(r"\.[A-Za-z0-9]{1,5}$", name)
        clip = service.jobs.place(job) / f"clip{ending[0].lower() if ending else ''}"
        await receive(request, service, clip)
    try:
        service.jobs.add(job, name, clip, options)
    except BaseException:  # a full disk
        shutil.rmtree(service.jobs.place(job), ignore_errors=True)
        raise
    return JSONResponse({"id": job}, 202)


async def _list(request: Request) -> Response:
    return JSONResponse([shown(row) for row in service_of(request).jobs.all()])


async def _one(request: Request) -> Response:
    _, row = of_job(request)
    return JSONResponse(shown(row))


async def _delete(request: Request) -> Response:
    service, row = of_job(request)
    await run_in_threadpool(service.remove, row["id"])
    return Response(status_code=204)


async def _results(request: Request) -> Response:
    service, row = of_job(request, done=True)
    return JSONResponse(names(service.results(row["id"])))


async def _result(request: Request) -> Response:
    service, row = of_job(request, done=True)
    job, name = row["id"], request.path_params["name"]
    path = await run_in_threadpool(made, service.results(job), name, row["name"], service.writing(job))
    if path is None:
        raise HTTPException(404, "no such result; GET results lists the files, and any word of --formats is made")
    return FileAnswer(path, filename=path.name)


async def _clip(request: Request) -> Response:
    _, row = of_job(request)
    path = Path(row["clip"])
    if not path.is_file():
        raise HTTPException(404, "the clip is no longer there")
    return FileAnswer(path, filename=path.name, content_disposition_type="inline", media_type=_kind(path))


def _kind(path: Path) -> str:
    return {".webm": "video/webm", ".ogv": "video/ogg"}.get(path.suffix.lower(), "video/mp4")


async def _events(request: Request) -> Response:
    service, row = of_job(request)
    seen = request.headers.get("last-event-id", "")
    if row["state"] in FINAL and str(row["version"]) == seen:
        return Response(status_code=204)  # which tells a browser not to ask again
    lines = _changes(service, row["id"], seen) if request.method == "GET" else iter(())
    return StreamingResponse(lines, media_type="text/event-stream")


async def _changes(service: Service, job: str, seen: str) -> AsyncIterator[str]:
    """An event for each state of a job but the one that was seen, until it has ended."""
    told_s = time.monotonic()
    while (row := service.jobs.get(job)) is not None:
        if str(row["version"]) != seen:
            seen = str(row["version"])
            yield f"id: {seen}\ndata: {json.dumps(shown(row))}\n\n"
            told_s = time.monotonic()
        elif time.monotonic() - told_s > STILL_THERE_S:
            yield ": still there\n\n"
            told_s = time.monotonic()
        if row["state"] in FINAL:
            return
        await asyncio.sleep(LOOK_EVERY_S)
