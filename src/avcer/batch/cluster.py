"""The same jobs on a Ray cluster: seats (actors) on its machines, each with a worker process of its own.

Ray carries jobs and outcomes; the record decides. Ray itself retries nothing: a seat that is lost counts as a worker
that died, a new one takes its place, and the engine tries the clip once more, alone. All machines must see the clips
and the folder of the results under the same paths. Usage statistics and dashboard are off.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Iterable
from threading import Event
from time import monotonic
from typing import Any, Final

from avcer.batch.child import Job, Outcome, Setup, Worker
from avcer.batch.executor import Finished, Listener
from avcer.errors import AvcerError, MissingExtraError, UsageError

PLACE_S: Final = 300.0
"""The longest wait for the first seat: a cluster without a free processor is said to be full."""
ANSWER_S: Final = 10.0
"""The longest wait for the cluster's head to answer."""
STARTS: Final = 3
"""Ray gives a machine 30 s to start it, which is not enough where there is much other work."""
SEATS_LOST: Final = 20
"""So many seats lost one after another without a clip done between: the cluster is not usable."""


class RayExecutor:
    """``workers`` seats on the cluster at ``address``, or on this machine where it is None.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: no cluster answers, it has no processor free, or no worker can start with these options.
    """

    def __init__(self, setup: Setup, workers: int, timeout_s: float | None, address: str | None) -> None:
        self._ray = _connect(address)
        self._setup, self._timeout_s = setup, timeout_s
        actor: Any = self._ray.remote(_Seat)
        threads = int(setup.options.get("threads") or 1)
        self._seat = actor.options(num_cpus=threads, max_restarts=0, max_task_retries=0)
        self._seats = [self._seat.remote(self._setup) for _ in range(workers)]

    def identity(self) -> dict[str, Any]:
        """See ``Executor``."""
        answer = self._seats[0].identity.remote()
        if not self._ray.wait([answer], timeout=PLACE_S)[0]:
            raise UsageError(
                f"Ray has no processor free for {PLACE_S:g} s; wait, or ask for fewer --workers or --threads"
            )
        try:
            identity: dict[str, Any] = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise UsageError(str(cause) if isinstance(cause, AvcerError) else f"Ray: {cause}") from error
        except self._ray.exceptions.RayError as error:
            raise UsageError(
                f"Ray cannot start a worker ({_line(error)}); is avcer installed on its machines?"
            ) from error
        return identity

    def run(self, jobs: Iterable[Job], listener: Listener, alone: bool = False) -> None:
        """See ``Executor``. Every job that was handed out comes back, with its outcome or as one whose worker died."""
        waiting = deque(jobs)
        free = list(range(1 if alone else len(self._seats)))
        at_work: dict[Any, tuple[int, Job, float]] = {}
        lost = 0
        while waiting or at_work:
            while waiting and free:
                seat, job = free.pop(), waiting.popleft()
                listener.started(job)
                at_work[self._seats[seat].work.remote(job, self._timeout_s)] = (seat, job, monotonic())
            for answer in self._ray.wait(list(at_work), num_returns=1, timeout=None)[0]:
                seat, job, begun_s = at_work.pop(answer)
                outcome, gone = self._outcome(answer, job)
                if gone:
                    lost += 1
                    self._seats[seat] = self._seat.remote(self._setup)
                    if lost > SEATS_LOST:
                        raise UsageError(f"Ray lost {lost} workers without a clip done between; look at the cluster")
                else:
                    lost = 0
                listener.finished(Finished(job, outcome, monotonic() - begun_s))
                free.append(seat)

    def close(self) -> None:
        """Ends all seats, and Ray where it was started for this batch."""
        for seat in self._seats:
            self._ray.kill(seat)
        self._ray.shutdown()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _outcome(self, answer: Any, job: Job) -> tuple[Outcome, bool]:
        """How the job ended, and whether its seat is gone."""
        try:
            outcome: Outcome = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            return Outcome("failed", f"{job.path}: {_line(error.cause)}"), False
        except self._ray.exceptions.RayError as error:
            return Outcome(
                "died", f"{job.path}: its machine or worker was lost ({_line(error)}); look at the cluster"
            ), True
        return outcome, False


class _Seat:
    """An actor: one worker process on some machine of the cluster."""

    def __init__(self, setup: Setup) -> None:
        self._worker = Worker(setup)
        self._never = Event()

    def identity(self) -> dict[str, Any]:
        """What the results of its worker depend on."""
        identity: dict[str, Any] = self._worker.start(self._never).get("identity", {})
        return identity

    def work(self, job: Job, timeout_s: float | None) -> Outcome:
        """Has one clip analysed by the worker."""
        return self._worker.run(job, timeout_s, self._never, lambda *_: None)


def _connect(address: str | None) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import: Ray reports its use by default
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError('--engine ray needs Ray: pip install "avcer[ray]"') from error
    if address:
        _check_answers(address)
    else:
        # A cluster of our own gets a token of its own: else Ray keeps one in the user's home.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    for left in reversed(range(1 if address else STARTS)):
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
            break
        except Exception as error:  # Ray raises plain ones, too
            ray.shutdown()
            if not left:
                raise UsageError(_not_started(address, error)) from error
    return ray


def _not_started(address: str | None, error: Exception) -> str:
    if address:
        return f"no Ray cluster at {address} ({_line(error)}); start one with: ray start --head"
    remedy = "try again when the machine has less to do, or leave --engine out"
    return f"Ray does not start here ({_line(error)}); {remedy}"


def _check_answers(address: str) -> None:
    """Ray itself looks for a cluster that is not there for seven minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or a name that Ray resolves
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER_S):
            pass
    except OSError as error:
        raise UsageError(f"no Ray cluster at {address} ({error}); start one with: ray start --head") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
