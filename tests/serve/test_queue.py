"""The queue of the service when the disk, the system or the clock is against it."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from avcer.errors import UsageError
from avcer.serve import copy, runner
from avcer.serve.copy import Copies
from avcer.serve.jobs import Jobs
from house import House


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path / "jobs")
    yield made
    made.close()


def test_a_fault_of_the_disk_does_not_end_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([sqlite3.OperationalError("database or disk is full")])
    take = Jobs.take

    def once_full(jobs: Jobs) -> dict[str, Any] | None:
        for fault in faults:
            raise fault
        return take(jobs)

    monkeypatch.setattr(Jobs, "take", once_full)
    monkeypatch.setattr(runner, "_PAUSE_S", 0.01)
    house = House(tmp_path)
    try:
        assert house.wait(house.send(b"video"), "done", "failed")["state"] == "done"
    finally:
        house.close()


def test_a_process_that_cannot_start_fails_its_job_alone(tmp_path: Path) -> None:
    house = House(tmp_path, command=(str(tmp_path / "no such program"),))
    try:
        for _ in range(2):
            failed = house.wait(house.send(b"video"), "done", "failed")
            assert failed["state"] == "failed"
            assert "No such file" in failed["error"]
    finally:
        house.close()


def test_jobs_are_kept_from_their_end_on(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.add("long", "talk.mp4", tmp_path / "talk.mp4", {})
    queued_s = time.time()
    monkeypatch.setattr(time, "time", lambda: queued_s + 25 * 3600)
    jobs.end("long", "done")
    jobs.remove_older(24)
    assert jobs.get("long")
    monkeypatch.setattr(time, "time", lambda: queued_s + 50 * 3600)
    jobs.remove_older(24)
    assert not jobs.get("long")


def test_a_table_of_before(tmp_path: Path) -> None:
    """Jobs of an earlier version, whose table did not tell when they ended, go by when they were sent."""
    (tmp_path / "jobs").mkdir()
    base = sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite")
    columns = "id TEXT PRIMARY KEY, name TEXT, clip TEXT, options TEXT, state TEXT, stage TEXT DEFAULT '', "
    columns += "done INTEGER DEFAULT 0, total INTEGER DEFAULT 0, error TEXT DEFAULT '', created REAL, "
    base.execute(f"CREATE TABLE jobs ({columns} started REAL DEFAULT 0, version INTEGER DEFAULT 1)")
    row = "INSERT INTO jobs (id, name, clip, options, state, created) VALUES (?, 'a.mp4', 'a.mp4', '{}', 'done', ?)"
    base.execute(row, ("old", time.time() - 90_000))
    base.execute(row, ("new", time.time()))
    base.commit()
    base.close()
    jobs = Jobs(tmp_path / "jobs")
    jobs.remove_older(24)
    assert [row["id"] for row in jobs.all()] == ["new"]
    jobs.close()


def test_a_second_service_on_one_folder(jobs: Jobs, tmp_path: Path) -> None:
    """It would remove the upload that is coming in, and run the job that is running."""
    upload = jobs.place(jobs.new_id())
    upload.mkdir()
    with pytest.raises(UsageError, match=r"another avcer serve .*--jobs"):
        Jobs(tmp_path / "jobs")
    assert upload.exists()
    jobs.close()
    Jobs(tmp_path / "jobs").close()


class TestCopies:
    def made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> copy.Copy:
        """What becomes of a copy that this command makes."""
        monkeypatch.setattr(copy, "COMMAND", command)
        copies = Copies()
        copies.start("ab", tmp_path / "clip.mp4", tmp_path, (None, None))
        for _ in range(200):
            state = copies.state("ab", tmp_path)
            assert state is not None
            if state.state != "making":
                return state
            time.sleep(0.05)
        raise AssertionError("it is still being made")

    def test_a_process_that_cannot_start(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = self.made(tmp_path, monkeypatch, (str(tmp_path / "no such program"),))
        assert failed.state == "failed"
        assert "No such file" in str(failed.error)

    def test_a_library_that_prints(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it prints is not taken for a report."""
        code = (
            "import sys; from avcer.serve import copy; import avcer.media.playable as playable\n"
            "def chatty(*_): print('hello'); sys.stdout.flush()\n"
            "playable.write_playable = chatty; sys.exit(copy.main(sys.argv[1:]))"
        )
        assert self.made(tmp_path, monkeypatch, (sys.executable, "-c", code)).state == "done"

    def test_a_process_that_ends_slowly(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its input stays open after its last report: it would take an end for the service's, and fail."""
        code = (
            "import sys, time; from avcer.serve import copy; import avcer.media.playable as playable\n"
            "playable.write_playable = lambda *_: None; made = copy.main(sys.argv[1:])\n"
            "time.sleep(0.5); sys.exit(made)"
        )
        assert self.made(tmp_path, monkeypatch, (sys.executable, "-c", code)).state == "done"
