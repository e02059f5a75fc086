"""The service in this process, with workers that have no models, and two who call: one with the token, one without."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service

FAKE = (sys.executable, str(Path(__file__).with_name("batch") / "fake_worker.py"))
BEARER = {"Authorization": "Bearer secret"}
ADDRESS = "http://127.0.0.1:8765"


class House:
    """``largest``: bytes of an upload; ``quota``: of all jobs. With ``strict``, a fault of the service is raised."""

    def __init__(
        self,
        folder: Path,
        command: tuple[str, ...] = FAKE,
        workers: int = 1,
        largest: int = 1000,
        quota: int | None = None,
        strict: bool = True,
    ) -> None:
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.jobs = Jobs(folder / "jobs")
        self.runner = Runner(self.jobs, workers, command=command)
        self.app = make_app(Service(self.jobs, self.runner, self.root, largest, 1, quota), "secret")
        self.anyone = TestClient(self.app, ADDRESS, follow_redirects=False)
        self.client = TestClient(self.app, ADDRESS, headers=BEARER, raise_server_exceptions=strict)

    def send(self, body: bytes, name: str = "clip.mp4") -> str:
        """Uploads a clip; the id of its job."""
        answer = self.client.post("/api/jobs", params={"name": name}, content=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def wait(self, job: str, *states: str) -> dict[str, Any]:
        """The job as soon as it is in one of the states."""
        for _ in range(600):
            shown: dict[str, Any] = self.client.get(f"/api/jobs/{job}").json()
            if shown["state"] in states:
                return shown
            time.sleep(0.1)
        raise AssertionError(shown)

    def close(self) -> None:
        """Ends the workers."""
        self.runner.close()
        self.jobs.close()
