"""Standard streams that may be closed or go away: the work is done whether anybody reads what is said about it."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO, cast

_GONE: Final = {errno.EPIPE, errno.ECONNRESET, errno.EINVAL if sys.platform == "win32" else errno.EPIPE}
"""How the system says that the reader of a pipe has ended."""


class Patient:
    """A text stream whose writing never fails. After a failure the rest goes nowhere, and ``failure`` tells why,
    unless the reader has just stopped reading, as ``head`` does.
    """

    def __init__(self, stream: TextIO) -> None:
        self.failure: OSError | None = None
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes ``text``, and says that it did."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Writes what is waiting."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if error.errno not in _GONE and self.failure is None:
            self.failure = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def patient_streams() -> Iterator[Patient]:
    """Standard output and error as streams that never fail, for the block; gives the output.

    File names that the terminal's encoding lacks are shown escaped.
    """
    _occupy()
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    out, err = (Patient(stream if stream is not None else _nowhere()) for stream in before)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open as long as the process is


def _occupy() -> None:
    """Opens descriptors 0 to 2 where they are closed. Otherwise the next file that is opened gets such a number, and
    what a library says on standard error would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
