"""What the routes share: the jobs, whoever runs them, and the limits."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Lock
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from avcer.serve.copy import Copies
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner

FREE: Final = 256 << 20
"""Bytes that stay free on the disk."""


class Service:
    """``root``: below which clips may be named by their path, None for none; ``most_bytes`` of an upload; ``threads``
    of each job and live analysis, None for the usual number; ``quota_bytes`` of all jobs, None for what the disk has.
    """

    def __init__(
        self, jobs: Jobs, runner: Runner, root: Path | None, most_bytes: int, threads: int | None,
        quota_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self.jobs, self.runner, self.most_bytes, self.threads = jobs, runner, most_bytes, threads
        self.quota_bytes = quota_bytes
        self.root = root.resolve() if root else None
        self.copies = Copies()
        self._writing: dict[str, Lock] = {}

    def row(self, job: str, done: bool = False) -> dict[str, Any]:
        """The job's row; 404 without one, 409 if it must be ``done`` and is not."""
        row = self.jobs.get(job)
        if row is None:
            raise HTTPException(404, f"no job {job!r}; GET /api/jobs lists them")
        if done and row["state"] != "done":
            raise HTTPException(409, f"the job is {row['state']}; results are there when it is done")
        return row

    def results(self, job: str) -> Path:
        """The folder of a job's results."""
        return self.jobs.place(job) / "results"

    def writing(self, job: str) -> Lock:
        """Whoever writes into a job's results holds this."""
        return self._writing.setdefault(job, Lock())

    def remove(self, job: str) -> None:
        """Ends a job and what is made of it, and removes it with its files."""
        self.copies.stop(job)
        self.runner.remove(job)
        self._writing.pop(job, None)

    def room(self, size: int) -> None:
        """429 unless so many bytes fit on the disk, and into what the jobs may take of it."""
        if self.quota_bytes is not None and self.jobs.size() + size > self.quota_bytes:
            line = f"the jobs take more than {self.quota_bytes} bytes; delete some, or raise --quota"
            raise HTTPException(429, line, {"Retry-After": "600"})
        if shutil.disk_usage(self.jobs.folder).free < size + FREE:
            raise HTTPException(429, "the disk is nearly full; delete jobs and try again", {"Retry-After": "600"})


def service_of(connection: HTTPConnection) -> Service:
    """The service that a request, or a WebSocket, is for."""
    service: Service = connection.app.state.service
    return service


def of_job(request: HTTPConnection, done: bool = False) -> tuple[Service, dict[str, Any]]:
    """The service, and the row of the job that the address names; see ``Service.row``."""
    service = service_of(request)
    return service, service.row(request.path_params["job"], done)
