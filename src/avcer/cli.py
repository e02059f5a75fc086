"""The command line: the parser of all commands, and what becomes of an error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from avcer import __version__
from avcer.commands import (
    ablation,
    analysis,
    batch,
    bench,
    evaluation,
    export,
    importing,
    live,
    models,
    person,
    serve,
    training,
)
from avcer.commands.shared import DEBUG, FAILED, INTERRUPTED, Command, Parser, complain, expect_room
from avcer.errors import NO_MEMORY, AvcerError, InputError
from avcer.files import unwritable
from avcer.quiet import own_process
from avcer.streams import patient_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 some input failed, 2 wrong usage, 130 interrupted."""
    own_process()
    with patient_streams() as out:
        status = _run(arguments)
        out.flush()
        if out.failure:
            reason = out.failure.strerror or out.failure
            print(f"avcer: error: standard output cannot be written ({reason}); send it elsewhere", file=sys.stderr)
            return status or FAILED
        return status


def _run(arguments: Sequence[str] | None) -> int:
    chosen = parser().parse_args(arguments)
    run: Command = chosen.run
    try:
        if chosen.analyses:
            expect_room(getattr(chosen, "threads", None))
        return run(chosen)
    except KeyboardInterrupt:
        print("avcer: interrupted; the files that were finished stay", file=sys.stderr)
        return INTERRUPTED
    except AvcerError as error:
        return complain(error, chosen.debug)
    except OSError as error:
        return complain(_told(error, unwritable(error.filename or "a file", error)), chosen.debug)
    except MemoryError as error:
        return complain(_told(error, InputError(NO_MEMORY)), chosen.debug)


def _told(cause: Exception, error: AvcerError) -> AvcerError:
    """An error of the system as one of ours."""
    error.__cause__ = cause
    return error


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = Parser(
        prog="avcer", description="Video with people in it becomes a timeline of basic and compound emotions."
    )
    whole.add_argument("--version", action="version", version=f"avcer {__version__}")
    whole.add_argument("--debug", **DEBUG)
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    analysis.add_analyze(commands)
    analysis.add_demo(commands)
    batch.add_batch(commands)
    export.add_export(commands)
    importing.add_import_annotations(commands)
    person.add_person(commands)
    serve.add_serve(commands)
    live.add_live(commands)
    models.add_models(commands)
    training.add_train(commands)
    evaluation.add_evaluate(commands)
    evaluation.add_compare(commands)
    ablation.add_ablate(commands)
    training.add_fit_fusion(commands)
    bench.add_bench(commands)
    return whole


if __name__ == "__main__":
    sys.exit(main())
