"""The OpenAPI document of the service, with examples; a test compares its paths with the routes."""

from __future__ import annotations

from typing import Any, Final

from avcer import __version__
from avcer.words import FORMATS

JOB: Final = "0123456789abcdef"
_EXAMPLE: Final = {
    "id": JOB, "name": "clip.mp4", "state": "running", "stage": "pictures", "done": 120, "total": 500, "eta_s": 4.2,
    "error": None,
}  # fmt: skip
CORRECTIONS: Final = {
    "format": "avcer-corrections", "version": 1,
    "splits": [{"face": 1, "time_s": 2.0, "into": 3}],
    "merged": {"2": 1},
    "names": {"1": "Anna", "3": "Cleo"},
    "segments": [
        {"face": 3, "start_s": 2.5, "end_s": 3.5, "label": "Anger"},
        {"face": None, "start_s": 4.0, "end_s": 5.0, "label": "Sadly Angry"},
    ],
    "markers": [{"time_s": 3.0, "text": "laughs"}],
}  # fmt: skip
"""What a person may say of a clip: an example, which docs/serve.md explains."""
_ERRORS: Final = {
    400: "the request cannot be read", 401: "no token, or a wrong one", 403: "not from here, or outside the root",
    404: "no such job or file", 408: "the client sent nothing for too long", 409: "the job is not done",
    412: "changed in between", 413: "too large", 415: "a form instead of the file", 416: "a Range beyond the end",
    422: "options or a document that are none",
    429: "full; Retry-After says when to try again",
}  # fmt: skip
_FILE: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def document() -> dict[str, Any]:
    """The document, as JSON."""
    health = _json(_object(status="string", version="string"), {"status": "ok", "version": __version__})
    told = "Whether the service runs; needs no token"
    paths = {"/api/health": {"get": _operation(told, health, secured=False)}}
    for path, method, operation in _operations():
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "avcer", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"},
            "description": "Video with people in it becomes a timeline of basic and compound emotions.",
        },
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "avcer"},
            },
            "schemas": {
                "Job": _job(),
                "Error": _object(error="string"),
            },
        },
    }  # fmt: skip


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    one, results = "/api/jobs/{job}", "/api/jobs/{job}/results"
    job, anything = {"$ref": "#/components/schemas/Job"}, {"type": "object"}
    listed = _json({"type": "array", "items": job}, [_EXAMPLE])
    names = _json({"type": "array", "items": {"type": "string"}}, ["analysis.json", "compound.csv"])
    alone = {**_object(path="string"), "additionalProperties": False}
    sent = {"required": True, "content": {**_FILE, **_json(alone, {"path": "day1/clip.mp4"})}}
    corrections = {"required": True, "content": _json(_corrections(), CORRECTIONS)}
    with_them = _json(
        _object(corrections="object", segments="array"),
        {
            "corrections": CORRECTIONS,
            "segments": [[3, 2.5, 3.5, "Anger", "basic", 1.0, True]],
        },
    )
    text = {"type": "string"}
    return [
        ("/api/openapi.json", "get", _operation("This document", _json(anything))),
        ("/api/formats", "get", _operation("The words of --formats", _json(anything))),
        ("/api/jobs", "get", _operation("All jobs, the oldest first", listed)),
        ("/api/jobs", "post", {
            **_operation("A new job: the clip as the body, or the path of one below the root",
                         _json(_object(id="string"), {"id": JOB}), 202, (400, 403, 404, 408, 413, 415, 422, 429)),
            "parameters": [_query("name", text, "clip.mp4"), _query("options", text, '{"setting": "fast"}')],
            "requestBody": sent,
        }),
        (one, "get", _operation("One job", _json(job, _EXAMPLE), errors=(404,), job=True)),
        (one, "delete", _operation("Cancels the job, and removes it", {}, 204, (404,), job=True)),
        (f"{one}/events", "get", _operation("Its changes, as server-sent events; Last-Event-ID is heeded",
                                            {"text/event-stream": {"schema": text}}, errors=(404,), job=True)),
        (f"{one}/clip", "get", _operation("The clip, with ranges", _FILE, errors=(400, 404, 416), job=True)),
        (results, "get", _operation("The names of its files", names, errors=(404, 409), job=True)),
        (f"{results}/{{name}}", "get", {
            **_operation("A file, or any word of --formats, made now; several files come in a zip", _FILE,
                         errors=(400, 404, 409, 416), job=True),
            "parameters": [_job_parameter(), _path("name", "compound.csv", f"a file, or {', '.join(FORMATS)}")],
        }),
        (f"{one}/studio", "get", _operation("What the studio draws", _FILE, errors=(400, 404, 409), job=True)),
        (f"{one}/corrections", "get", _operation("What a person said", with_them, errors=(404, 409), job=True)),
        (f"{one}/corrections", "put", {
            **_operation("Says it, in the place of what was said before", with_them,
                         errors=(404, 409, 412, 413, 422), job=True),
            "requestBody": corrections,
        }),
        (f"{one}/agreement", "get", _operation("How person and machine agree", _json(anything),
                                               errors=(400, 404, 409), job=True)),
        (f"{one}/copy", "post", _operation("Makes a copy that browsers play", _json(anything), 202, (404, 409),
                                           job=True)),
        (f"{one}/copy", "get", _operation("How far the copy is", _json(anything), errors=(404, 409), job=True)),
        (f"{one}/copy/video", "get", _operation("The copy, with ranges", _FILE, errors=(400, 404, 409, 416), job=True)),
    ]  # fmt: skip


def _operation(
    summary: str,
    content: dict[str, Any],
    status: int = 200,
    errors: tuple[int, ...] = (),
    job: bool = False,
    secured: bool = True,
) -> dict[str, Any]:
    told = {"description": summary, **({"content": content} if content else {})}
    codes = (*((401, 403) if secured else (403,)), *errors)
    made: dict[str, Any] = {
        "summary": summary,
        "responses": {
            str(status): told,
            **{str(code): {"description": _ERRORS[code], "content": _error(code)} for code in sorted(set(codes))},
        },
    }
    if job:
        made["parameters"] = [_job_parameter()]
    if not secured:
        made["security"] = []
    return made


def _job() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": list(_EXAMPLE),
        "properties": {
            "id": {"type": "string"}, "name": {"type": "string"},
            "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]}, "stage": {"type": "string"},
            "done": number, "total": {**number, "description": "0: not known"},
            "eta_s": {"type": ["number", "null"]}, "error": {"type": ["string", "null"]},
        },
    }  # fmt: skip


def _corrections() -> dict[str, Any]:
    face, time = {"type": "integer", "minimum": 0}, {"type": "number", "description": "seconds of the file's own clock"}
    text = {"type": "string", "minLength": 1}

    def listed(**properties: Any) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {
                "type": "object", "required": list(properties), "additionalProperties": False, "properties": properties,
            },
        }  # fmt: skip

    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["format", "version"],
        "properties": {
            "format": {"const": "avcer-corrections"}, "version": {"const": 1},
            "splits": listed(face=face, time_s=time, into=face),
            "merged": {"type": "object", "additionalProperties": face},
            "names": {"type": "object", "additionalProperties": text},
            "segments": listed(face={**face, "type": ["integer", "null"]}, start_s=time, end_s=time, label=text),
            "markers": listed(time_s=time, text=text),
        },
    }  # fmt: skip


def _object(**kinds: str) -> dict[str, Any]:
    properties = {name: {"type": kind} for name, kind in kinds.items()}
    return {"type": "object", "required": list(kinds), "properties": properties}


def _json(schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": schema, **({} if example is None else {"example": example})}}


def _error(code: int) -> dict[str, Any]:
    return _json({"$ref": "#/components/schemas/Error"}, {"error": _ERRORS[code]})


def _job_parameter() -> dict[str, Any]:
    return _path("job", JOB, "the id of a job")


def _path(name: str, example: str, told: str) -> dict[str, Any]:
    return {
        "name": name, "in": "path", "required": True, "description": told, "schema": {"type": "string"},
        "example": example,
    }  # fmt: skip


def _query(name: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "example": example}
