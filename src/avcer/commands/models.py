"""``avcer models``: what is installed, importing the authors' checkpoints, and models in int8."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, FAILED, Commands, add, complain
from avcer.errors import AvcerError, UsageError
from avcer.words import FAMILIES, ROLES


def add_models(commands: Commands) -> None:
    """The parser of ``avcer models``."""
    summary = "the installed models: list, show, verify, import, quantize"
    models = commands.add_parser("models", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    add(actions, "list", "list the installed models", _models_list)
    show = add(actions, "show", "show the card of a model", _models_show)
    show.add_argument("name", metavar="NAME", help="as avcer models list prints it, such as mini-static")
    add(actions, "verify", "compare the models' files with the hashes on their cards", _models_verify)
    importing = add(actions, "import", "convert the authors' checkpoints, check and install them", _models_import)
    importing.add_argument("family", choices=("published",))
    for role in ROLES:
        importing.add_argument(f"--{role}", type=Path, metavar="FILE", help=f"checkpoint of the {role} model")
    told = "make models in int8 on your clips, and keep those that agree with their originals and are faster"
    quantizing = add(actions, "quantize", told, _models_quantize)
    quantizing.add_argument("family", choices=FAMILIES)
    quantizing.add_argument(
        "clips", nargs="*", type=Path, metavar="CLIP", help="clips with faces and voices, a minute or more together"
    )
    quantizing.add_argument("--remove", action="store_true", help="remove the family's models in int8")


def _models_list(chosen: argparse.Namespace) -> int:
    from avcer.models.quantized import find_int8
    from avcer.models.store import installed

    for model in installed():
        card, also = model.card, "; also in int8" if find_int8(model) else ""
        print(f"{card.name:20} {card.architecture:26} {card.graph.bytes / 1e6:8.1f} MB  {card.licence}{also}")
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

    files = {role: getattr(chosen, role) for role in ROLES}
    if not any(files.values()):
        raise UsageError("name at least one file: --detector F, --static F, --dynamic F, --audio F")
    for card in import_published(**files, report=lambda line: print(line, flush=True)):
        print(f"{card.name}: installed ({card.architecture})")
    return DONE


def _models_quantize(chosen: argparse.Namespace) -> int:
    from avcer.models.quantized import remove_int8
    from avcer.models.store import installed
    from avcer.quantization import quantize

    if chosen.remove == bool(chosen.clips):
        raise UsageError("name clips to make the models with, or --remove")
    if chosen.remove:
        names = [model.card.name for model in installed() if model.card.family == chosen.family]
        print("removed: " + (", ".join(name for name in names if remove_int8(name)) or "none was there"))
        return DONE
    for outcome in quantize(chosen.family, chosen.clips, report=lambda line: print(line, flush=True)):
        print(outcome.told(), flush=True)
    return DONE
