"""Every error that avcer raises.

    AvcerError
    ├── UsageError          the call itself is wrong (an option, a vocabulary file, a fusion file)
    ├── InputError          a file that cannot be analysed (missing, a folder, empty, no picture in it)
    ├── ModelError          a model is missing, damaged, foreign, or not what its card says
    ├── MissingExtraError   an optional library is needed for what was asked
    ├── OutputError         results cannot be written
    └── UnforeseenError     a fault of avcer's own, met on one file

'No face', 'no sound' and 'no compound expression' are results, not errors. Each message is one line that names the
file and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_MEMORY = "there is not enough memory; end other programs, or give fewer --threads, --workers or formats"


class AvcerError(Exception):
    """The root of the tree: catch it to catch everything that avcer raises on purpose.

    Its message is one line, whatever the library says whose error it passes on.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(" ".join(message.split()))


class UsageError(AvcerError):
    """The call itself is wrong: an unknown option, an unreadable vocabulary or fusion file."""


class InputError(AvcerError):
    """A file that cannot be analysed: missing, a folder, empty, not media, or without a picture."""


class ModelError(AvcerError):
    """A model is missing, damaged, foreign, or not what its card says."""


class MissingExtraError(AvcerError):
    """An optional library is needed for what was asked; the message names the extra to install."""


class OutputError(AvcerError):
    """Results cannot be written: the folder is not writable, or the disk is full."""


class UnforeseenError(AvcerError):
    """A fault of avcer's own, met on one file; ``__cause__`` is what was raised."""


def named(kind: str, otherwise: type[AvcerError]) -> type[AvcerError]:
    """The class of this name, for an error that another process has told; ``otherwise`` if there is none."""
    return next((known for known in AvcerError.__subclasses__() if known.__name__ == kind), otherwise)


@contextmanager
def one_of_many(path: Path) -> Iterator[None]:
    """Work on one file of many, which a fault of avcer's own must not cost the others.

    Raises:
        UnforeseenError: in place of anything that avcer does not raise on purpose.
    """
    try:
        yield
    except AvcerError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: {NO_MEMORY}") from error
    except Exception as error:
        what = f"{type(error).__name__} ({error})"
        raise UnforeseenError(f"{path}: unforeseen {what}; please report it with what --debug adds") from error
