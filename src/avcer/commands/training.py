"""``avcer train`` and ``avcer fit-fusion``: what is learned from data."""

from __future__ import annotations

import argparse
from pathlib import Path

from avcer.commands.shared import DONE, OWN_MODEL, Commands, add, positive
from avcer.errors import UsageError
from avcer.words import FAMILIES, ROLES


def add_train(commands: Commands) -> None:
    """The parser of ``avcer train``."""
    train = add(commands, "train", "train a model from data tables", _train)
    train.add_argument("role", choices=(*ROLES, "fusion", "decision", "weighing"))
    train.add_argument(
        "data", nargs="+", type=Path, metavar="DATA", help="tables (Parquet; of clips CSV; of a weighing frames.csv)"
    )
    train.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder for what is trained; the same command resumes after an interruption",
    )
    train.add_argument(
        "--architecture", choices=FAMILIES, default="mini", help="the networks to train (default: %(default)s)"
    )
    train.add_argument("--start", type=Path, metavar="DIR", help="a model to begin with (published; mini faces, audio)")
    train.add_argument("--leave-out", metavar="NAME", help="a corpus to hold out for scoring (audio, static)")
    parts = train.add_mutually_exclusive_group()
    parts.add_argument(
        "--doubt-only", dest="only", action="store_const", const="doubt",
        help="mini audio: keep --start, fit only what is unfamiliar to it",
    )  # fmt: skip
    parts.add_argument(
        "--relative-only", dest="only", action="store_const", const="relative",
        help="mini audio: keep --start, fit only the output for speaker normalisation",
    )  # fmt: skip
    train.add_argument("--video", action="store_true", help="mini static: fine-tune all layers of --start for video")
    train.add_argument("--own-model", default=[], **OWN_MODEL)
    train.add_argument("--epochs", type=positive, metavar="N", help="how many epochs (default: the recipe's)")


def _train(chosen: argparse.Namespace) -> int:
    from avcer.training import recipe

    if chosen.role == "fusion":
        return _train_fusion(chosen)
    if chosen.role == "decision":
        return _train_decision(chosen)
    if chosen.role == "weighing":
        return _train_weighing(chosen)
    train = recipe(
        chosen.role,
        chosen.architecture,
        chosen.start,
        chosen.own_models,
        chosen.leave_out,
        chosen.only,
        chosen.video,
    )
    card = train(chosen.data, chosen.out, chosen.epochs, lambda line: print(line, flush=True))
    print(f"{card.name}: {chosen.out / 'model'}")
    return DONE


def _train_decision(chosen: argparse.Namespace) -> int:
    from avcer.training import decision_recipe

    _expect_no_training(chosen)
    decision_recipe()(chosen.data, chosen.out, lambda line: print(line, flush=True), chosen.own_models)
    print(f"open: {chosen.out / 'decision.json'}")
    return DONE


def _train_weighing(chosen: argparse.Namespace) -> int:
    from avcer.training.weighing import train

    foreign = (chosen.epochs, chosen.own_models, chosen.leave_out, chosen.only, chosen.video)
    if any(foreign) or chosen.architecture != "mini":
        left = "leave --epochs, --own-model, --architecture, --leave-out, --doubt-only, --relative-only, --video out"
        raise UsageError(f"train weighing fits three numbers: {left}")
    train(chosen.data, chosen.out, lambda line: print(line, flush=True), chosen.start)
    print(f"open: {chosen.out / 'decision.json'}")
    return DONE


def _expect_no_training(chosen: argparse.Namespace) -> None:
    foreign = (chosen.start, chosen.leave_out, chosen.only, chosen.video)
    if chosen.epochs is not None or any(foreign) or chosen.architecture != "mini":
        left = "leave --epochs, --start, --architecture, --leave-out, --doubt-only, --relative-only, --video out"
        raise UsageError(f"train {chosen.role} fits numbers to the mini models: {left}")


def _train_fusion(chosen: argparse.Namespace) -> int:
    from avcer.training import fusion_recipe

    _expect_no_training(chosen)
    weights = fusion_recipe()(chosen.data, chosen.out, lambda line: print(line, flush=True), chosen.own_models)
    print(f"{weights.name}: {chosen.out / 'fusion.json'}")
    return DONE


def add_fit_fusion(commands: Commands) -> None:
    """The parser of ``avcer fit-fusion``."""
    fit = add(commands, "fit-fusion", "find fusion weights on labelled frames", _fit_fusion)
    fit.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="labelled frames (CSV or Parquet)")
    fit.add_argument(
        "--out", type=Path, required=True, metavar="FILE.json", help="the file of weights, for avcer analyze --fusion"
    )
    fit.add_argument("--method", default="search", metavar="NAME", help="search (default), hierarchical, ascent, ...")
    fit.add_argument(
        "--draws", type=positive, default=10_000, metavar="N", help="draws of the search (default: %(default)s)"
    )
    fit.add_argument("--seed", type=int, default=42, help="seed of the draws (default: %(default)s)")
    fit.add_argument("--compare", action="store_true", help="also try every method on videos held out")
    fit.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the weights")


def _fit_fusion(chosen: argparse.Namespace) -> int:
    from avcer.console import print_fits
    from avcer.decision.fuse import write_fusion
    from avcer.evaluation.figures import draw_weights
    from avcer.evaluation.fusion.fitting import Effort, compare, examples_of, fit
    from avcer.evaluation.tables.frames import read_frames
    from avcer.files import atomic

    effort = Effort(chosen.draws, chosen.seed)
    examples = examples_of(read_frames(chosen.tables))
    weights, about = fit(examples, chosen.method, effort)
    with atomic(chosen.out) as part:
        write_fusion(weights, part, about)
    if chosen.plot:
        draw_weights(weights, chosen.plot)
    print(f"{chosen.out}: {weights.name}, mean recall {about['uar']:.4f} on {about['frames']} frames")
    if chosen.compare:
        print_fits(compare(examples, effort))
    return DONE
