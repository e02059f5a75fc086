"""Clips one by one in a worker, whose process is that of ``fake_worker.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from avcer.batch import child
from avcer.batch.child import Job, Setup, Worker
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


SCRIPT = """
import json, sys, time
print(json.dumps({"state": "ready"}), flush=True)
sys.stdin.readline()
for line in sys.stdin:
    for number in range(8):
        time.sleep(0.15)
        print(json.dumps({"stage": "sound", "done": number, "total": 8}), flush=True)
    print("the log begins", file=sys.stderr)
    print("x" * 5000 + "y" * 400, file=sys.stderr)
    print("  ", file=sys.stderr, flush=True)
    if json.loads(line)["path"].endswith("bad.mp4"):
        sys.exit(4)
    print(json.dumps({"state": "done", "files": ["a.csv"]}), flush=True)
"""


@pytest.fixture
def slow_worker() -> Iterator[Worker]:
    """Reports eight times, in a little more than a second."""
    with Worker(Setup({}, (), (sys.executable, "-c", SCRIPT))) as one:
        yield one


def job(name: str = "a.mp4") -> Job:
    return Job("a", Path(name), Path("out"))


def test_a_worker_that_makes_progress_may_take_long_and_one_that_is_silent_is_ended(
    slow_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(child, "STALLED_S", 0.9)
    outcome = slow_worker.run(job(), None, Event(), lambda *said: told.append(said))
    assert (outcome.state, outcome.files) == ("done", ["a.csv"])
    assert told == [("sound", number, 8) for number in range(8)]
    monkeypatch.setattr(child, "STALLED_S", 0.03)
    outcome = slow_worker.run(job(), None, Event(), lambda *_: None)
    assert (outcome.state, slow_worker.pid) == ("late", None)
    assert "no progress for 0.03 s" in outcome.error


def test_a_time_limit_and_an_interrupt_end_the_worker(slow_worker: Worker) -> None:
    assert slow_worker.run(job(), 60.0, Event(), lambda *_: None).state == "done"
    outcome = slow_worker.run(job(), 0.3, Event(), lambda *_: None)
    assert (outcome.state, slow_worker.pid) == ("late", None)
    assert outcome.error == "a.mp4: took longer than 0.3 s; raise --timeout, or convert it"
    stop = Event()
    outcome = slow_worker.run(job(), None, stop, lambda *_: stop.set())
    assert (outcome.state, outcome.error, slow_worker.pid) == ("stopped", "interrupted", None)


def test_a_batch_that_is_stopped_before_a_worker_has_started_starts_none(slow_worker: Worker) -> None:
    stop = Event()
    stop.set()
    assert slow_worker.run(job(), None, stop, lambda *_: None).state == "stopped"
    assert slow_worker.pid is None


def test_the_last_words_of_a_worker_are_told_in_a_line(slow_worker: Worker) -> None:
    outcome = slow_worker.run(job("bad.mp4"), None, Event(), lambda *_: None)
    assert outcome.state == "died"
    assert "bad.mp4: its process ended with status 4 (" in outcome.error
    words = outcome.error.split("(")[1].split(")")[0]
    assert (len(words), set(words)) == (300, {"x"})


def test_a_worker_is_replaced_after_so_many_clips(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "JOBS_EACH", 2)
    pids = []
    for number in range(5):
        analyze_in(worker, clip(tmp_path, "ok"), tmp_path / str(number), no_progress)
        pids.append(worker.pid)
    assert [pids.index(pid) for pid in pids] == [0, 0, 2, 2, 4]
