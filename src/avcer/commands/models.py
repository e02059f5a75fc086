"""``avcer models``: what is installed, and importing the authors' checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, FAILED, Commands, add, complain
from avcer.errors import AvcerError, UsageError


def add_models(commands: Commands) -> None:
    """The parser of ``avcer models``."""
    summary = "the installed models: list, show, verify, import"
    models = commands.add_parser("models", help=summary, description=summary)
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    add(actions, "list", "list the installed models", _models_list)
    show = add(actions, "show", "show the card of a model", _models_show)
    show.add_argument("name", metavar="NAME", help="as avcer models list prints it, such as mini-static")
    add(actions, "verify", "compare the models' files with the hashes on their cards", _models_verify)
    importing = add(actions, "import", "convert the authors' checkpoints, check and install them", _models_import)
    importing.add_argument("family", choices=("published",))
    for role in ("detector", "static", "dynamic", "audio"):
        importing.add_argument(f"--{role}", type=Path, metavar="FILE")


def _models_list(chosen: argparse.Namespace) -> int:
    from avcer.models.store import installed

    for model in installed():
        card = model.card
        print(f"{card.name:20} {card.architecture:26} {card.graph.bytes / 1e6:8.1f} MB  {card.licence}")
    return DONE


def _models_show(chosen: argparse.Namespace) -> int:
    from avcer.models.store import installed

    models = {model.card.name: model for model in installed()}
    if chosen.name not in models:
        raise UsageError(f"no model named {chosen.name!r} is installed; there are {', '.join(models)}")
    print(models[chosen.name].card.to_json(), end="")
    return DONE


def _models_verify(chosen: argparse.Namespace) -> int:
    from avcer.models.store import find, occupied, verify

    status = DONE
    for family, role in occupied():
        try:
            model = find(family, role)
            verify(model)
        except AvcerError as error:
            complain(error, chosen.debug)
            status = FAILED
        else:
            print(f"{model.card.name}: as on its card")
    return status


def _models_import(chosen: argparse.Namespace) -> int:
    from avcer.models.published import import_published

    files = {role: getattr(chosen, role) for role in ("detector", "static", "dynamic", "audio")}
    if not any(files.values()):
        raise UsageError("name at least one file: --detector F, --static F, --dynamic F, --audio F")
    for card in import_published(**files, report=lambda line: print(line, flush=True)):
        print(f"{card.name}: installed ({card.architecture})")
    return DONE
