"""What all commands share: their exit statuses, their errors, and options that several have."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

from avcer.errors import AvcerError, UsageError
from avcer.words import FAMILIES, RULES, SETTINGS, USUAL_FORMATS

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are as all others: one line that names the remedy, not the usage of every option."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with the line, and status 2."""
        self.exit(WRONG_USAGE, f"avcer: error: {' '.join(message.split())}; {self.prog} --help shows what it takes\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse has it; but a command itself says what it does not know, so that the line names its help."""
        chosen, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return chosen, unknown


def positive(word: str) -> int:
    """A number of an option that must be at least 1."""
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


THREADS: Final[dict[str, Any]] = {
    "type": positive,
    "metavar": "N",
    "help": "threads of the processor (default: as many as it may use)",
}
DEBUG: Final[dict[str, Any]] = {"action": "store_true", "help": "show the traceback of an error"}
OWN_MODEL: Final[dict[str, Any]] = {
    "action": "append",
    "dest": "own_models",
    "type": Path,
    "metavar": "DIR",
    "help": "a model that you trained, in place of the family's of its role; may be repeated",
}


LEAST_MB: Final = 2000
MB_A_THREAD: Final = 64
"""Address space that analysing takes, see docs/limits.md. With less, libraries crash, hang, or blame something else."""


def add(commands: Commands, name: str, summary: str, run: Command, analyses: bool = False) -> argparse.ArgumentParser:
    """A command with its summary; ``--debug`` is every command's. ``analyses``: whether it runs the models."""
    added = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    # Without a default: that would undo what stands before the command.
    added.add_argument("--debug", default=argparse.SUPPRESS, **DEBUG)
    added.set_defaults(run=run, analyses=analyses)
    return added


def expect_room(threads: int | None) -> None:
    """Sees to it that the process may have the address space that the models and their libraries map.

    Raises:
        UsageError: it is limited to less, as by ``ulimit -v``.
    """
    try:
        import resource
    except ImportError:  # not on Windows, where nothing limits it so
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    least_mb = LEAST_MB + MB_A_THREAD * (threads or os.cpu_count() or 1)
    if limit != resource.RLIM_INFINITY and limit < least_mb << 20:
        told = f"the address space is limited to {limit >> 20} MB (ulimit -v), and analysing takes {least_mb} MB of it"
        raise UsageError(f"{told}, of which most is never used; raise the limit, or limit memory by a container")


def add_model_options(command: argparse.ArgumentParser, setting_for: str) -> None:
    """Which models a command runs, and how; ``setting_for`` says what the setting is for."""
    command.add_argument("--threads", **THREADS)
    command.add_argument(
        "--models", choices=FAMILIES, default="mini", help="the family of models (default: %(default)s)"
    )
    command.add_argument("--own-model", default=[], **OWN_MODEL)
    command.add_argument("--setting", choices=SETTINGS, default="balanced", help=f"{setting_for} (default: balanced)")


def add_decision_options(command: argparse.ArgumentParser) -> None:
    """How a command that scores or compares decides."""
    command.add_argument(
        "--fusion", metavar="NAME|FILE", help="fusion weights, of a corpus (default: the family's own)"
    )
    command.add_argument(
        "--compounds", metavar="NAME|FILE", help="the vocabulary (default: c-expr-db; of a table avcer-12)"
    )
    command.add_argument("--rule", choices=RULES, help="how labels are decided (default: the family's own)")


def words_of(formats: str) -> tuple[str, ...]:
    """The words of ``--formats``.

    Raises:
        UsageError: it holds none.
    """
    words = tuple(word.strip() for word in formats.split(",") if word.strip())
    if not words:
        raise UsageError(f"--formats names none; give some with commas, such as {','.join(USUAL_FORMATS)}")
    return words


def complain(error: AvcerError, debug: bool) -> int:
    """One line on stderr, after the traceback if that was asked for; returns the exit status."""
    if debug:
        traceback.print_exception(error)
    print(f"avcer: error: {error}", file=sys.stderr)
    return WRONG_USAGE if isinstance(error, UsageError) else FAILED
