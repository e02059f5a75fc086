"""``avcer ablate``."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avcer.commands.evaluation import labelled, to_stderr, usual_compounds
from avcer.commands.shared import DONE, FAILED, Commands, add, add_decision_options, add_model_options
from avcer.errors import UsageError
from avcer.words import CORPORA, LEVELS, PARTS

if TYPE_CHECKING:
    from avcer.evaluation.ablation.variations import Ablation
    from avcer.evaluation.corpus_run import Report

_NAMES: Final = (*CORPORA, "ferplus")


def add_ablate(commands: Commands) -> None:
    """The parser of ``avcer ablate``."""
    ablate = add(commands, "ablate", "change one choice at a time and measure the effect", _ablate, analyses=True)
    ablate.usage = "avcer ablate VIDEO... --out DIR [options]\n       avcer ablate CORPUS ROOT --out DIR [options]"
    ablate.add_argument("files", nargs="+", metavar="VIDEO", help="clips; or the name of a corpus, and its folder")
    ablate.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder for ablation.json, ablation.png and report.md",
    )
    ablate.add_argument("--groups", metavar="NAME,...", help="which variations (default: all; see docs/evaluation.md)")
    add_model_options(ablate, "of the reference")
    add_decision_options(ablate)
    ablate.add_argument("--part", choices=PARTS, help="rows to score, of a corpus (default: all)")
    ablate.add_argument(
        "--level", choices=LEVELS, help="score frames or videos, of a corpus (default: as it is labelled)"
    )
    ablate.add_argument("--json", action="store_true", help="print one JSON object")


def _ablate(chosen: argparse.Namespace) -> int:
    from avcer.console import print_ablation
    from avcer.evaluation.ablation.report import write_ablation
    from avcer.evaluation.ablation.variations import chosen_groups
    from avcer.files import check_writable

    groups = chosen_groups(chosen.groups)
    check_writable(chosen.out)
    report = partial(to_stderr, debug=chosen.debug)
    run = _of_corpus if chosen.files[0] in _NAMES else _of_clips
    ablation = run(chosen, groups, report)
    document = write_ablation(ablation, chosen.out)
    print_ablation(ablation, document if chosen.json else None)
    return FAILED if ablation.left_out else DONE


def _of_clips(chosen: argparse.Namespace, groups: tuple[str, ...], report: Report) -> Ablation:
    from avcer.evaluation.ablation.clips import ablate_clips
    from avcer.options import Options

    if chosen.part or chosen.level:
        raise UsageError("ablate VIDEO... knows no labels: leave --part and --level out")
    options = Options(**_options(chosen, chosen.compounds or "c-expr-db"))
    return ablate_clips([Path(word) for word in chosen.files], options, groups, report)


def _of_corpus(chosen: argparse.Namespace, groups: tuple[str, ...], report: Report) -> Ablation:
    from avcer.evaluation.ablation.corpus import ablate_corpus
    from avcer.options import Options

    name, *roots = chosen.files
    if name == "c-expr-db":
        raise UsageError("ablate c-expr-db: its labels are with the organisers; give its clips instead")
    if len(roots) != 1:
        raise UsageError(f"ablate {name} needs one folder; a clip of that name is ./{name}")
    compounds = chosen.compounds or usual_compounds(name)
    corpus, options = labelled(name, Path(roots[0]), compounds), Options(**_options(chosen, compounds))
    return ablate_corpus(corpus, options, groups, chosen.out, chosen.part or "all", chosen.level, report)


def _options(chosen: argparse.Namespace, compounds: str) -> dict[str, Any]:
    return {
        "models": chosen.models,
        "own_models": tuple(chosen.own_models),
        "setting": chosen.setting,
        "threads": chosen.threads,
        "fusion": chosen.fusion,
        "rule": chosen.rule,
        "compounds": compounds,
    }
