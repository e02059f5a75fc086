"""Requests at random against the service, made by schemathesis from its OpenAPI document: none may be answered by 500.

    pip install schemathesis
    python benchmarks/requests_at_random.py [--examples 50]

One job of a made-up analysis is done; what is sent as further clips is queued, and analysed by nobody. The exit status
is 0 only where no answer was a fault of the service.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from threading import Thread

import uvicorn

from avcer.options import Options
from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.openapi import JOB
from avcer.serve.runner import Runner
from avcer.serve.service import Service
from documents import made_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, socket.socket() as door:
        jobs = Jobs(Path(place) / "jobs")
        clip = jobs.place(JOB) / "clip.mp4"
        analysis = made_up(0.2, "open", worst=False)
        replace(analysis, clip=replace(analysis.clip, path=clip)).save(jobs.place(JOB) / "results", ["csv", "json"])
        clip.write_bytes(b"no clip")
        jobs.add(JOB, "clip.mp4", clip, Options().to_dict(), "done")
        runner = Runner(jobs, workers=0)
        app = make_app(Service(jobs, runner, Path(place), 1 << 20, 1), "secret")
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = Thread(target=lambda: server.run(sockets=[door]), daemon=True)
        thread.start()
        words = [
            "run", f"http://127.0.0.1:{door.getsockname()[1]}/api/openapi.json", "--header",
            "Authorization: Bearer secret", "--checks", "not_a_server_error", "--max-examples", str(chosen.examples),
            "--exclude-method", "DELETE", "--seed", "0",
        ]  # fmt: skip
        status = subprocess.run([sys.executable, "-m", "schemathesis.cli", *words], check=False).returncode
        server.should_exit = True
        thread.join(20)
        runner.close()
        jobs.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
