"""The per-user folder: installed models, and a cache that can be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder in the variable ``AVCER_HOME``, else where the system keeps such data. It need not exist.

    Raises:
        RuntimeError: the user has no home, as in some containers.
    """
    if chosen := os.environ.get("AVCER_HOME"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    folder = user_data_path("avcer", appauthor=False)
    if not folder.is_absolute():
        raise RuntimeError("no home directory: set AVCER_HOME")
    return folder


def writable() -> bool:
    """Whether the folder can be written, or made. Nothing is made here."""
    try:
        nearest = home().absolute()
    except RuntimeError:
        return False
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    return nearest.is_dir() and os.access(nearest, os.W_OK)
