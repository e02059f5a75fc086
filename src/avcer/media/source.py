"""Where a recording comes from: a path, or an open file object. Either can be opened several times, also at once."""

from __future__ import annotations

import io
import os
import re
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, TypeAlias, cast

from avcer.errors import InputError

Given: TypeAlias = "str | PathLike[str] | BinaryIO | Source"
"""What the functions of this package take for a recording."""

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
"""The beginning of an address. ``Path`` makes one slash of two; a drive letter is a single one."""

_TURN: Final = Lock()
"""Several readers of one file object move its position in turn."""


class Source:
    """A recording that can be opened. ``path`` names it in messages; for a file object it is the object's name.

    ``turn``: held by whoever has FFmpeg open it, since that takes twice the memory that it takes afterwards.

    Raises:
        InputError: a file object that cannot be read as bytes, or not from its beginning again.
    """

    def __init__(self, given: str | PathLike[str] | BinaryIO) -> None:
        self.turn = Lock()
        self._file: BinaryIO | None = None
        if isinstance(given, str | PathLike):
            self.path = Path(given)
            return
        name = getattr(given, "name", None)
        self.path = Path(name if isinstance(name, str) and name else "file object")
        if isinstance(given, io.TextIOBase) or not hasattr(given, "read"):
            raise InputError(f"{self}: is not open for reading bytes; open it with mode 'rb'")
        if not (hasattr(given, "seek") and (not hasattr(given, "seekable") or given.seekable())):
            raise InputError(f"{self}: cannot be read twice; save it to a file first, or use avcer.media.Live")
        self._file = given

    @classmethod
    def of(cls, given: Given) -> Source:
        """The source itself, or one made of a path or a file object."""
        return given if isinstance(given, Source) else cls(given)

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> BinaryIO:
        """The bytes from the beginning, with a position of their own.

        Raises:
            InputError: no such file, an address, a folder, no permission, or empty.
        """
        file = _open(self.path) if self._file is None else cast(BinaryIO, _View(self._file))
        if not file.read(1):
            file.close()
            raise InputError(f"{self}: is empty; copy or download it again")
        file.seek(0)
        return file


def _open(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give a video file in it")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a regular file; give a video file")
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(_no_such_file(path)) from error
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it; change its access rights") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be opened ({error}); check the name") from error


def _no_such_file(path: Path) -> str:
    address = _ADDRESS.match(path.as_posix())
    if address is None:
        return f"{path}: no such file; check the name"
    shown = f"{address[1]}://{path.as_posix()[address.end() :]}"
    if address[1].lower() == "file":
        return f"{shown}: is an address; give the path alone, without file://"
    return f"{shown}: is an address, not a file; download the recording first, and give its path"


class _View(io.RawIOBase):
    """A reader of a file object with a position of its own; closing it leaves the object open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with _TURN:
            if whence == os.SEEK_CUR:
                offset += self._at
            elif whence == os.SEEK_END:
                offset = self._file.seek(offset, os.SEEK_END)
            self._at = offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        with _TURN:
            self._file.seek(self._at)
            read = self._file.read(len(view))
        view[: len(read)] = read
        self._at += len(read)
        return len(read)
