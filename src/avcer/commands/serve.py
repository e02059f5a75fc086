"""``avcer serve``: the service and its page."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, Commands, add, positive
from avcer.errors import MissingExtraError


def add_serve(commands: Commands) -> None:
    """The parser of ``avcer serve``."""
    serve = add(commands, "serve", "analyse what is dropped on a page, or sent over HTTP", _serve)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8765, help="0 for a free one (default: %(default)s)")
    serve.add_argument("--root", type=Path, metavar="DIR", help="clips below it may be named by their path")
    serve.add_argument("--workers", type=positive, default=1, metavar="N", help="clips at once (default: %(default)s)")
    serve.add_argument("--threads", type=positive, metavar="N", help="of each worker (default: all)")
    serve.add_argument("--token", metavar="WORD", help="that requests must bring (default: a random one)")
    serve.add_argument(
        "--jobs", type=Path, default=Path("avcer-jobs"), metavar="DIR", help="uploads and results (default: avcer-jobs)"
    )
    serve.add_argument("--max-upload", type=positive, default=4 << 30, metavar="BYTES", help="default: %(default)s")
    serve.add_argument("--quota", type=positive, metavar="BYTES", help="of all jobs together (default: the disk's)")
    serve.add_argument("--keep", type=float, default=24.0, metavar="HOURS", help="that jobs stay (default: 24)")


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
