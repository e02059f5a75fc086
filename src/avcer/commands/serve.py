"""``avcer serve``: the service and its page."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, Commands, add, positive
from avcer.errors import MissingExtraError


def add_serve(commands: Commands) -> None:
    """The parser of ``avcer serve``."""
    serve = add(commands, "serve", "analyse what is dropped on a page, or sent over HTTP", _serve, analyses=True)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8765, help="the port; 0 for a free one (default: %(default)s)")
    serve.add_argument("--root", type=Path, metavar="DIR", help="requests may name clips below this folder")
    serve.add_argument("--workers", type=positive, default=1, metavar="N", help="clips at once (default: %(default)s)")
    serve.add_argument(
        "--threads", type=positive, metavar="N", help="threads of each worker (default: as many as it may use)"
    )
    serve.add_argument("--token", metavar="WORD", help="the secret that requests must carry (default: a random one)")
    serve.add_argument(
        "--jobs",
        type=Path,
        default=Path("avcer-jobs"),
        metavar="DIR",
        help="the folder of uploads and results (default: avcer-jobs)",
    )
    serve.add_argument(
        "--max-upload", type=positive, default=4 << 30, metavar="BYTES", help="the largest clip (default: %(default)s)"
    )
    serve.add_argument(
        "--quota",
        type=positive,
        metavar="BYTES",
        help="the most disk space that all jobs together may use (default: what the disk has)",
    )
    serve.add_argument(
        "--keep", type=float, default=24.0, metavar="HOURS", help="how long jobs that ended stay (default: 24)"
    )


def _serve(chosen: argparse.Namespace) -> int:
    try:
        from avcer.serve.run import Settings, serve
    except ModuleNotFoundError as error:
        raise MissingExtraError("avcer serve needs the extra serve: pip install 'avcer[serve]'") from error
    serve(
        Settings(
            chosen.host, chosen.port, chosen.root, chosen.jobs, chosen.workers, chosen.threads, chosen.token,
            chosen.max_upload, chosen.quota, chosen.keep,
        )
    )  # fmt: skip
    return DONE
