"""Starts the service and serves until it is interrupted."""

from __future__ import annotations

import errno
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import uvicorn

from avcer.errors import UsageError
from avcer.serve.app import make_app
from avcer.serve.door import is_loopback
from avcer.serve.jobs import Jobs
from avcer.serve.live import MOST_BYTES
from avcer.serve.runner import Runner
from avcer.serve.service import Service

LAST_PORT: Final = 65535


@dataclass(frozen=True)
class Settings:
    """How to serve: the address to listen at (port 0 for a free one); below which ``root`` clips may be named by their
    path, None for none; the ``folder`` of the jobs; jobs at once, and threads of each; the token, None for a random
    one; the most bytes of an upload, and of all jobs (None for what the disk holds); hours that jobs stay.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    root: Path | None = None
    folder: Path = Path("avcer-jobs")
    workers: int = 1
    threads: int | None = None
    token: str | None = None
    most_bytes: int = 4 << 30
    quota_bytes: int | None = None
    keep_hours: float = 24.0


def serve(settings: Settings) -> None:
    """Prints the address with the token, and serves.

    Raises:
        UsageError: the address is refused or in use.
        KeyboardInterrupt: it was ended so; the jobs go on with the next server.
    """
    _check(settings)
    host, root = settings.host, settings.root
    token = settings.token or secrets.token_urlsafe(24)
    door = _door(host, settings.port)
    jobs = Jobs(settings.folder)
    runner = Runner(jobs, settings.workers, settings.keep_hours)
    service = Service(jobs, runner, root, settings.most_bytes, settings.threads, settings.quota_bytes)
    config = uvicorn.Config(
        make_app(service, token, is_loopback(host)), log_level="warning", access_log=False, lifespan="off",
        timeout_graceful_shutdown=2, ws="websockets-sansio", ws_max_size=MOST_BYTES,
    )  # fmt: skip
    place = f"[{host}]" if ":" in host else host
    door.listen(128)  # before the address is told: who reads it may come at once
    print(f"http://{place}:{door.getsockname()[1]}/?token={quote(token, safe='')}", flush=True)
    try:
        uvicorn.Server(config).run(sockets=[door])
    finally:
        runner.close()
        jobs.close()
        door.close()


def _check(settings: Settings) -> None:
    """Raises UsageError for settings that cannot be meant."""
    host, token, root = settings.host, settings.token, settings.root
    if not 0 <= settings.port <= LAST_PORT:
        raise UsageError(f"--port {settings.port}: must be 0 (a free one) to {LAST_PORT}; choose another --port")
    if token is not None and not token.strip():
        raise UsageError("--token is empty; give a word that nobody can guess, or leave it out for a random one")
    if not is_loopback(host) and token is None:
        raise UsageError(f"--host {host} lets other machines in; give a --token of your own with it")
    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: not a folder; give one that is there")
    if not settings.keep_hours >= 0:  # no number either
        raise UsageError(f"--keep {settings.keep_hours:g}: must be 0 hours or more; give how long ended jobs stay")


def _door(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address; UsageError where none can be."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except (OSError, UnicodeError) as error:
        door.close()
        if isinstance(error, UnicodeError | socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            told = f"--host {host}: no address of this machine; give one, such as 127.0.0.1, or 0.0.0.0 for all"
        else:
            told = f"--host {host} --port {port}: {error.strerror}; choose another --port"
        raise UsageError(told) from error
    return door
