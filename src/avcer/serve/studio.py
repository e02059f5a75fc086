"""The routes of the studio: what it draws, what a person says, how both agree, and a copy that the browser plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avcer.serve import said
from avcer.serve.copy import FILE as COPY
from avcer.serve.file_answer import FileAnswer
from avcer.serve.service import of_job
from avcer.words import FORMATS, USUAL_FORMATS

MOST_BYTES: Final = 16 << 20
"""Of corrections; a thousand segments take 100 kB."""
STREAM: Final = "application/octet-stream"


def add_studio(app: Starlette) -> None:
    """Adds the routes."""
    for method, path, route in (
        ("GET", "/api/formats", _formats),
        ("GET", "/api/jobs/{job}/studio", _studio),
        ("GET", "/api/jobs/{job}/corrections", _corrections), ("PUT", "/api/jobs/{job}/corrections", _put),
        ("GET", "/api/jobs/{job}/agreement", _agreement),
        ("POST", "/api/jobs/{job}/copy", _make_copy), ("GET", "/api/jobs/{job}/copy", _copy_state),
        ("GET", "/api/jobs/{job}/copy/video", _copy),
    ):  # fmt: skip
        app.add_route(path, route, methods=[method])


async def _formats(_: Request) -> Response:
    return JSONResponse({"all": FORMATS, "usual": USUAL_FORMATS})


async def _studio(request: Request) -> Response:
    service, row = of_job(request, done=True)
    return Response(await run_in_threadpool(said.packed, row, service.results(row["id"])), media_type=STREAM)


async def _corrections(request: Request) -> Response:
    service, row = of_job(request, done=True)
    document, tag = await run_in_threadpool(said.told, service.results(row["id"]))
    return JSONResponse(document, headers={"ETag": tag})


async def _put(request: Request) -> Response:
    service, row = of_job(request, done=True)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"corrections are at most {MOST_BYTES} bytes; leave markers out")
    known, results = request.headers.get("if-match"), service.results(row["id"])
    document, tag = await run_in_threadpool(said.say, body, known, results, service.writing(row["id"]))
    return JSONResponse(document, headers={"ETag": tag})


async def _agreement(request: Request) -> Response:
    service, row = of_job(request, done=True)
    return JSONResponse(await run_in_threadpool(said.agreement, service.results(row["id"])))


async def _make_copy(request: Request) -> Response:
    service, row = of_job(request, done=True)
    if not Path(row["clip"]).is_file():
        raise HTTPException(404, "the clip is no longer there")
    options = json.loads(row["options"])
    tracks = (options.get("video_track"), options.get("audio_track"))
    found = service.copies.start(row["id"], Path(row["clip"]), service.jobs.place(row["id"]), tracks)
    return JSONResponse(found.told(), 202)


async def _copy_state(request: Request) -> Response:
    service, row = of_job(request, done=True)
    found = service.copies.state(row["id"], service.jobs.place(row["id"]))
    if found is None:
        raise HTTPException(404, "no copy was asked for; POST to this address makes one")
    return JSONResponse(found.told())


async def _copy(request: Request) -> Response:
    service, row = of_job(request, done=True)
    path = service.jobs.place(row["id"]) / COPY
    if not path.is_file():
        raise HTTPException(409, "the copy is not there yet; POST to copy makes it, GET copy tells how far it is")
    return FileAnswer(path, media_type="video/mp4")
