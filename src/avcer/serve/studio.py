"""The routes of the studio: what it draws, what a person says, how both agree, and a copy that the browser plays."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.media import Pictures
from avcer.output.agreement import agreement
from avcer.output.corrections import (
    FILE,
    Corrections,
    as_document,
    corrected,
    parse_corrections,
    read_corrections,
    write_corrections,
)
from avcer.output.writers import DEFAULT_FORMATS, FORMATS
from avcer.parsing import json_of
from avcer.serve.columns import pack
from avcer.serve.copy import FILE as COPY
from avcer.serve.results import forget_exports

if TYPE_CHECKING:
    from avcer.serve.app import Service

MOST_BYTES: Final = 16 << 20
"""Of corrections; a thousand segments take 100 kB."""
STREAM: Final = "application/octet-stream"


def add_studio(app: FastAPI) -> None:
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
    return JSONResponse({"all": list(FORMATS), "usual": list(DEFAULT_FORMATS)})


async def _studio(request: Request) -> Response:
    row, results = _done(request)
    return Response(await run_in_threadpool(_packed, row, results), media_type=STREAM)


def _packed(row: dict[str, Any], results: Path) -> bytes:
    analysis = analysis_of(results)
    return pack(analysis, row["name"], _first_s(row, analysis))


def _first_s(row: dict[str, Any], analysis: Analysis) -> float:
    """When the clip's first frame is shown, by the file's clock: a player's clock is found by it."""
    options = json.loads(row["options"])
    if options.get("start"):
        try:
            return next(iter(Pictures(row["clip"], track=options.get("video_track")))).time_s
        except (InputError, StopIteration):
            return analysis.clip.start_s
    return float(analysis.times_s[0]) if len(analysis.times_s) else analysis.clip.start_s


async def _corrections(request: Request) -> Response:
    _, results = _done(request)
    return await run_in_threadpool(_told, results)


async def _put(request: Request) -> Response:
    _, results = _done(request)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"corrections are at most {MOST_BYTES} bytes; leave markers out")
    try:
        said = parse_corrections(json_of(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HTTPException(422, f"the body is no corrections ({error}); see docs/studio.md") from error
    service: Service = request.app.state.service
    with service.writing:
        if request.headers.get("if-match", _tag(results)) != _tag(results):
            raise HTTPException(412, "the corrections have been changed elsewhere; load them again")
        await run_in_threadpool(_write, said, results)
    return await run_in_threadpool(_told, results)


def _write(said: Corrections, results: Path) -> None:
    write_corrections(said, results)
    forget_exports(results)


def _told(results: Path) -> Response:
    """The corrections, and every segment as it is with them."""
    said = read_corrections(results)
    rows = [
        [one.face, one.start_s, one.end_s, one.label, one.kind, one.probability, by_person]
        for one, by_person in corrected(analysis_of(results).segments, said)
    ]
    return JSONResponse({"corrections": as_document(said), "segments": rows}, headers={"ETag": _tag(results)})


async def _agreement(request: Request) -> Response:
    _, results = _done(request)
    found = await run_in_threadpool(lambda: agreement(analysis_of(results).segments, read_corrections(results)))
    return JSONResponse({
        "judged_s": found.judged_s, "agreement": found.share, "kappa": found.kappa, "labels": found.labels,
        "machine_by_person_s": found.seconds.round(6).tolist(),
    })  # fmt: skip


async def _make_copy(request: Request) -> Response:
    service, row = _of(request), _done(request)[0]
    if not Path(row["clip"]).is_file():
        raise HTTPException(404, "the clip is no longer there")
    options = json.loads(row["options"])
    tracks = (options.get("video_track"), options.get("audio_track"))
    found = service.copies.start(row["id"], Path(row["clip"]), service.jobs.place(row["id"]), tracks)
    return JSONResponse(found.told(), 202)


async def _copy_state(request: Request) -> Response:
    service, row = _of(request), _done(request)[0]
    found = service.copies.state(row["id"], service.jobs.place(row["id"]))
    if found is None:
        raise HTTPException(404, "no copy was asked for; POST to this address makes one")
    return JSONResponse(found.told())


async def _copy(request: Request) -> Response:
    service, row = _of(request), _done(request)[0]
    path = service.jobs.place(row["id"]) / COPY
    if not path.is_file():
        raise HTTPException(409, "the copy is not there yet; POST to copy makes it, GET copy tells how far it is")
    return FileResponse(path, media_type="video/mp4")


@lru_cache(maxsize=2)
def _loaded(folder: Path, changed_ns: int) -> Analysis:
    return Analysis.load(folder)


def analysis_of(results: Path) -> Analysis:
    """The analysis in a folder of results; the last two are kept."""
    try:
        return _loaded(results, (results / "analysis.json").stat().st_mtime_ns)
    except OSError as error:
        raise InputError("the results hold no analysis.json; analyse the clip again") from error


def _tag(results: Path) -> str:
    """Tells one state of the corrections from another."""
    path = results / FILE
    return f'"{hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()[:32]}"'


def _done(request: Request) -> tuple[dict[str, Any], Path]:
    """The row of a job that is done, and the folder of its results."""
    service = _of(request)
    row = service.row(request.path_params["job"], done=True)
    return row, service.jobs.place(row["id"]) / "results"


def _of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
