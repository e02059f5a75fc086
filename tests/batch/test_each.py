"""Clips one by one in a worker, whose process is that of ``fake_worker.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from avcer.batch.child import Setup, Worker
from avcer.batch.each import analyze_in
from avcer.errors import InputError
from avcer.types import no_progress


@pytest.fixture
def worker() -> Iterator[Worker]:
    command = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
    with Worker(Setup({}, ("csv",), command)) as one:
        yield one


def clip(folder: Path, text: str) -> Path:
    path = folder / "clip.mp4"
    path.write_text(text)
    return path


def test_a_clip_whose_worker_died_is_tried_once_more(worker: Worker, tmp_path: Path) -> None:
    outcome = analyze_in(worker, clip(tmp_path, "once"), tmp_path / "out", no_progress)
    assert outcome.state == "done"
    assert (tmp_path / "clip.tried").exists()
    assert (tmp_path / "out" / "compound.csv").exists()


def test_a_clip_that_always_kills_its_worker_is_an_error_and_the_next_one_goes_on(
    worker: Worker, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="SIGKILL"):
        analyze_in(worker, clip(tmp_path, "kill"), tmp_path / "out", no_progress)
    assert analyze_in(worker, clip(tmp_path, "ok"), tmp_path / "next", no_progress).state == "done"
