"""What a worker does with a job, without its process."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from avcer.batch import worker
from avcer.options import Options


def test_progress_is_told_at_once_and_then_no_more_often_than_so(monkeypatch: pytest.MonkeyPatch) -> None:
    times_s = iter([100.0, 100.125, 100.25, 100.375, 100.5])
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(times_s)))
    monkeypatch.setattr(worker, "REPORT_EVERY_S", 0.25)
    answers = io.StringIO()
    tell = worker._Reporter(answers)
    for done in range(5):
        tell("sound", done, 9)
    told = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert told == [{"stage": "sound", "done": done, "total": 9} for done in (0, 2, 4)]


@pytest.mark.parametrize(
    ("start_s", "end_s", "part"),
    [
        (None, None, None),
        (2.0, None, (2.0, 9.0)),
        (0.0, None, (0.0, 9.0)),
        (None, 3.0, (1.0, 3.0)),
        (2.0, 3.0, (2.0, 3.0)),
    ],
)
def test_a_job_names_a_part_of_its_clip_or_else_the_options_do(
    start_s: float | None, end_s: float | None, part: tuple[float, float] | None
) -> None:
    analyzer: Any = SimpleNamespace(options=Options(start=1.0, end=9.0), for_part=lambda *span: span)
    found = worker._for_part(analyzer, {"start_s": start_s, "end_s": end_s})
    assert found == (part or analyzer)
