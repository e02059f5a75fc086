"""The same batch on a real Ray, on this machine: poison clips neither hang nor vanish; and on a made-up one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avcer.batch import cluster
from avcer.batch.child import Job, Outcome, Setup
from avcer.batch.executor import Finished
from avcer.batch.run import BatchOptions, run_batch
from avcer.errors import MissingExtraError, UsageError
from avcer.options import Options

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
ON_RAY = BatchOptions(formats=("csv",), command=FAKE, engine="ray", workers=2, timeout_s=3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, at its start and end
def test_poison_clips_on_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    root = tmp_path / "in"
    root.mkdir()
    contents = {"a": "ok", "b": "kill", "c": "hang", "d": "fail", "e": "once", "f": "exit", "g": "ok"}
    for name, content in contents.items():
        (root / f"{name}.mp4").write_text(content)
    counts = run_batch([str(root)], tmp_path / "out", Options(), ON_RAY)
    assert (counts["done"], counts["failed"], counts["total"]) == (3, 4, 7)
    assert (tmp_path / "out" / "e" / "compound.csv").exists()
    again = run_batch([str(root)], tmp_path / "out", Options(), ON_RAY)
    assert again == counts


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(MissingExtraError, match=r"avcer\[ray\]"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), ON_RAY)


def test_no_cluster_at_the_address(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(UsageError, match="no Ray cluster"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), replace(ON_RAY, address="127.0.0.1:1"))


def test_a_ray_that_does_not_start_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra ray")

    tried = []

    def late(**_: object) -> None:
        tried.append(1)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", late)
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(UsageError, match=r"does not start here .*timed out.*leave --engine out"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), ON_RAY)
    assert len(tried) == 3


class Lost(Exception):  # noqa: N818 - in the place of Ray's RayError
    pass


class Raised(Lost):
    """In the place of Ray's RayTaskError."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(eq=False)
class Seat:
    """``work`` and ``identity`` answer with what they were asked, and the seat; ``Ray`` says what comes of it."""

    number: int

    def __post_init__(self) -> None:
        self.work = SimpleNamespace(remote=lambda job, timeout_s: (self, job, timeout_s))
        self.identity = SimpleNamespace(remote=lambda: (self, None, None))


class Ray:
    """A cluster that gives each job the outcome that ``what`` says of it, the one that was handed out last first."""

    exceptions = SimpleNamespace(RayError=Lost, RayTaskError=Raised)

    def __init__(self, what: Callable[[Any], Any], full: bool = False) -> None:
        self._what, self._full = what, full
        self.seats: list[Seat] = []
        self.asked: dict[str, Any] = {}
        self.at_work: list[int] = []
        self.killed: list[Seat] = []
        self.ended = False

    def remote(self, _: type) -> Ray:
        return self

    def options(self, **asked: Any) -> SimpleNamespace:
        self.asked = asked
        return SimpleNamespace(remote=self._seat)

    def _seat(self, _: Setup) -> Seat:
        self.seats.append(Seat(len(self.seats)))
        return self.seats[-1]

    def wait(self, answers: Sequence[Any], num_returns: int = 1, timeout: float | None = None) -> tuple[Any, Any]:
        assert num_returns == 1
        assert len({seat.number for seat, _, _ in answers}) == len(answers), "two jobs on one seat"
        self.at_work.append(len(answers))
        return ([], answers) if self._full and timeout else (list(answers[-1:]), answers[:-1])

    def get(self, answer: tuple[Seat, Job | None, float | None]) -> Any:
        found = self._what(answer[1])
        if isinstance(found, Exception):
            raise found
        return found

    def kill(self, seat: Seat) -> None:
        self.killed.append(seat)

    def shutdown(self) -> None:
        self.ended = True


class Told:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[Finished] = []

    def started(self, job: Job) -> None:
        self.begun.append(job.id)

    def finished(self, done: Finished) -> None:
        self.ended.append(done)


def jobs(*names: str) -> list[Job]:
    return [Job(name, Path(f"{name}.mp4"), Path(name)) for name in names]


def executor(ray: Ray, monkeypatch: pytest.MonkeyPatch, workers: int = 2, **options: Any) -> cluster.RayExecutor:
    monkeypatch.setattr(cluster, "_connect", lambda _: ray)
    return cluster.RayExecutor(Setup(options, ()), workers, 5.0, None)


@pytest.mark.parametrize(("alone", "at_once"), [(False, 2), (True, 1)])
def test_every_job_comes_back_and_each_seat_has_one_at_a_time(
    alone: bool, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray, told = Ray(lambda job: Outcome("done", job.id)), Told()
    with executor(ray, monkeypatch) as seats:
        seats.run(jobs("a", "b", "c", "d", "e"), told, alone)
    assert told.begun == ["a", "b", "c", "d", "e"]
    assert sorted(done.outcome.error for done in told.ended) == ["a", "b", "c", "d", "e"]
    assert all(done.outcome.error == done.job.id and 0 <= done.seconds < 60 for done in told.ended)
    assert max(ray.at_work) == at_once
    assert (ray.killed, ray.ended) == (ray.seats, True)


def test_a_seat_has_as_many_processors_as_its_worker_has_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray(lambda _: None)
    executor(ray, monkeypatch, workers=3, threads=4)
    assert (len(ray.seats), ray.asked) == (3, {"num_cpus": 4, "max_restarts": 0, "max_task_retries": 0})
    executor(ray, monkeypatch, threads=None)
    assert ray.asked["num_cpus"] == 1


def test_a_seat_that_is_lost_is_replaced_and_an_error_costs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = {"a": Lost("node\ndied"), "b": Raised(ValueError("no such")), "c": Outcome("done")}
    ray, told = Ray(lambda job: outcomes[job.id]), Told()
    executor(ray, monkeypatch, workers=1).run(jobs("a", "b", "c"), told)
    assert [done.outcome.state for done in told.ended] == ["died", "failed", "done"]
    assert "a.mp4: its machine or worker was lost (node died)" in told.ended[0].outcome.error
    assert told.ended[1].outcome.error == "b.mp4: no such"
    assert len(ray.seats) == 2


def test_a_cluster_that_loses_one_seat_after_another_is_given_up_unless_clips_are_done_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = [f"lost{number}" for number in range(cluster.SEATS_LOST)]
    ray = Ray(lambda job: Outcome("done") if job.id == "good" else Lost("gone"))
    told = Told()
    executor(ray, monkeypatch, workers=1).run(jobs(*lost, "good", *lost), told)
    assert len(told.ended) == 2 * len(lost) + 1
    with pytest.raises(UsageError, match="Ray lost 21 workers without a clip done"):
        executor(ray, monkeypatch, workers=1).run(jobs(*lost, "one more"), told)


def test_what_its_workers_say_of_themselves_or_why_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert executor(Ray(lambda _: {"version": "1"}), monkeypatch).identity() == {"version": "1"}
    for ray, told in (
        (Ray(lambda _: {}, full=True), "no processor free for 300 s"),
        (Ray(lambda _: Raised(UsageError("models must be mini"))), "^models must be mini$"),
        (Ray(lambda _: Raised(ValueError("odd"))), "^Ray: odd$"),
        (Ray(lambda _: Lost("no python")), r"cannot start a worker \(no python\)"),
    ):
        with pytest.raises(UsageError, match=told):
            executor(ray, monkeypatch).identity()
