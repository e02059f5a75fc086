"""Starts the service and serves until it is interrupted."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

import uvicorn

from avcer.errors import UsageError
from avcer.serve.app import Service, make_app
from avcer.serve.door import is_loopback
from avcer.serve.jobs import Jobs
from avcer.serve.live import MOST_BYTES
from avcer.serve.runner import Runner


def serve(
    host: str, port: int, *, root: Path | None, folder: Path, workers: int, threads: int | None, token: str | None,
    most_bytes: int, keep_hours: float,
) -> None:  # fmt: skip
    """Prints the address with the token, and serves.

    Raises:
        UsageError: the address is refused or in use.
    """
    if not is_loopback(host) and not token:
        raise UsageError(f"--host {host} lets other machines in; give a --token of your own with it")
    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: not a folder; give one that is there")
    token = token or secrets.token_urlsafe(24)
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise UsageError(f"--host {host} --port {port}: {error.strerror}; choose another --port") from error
    jobs = Jobs(folder)
    runner = Runner(jobs, workers, keep_hours)
    app = make_app(Service(jobs, runner, root, most_bytes, threads), token, is_loopback(host))
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
    )
    place = f"[{host}]" if ":" in host else host
    print(f"http://{place}:{door.getsockname()[1]}/?token={token}", flush=True)
    try:
        uvicorn.Server(settings).run(sockets=[door])
    finally:
        runner.close()
        jobs.close()
        door.close()
