"""What the studio is told of one result: its columns, what a person says of it, and how person and machine agree.

An analysis and the formats are imported by the first call, not before: see ``app``.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from avcer.errors import InputError
from avcer.parsing import json_of
from avcer.serve.results import forget_exports

if TYPE_CHECKING:
    from avcer.analysis import Analysis
    from avcer.output.corrections import Corrections


def packed(row: dict[str, Any], results: Path) -> bytes:
    """What the studio draws of a job, see ``columns``."""
    from avcer.serve.columns import pack

    analysis = analysis_of(results)
    return pack(analysis, row["name"], _first_s(row, analysis))


def _first_s(row: dict[str, Any], analysis: Analysis) -> float:
    """When the clip's first frame is shown, by the file's clock: a player's clock is found by it."""
    from avcer.media import Pictures

    options = json.loads(row["options"])
    if options.get("start"):
        try:
            return next(iter(Pictures(row["clip"], track=options.get("video_track")))).time_s
        except (InputError, StopIteration):
            return analysis.clip.start_s
    return float(analysis.times_s[0]) if len(analysis.times_s) else analysis.clip.start_s


def told(results: Path) -> tuple[dict[str, Any], str]:
    """The corrections, and every segment as it is with them; and the tag of this state."""
    from avcer.output.corrections import as_document, corrected, read_corrections

    tag, said = tag_of(results), read_corrections(results)
    rows = [
        [one.face, one.start_s, one.end_s, one.label, one.kind, one.probability, by_person]
        for one, by_person in corrected(analysis_of(results).segments, said)
    ]
    return {"corrections": as_document(said), "segments": rows}, tag


def say(body: bytes, known: str | None, results: Path, writing: Lock) -> tuple[dict[str, Any], str]:
    """Stores corrections, and gives what is then ``told``; 422 if they are none, or not of this clip, 412 where
    ``known``, the tags of the request's If-Match, does not hold the tag of what is there.
    """
    from avcer.output.corrections import Corrections, write_corrections

    said = _parsed(body)
    with writing:
        if known is not None and not {"*", tag_of(results)} & {tag.strip() for tag in known.split(",")}:
            raise HTTPException(412, "the corrections have been changed elsewhere; load them again")
        if said != Corrections():  # to take everything back, nothing need be known
            said = _fitted(said, results)
        write_corrections(said, results)
        forget_exports(results)
        return told(results)


def _parsed(body: bytes) -> Corrections:
    from avcer.output.corrections import parse_corrections

    try:
        return parse_corrections(json_of(body), strict=True)
    except json.JSONDecodeError as error:
        reason = f"it is no JSON, see its line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        reason = "it is no JSON in UTF-8"
    except ValueError as error:
        reason = str(error)
    raise HTTPException(422, f"the body is no corrections ({reason}); see docs/serve.md, Corrections")


def _fitted(said: Corrections, results: Path) -> Corrections:
    """The corrections, as they are kept of this clip."""
    from avcer.output.corrections import Corrections, read_corrections
    from avcer.serve.fitting import fitted

    try:
        before = read_corrections(results)
    except InputError:  # damaged: what is said now takes its place
        before = Corrections()
    try:
        return fitted(said, before, analysis_of(results))
    except ValueError as error:
        raise HTTPException(422, f"the corrections are not of this clip ({error}); see docs/serve.md") from error


def agreement(results: Path) -> dict[str, Any]:
    """How person and machine agree."""
    from avcer.output.agreement import agreement as agreement_of
    from avcer.output.corrections import read_corrections

    found = agreement_of(analysis_of(results).segments, read_corrections(results))
    return {
        "judged_s": found.judged_s, "agreement": found.share, "kappa": found.kappa, "labels": found.labels,
        "machine_by_person_s": found.seconds.round(6).tolist(),
    }  # fmt: skip


@lru_cache(maxsize=2)
def _loaded(folder: Path, changed_ns: int) -> Analysis:
    from avcer.analysis import Analysis

    return Analysis.load(folder)


def analysis_of(results: Path) -> Analysis:
    """The analysis in a folder of results; the last two are kept."""
    try:
        return _loaded(results, (results / "analysis.json").stat().st_mtime_ns)
    except OSError as error:
        raise InputError("the results hold no analysis.json; analyse the clip again") from error


def tag_of(results: Path) -> str:
    """Tells one state of the corrections from another."""
    from avcer.output.corrections import FILE

    path = results / FILE
    return f'"{hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()[:32]}"'
