"""Clips one by one in a worker, whose process is that of ``fake_worker.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from avcer.batch.child import Setup, Worker
from avcer.batch.each import analyze_in
from avcer.errors import InputError, UsageError
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


DIES_AT_FIRST = """
import pathlib, json, os, signal, sys
tries = pathlib.Path(sys.argv[1])
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
if len(tries.read_text()) <= int(sys.argv[2]):
    os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps({"state": "ready", "identity": {"tries": len(tries.read_text())}}), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("deaths", [0, 4])
def test_a_worker_that_is_killed_while_it_starts_is_started_five_times(deaths: int, tmp_path: Path) -> None:
    command = (sys.executable, "-c", DIES_AT_FIRST, str(tmp_path / "tries"), str(deaths))
    with Worker(Setup({}, (), command)) as one:
        assert one.pid is None
        assert one.start(Event())["identity"] == {"tries": deaths + 1}
        assert one.pid is not None
        pid = one.pid
        one.start(Event())
        assert one.pid == pid
    assert one.pid is None


def test_a_worker_that_never_starts_is_given_up_and_one_that_is_not_wanted_is_not_started(tmp_path: Path) -> None:
    with Worker(Setup({}, (), (sys.executable, "-c", DIES_AT_FIRST, str(tmp_path / "tries"), "9"))) as one:
        stop = Event()
        stop.set()
        assert one.start(stop) == {}
        with pytest.raises(UsageError, match=r"no worker can start: its process was killed \(SIGKILL\)"):
            one.start(Event())
    assert (tmp_path / "tries").read_text() == "xxxxx"
