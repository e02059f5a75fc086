"""Files appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from avcer.errors import OutputError

FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PART: Final = ".part"
ABANDONED_S: Final = 600.0
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Gives the path of a temporary file in the same folder; it takes the place of ``path`` when the block ends well.

    On any failure, an interrupt included, the temporary file is removed and what stood at ``path`` before stays.

    Raises:
        OutputError: the file cannot be written (no room, no permission, the folder is gone).
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_PART}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _remove(part)


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    r"""The same for a text: an open UTF-8 file with ``\n`` line ends. File names keep their bytes, whatever they are.

    Raises:
        OutputError: as ``atomic``.
    """
    with atomic(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        yield file


def make_folder(folder: Path) -> Path:
    """Creates ``folder`` and those above it, where missing.

    Raises:
        OutputError: it cannot be created, or a file stands in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{folder}: is a file, not a folder; choose another folder for the results") from error
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created ({_reason(error)}); {_remedy(error)}") from error
    return folder


def check_writable(folder: Path) -> None:
    """Says at once, before an hour of work, that ``folder`` will not do. Creates nothing.

    Raises:
        OutputError: it, or the nearest folder above it that exists, is a file or may not be written to.
    """
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(f"{nearest}: is a file, not a folder; choose another folder for the results")
    if not os.access(nearest, os.W_OK):
        raise OutputError(f"{nearest}: may not be written to; choose a folder that you may write to")


def unwritable(path: object, error: OSError) -> OutputError:
    """What is said where the system refuses to write ``path``."""
    return OutputError(f"{path}: cannot be written ({_reason(error)}); {_remedy(error)}")


def remove_abandoned(folder: Path) -> None:
    """Removes unfinished files in ``folder`` and below that nobody has written for ten minutes: who did was killed."""
    for part in folder.rglob(f".*{_PART}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()


def remove_abandoned_folders(store: Path) -> None:
    """Removes hidden folders in ``store`` that are older than a day: whoever worked in them was killed."""
    for folder in store.glob(".*"):
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > 24 * 3600
            if folder.is_dir() and old and not folder.name.endswith(".earlier"):  # see ``models.store.replace_folder``
                shutil.rmtree(folder)


def _remove(part: Path) -> None:
    # A failing removal must not hide the failure that led here.
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _remedy(error: OSError) -> str:
    if error.errno in FULL:
        return "free some space, or choose a folder on another disk"
    if error.errno in _FORBIDDEN:
        return "choose a folder that you may write to"
    return "choose another folder for the results"
