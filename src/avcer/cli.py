"""The command line: parse, call, render. Every command's work is done by the package; nothing is computed here.

Packages that are slow to import are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import io
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from avcer import __version__
from avcer.errors import AvcerError, UsageError

if TYPE_CHECKING:
    from avcer.pipeline import Analyzer

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 some input failed, 2 wrong usage, 130 interrupted."""
    _show_any_name()
    chosen = parser().parse_args(arguments)
    run: Command = chosen.run
    try:
        return run(chosen)
    except KeyboardInterrupt:
        print("avcer: interrupted; the files that were finished stay", file=sys.stderr)
        return INTERRUPTED
    except AvcerError as error:
        return _complain(error, chosen.debug)


def _show_any_name() -> None:
    """Lets file names that the terminal's encoding lacks be shown escaped: the summary must not fail after the work."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _complain(error: AvcerError, debug: bool) -> int:
    """One line on stderr, after the traceback if that was asked for; returns the exit status."""
    if debug:
        traceback.print_exception(error)
    print(f"avcer: error: {' '.join(str(error).split())}", file=sys.stderr)
    return WRONG_USAGE if isinstance(error, UsageError) else FAILED


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="avcer", description="Video with people in it becomes a timeline of basic and compound emotions."
    )
    whole.add_argument("--version", action="version", version=f"avcer {__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_analyze(commands)
    _add_demo(commands)
    _add_models(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_fit_fusion(commands)
    return whole


def _add(commands: Commands, name: str, summary: str, run: Command) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    added.add_argument("--debug", action="store_true", help="show the traceback of an error")
    added.set_defaults(run=run)
    return added


# analyze and demo


def _add_analyze(commands: Commands) -> None:
    analyze = _add(commands, "analyze", "analyse clips: tables, a picture and a document for each", _analyze)
    analyze.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    analyze.add_argument("--out", type=Path, required=True, metavar="DIR", help="results go to DIR/<name of the clip>/")
    _add_choices(analyze)


def _add_demo(commands: Commands) -> None:
    demo = _add(commands, "demo", "the whole job on a clip that avcer makes itself", _demo)
    demo.add_argument("--out", type=Path, default=Path("avcer-demo"), metavar="DIR", help="default: %(default)s")
    _add_choices(demo)


_RULES: Final = ("1", "2", "both", "sum", "gated", "geometric")
_OWN_MODEL: Final[dict[str, Any]] = {
    "action": "append",
    "dest": "own_models",
    "type": Path,
    "metavar": "DIR",
    "help": "a model that you trained, in place of the family's of its role; may be repeated",
}
_CHOICES: Final[dict[str, dict[str, Any]]] = {
    "--models": {"choices": ("mini", "published"), "help": "the family of models (default: mini)"},
    "--own-model": _OWN_MODEL,
    "--rule": {
        "choices": _RULES,
        "help": "of the compound decision (default: the family's own)",
    },
    "--compounds": {
        "metavar": "c-expr-db|avcer-12|raf-db|du|blemore|FILE.toml",
        "help": "the vocabulary (default: c-expr-db)",
    },
    "--setting": {"choices": ("exact", "balanced", "fast"), "help": "speed against precision (default: balanced)"},
    "--fusion": {"metavar": "published|mean|mini|FILE", "help": "fusion weights (default: the family's own)"},
    "--device": {"choices": ("auto", "cpu", "cuda"), "help": "where the models run (default: auto)"},
    "--longest-side": {"type": int, "metavar": "PIXELS", "help": "look for faces at this size, 0 = as it is"},
    "--min-face": {"type": float, "metavar": "PIXELS", "help": "leave out faces smaller than this"},
    "--sound-for": {"choices": ("primary", "all"), "help": "whose voice it is (default: primary)"},
    "--fill-gaps": {"action": "store_true", "help": "hold the last probabilities where nothing is known"},
}
"""Options of an analysis; those left out keep the defaults of ``avcer.options.Options``."""


def _add_choices(command: argparse.ArgumentParser) -> None:
    for flag, settings in _CHOICES.items():
        command.add_argument(flag, default=argparse.SUPPRESS, **settings)
    command.add_argument("--formats", metavar="csv,json,png,...", help="what to write (default: csv,json,png,txt)")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _analyzer(chosen: argparse.Namespace) -> Analyzer:
    from avcer.pipeline import Analyzer

    names = [settings.get("dest", flag.removeprefix("--").replace("-", "_")) for flag, settings in _CHOICES.items()]
    return Analyzer(**{name: getattr(chosen, name) for name in names if hasattr(chosen, name)})


def _formats(chosen: argparse.Namespace) -> tuple[str, ...]:
    from avcer.output.writers import DEFAULT_FORMATS, check_formats

    if chosen.formats is None:
        return DEFAULT_FORMATS
    words = tuple(word.strip() for word in chosen.formats.split(",") if word.strip())
    check_formats(words)
    return words


def _analyze(chosen: argparse.Namespace) -> int:
    from avcer.output.files import check_writable

    formats = _formats(chosen)
    analyzer = _analyzer(chosen)
    check_writable(chosen.out)
    status = DONE
    for video, folder in zip(chosen.videos, _folders(chosen.videos, chosen.out), strict=True):
        try:
            _analyze_one(analyzer, video, folder, formats, chosen.quiet)
        except AvcerError as error:
            _complain(error, chosen.debug)
            status = FAILED
        except Exception as error:  # a fault of avcer's own must not cost the other files of the call
            _complain(_unforeseen(video, error), chosen.debug)
            status = FAILED
    return status


def _unforeseen(video: Path, error: Exception) -> AvcerError:
    fault = AvcerError(f"{video}: unforeseen {type(error).__name__} ({error}); please report it with what --debug adds")
    fault.__cause__ = error
    return fault


def _analyze_one(analyzer: Analyzer, video: Path, folder: Path, formats: Sequence[str], quiet: bool) -> None:
    from avcer.console import print_summary, progress_shown

    with progress_shown(video.name, quiet) as progress:
        analysis = analyzer.analyze(video, progress)
    files = analysis.save(folder, formats)
    if not quiet:
        print_summary(analysis, folder, files)


def _folders(videos: Sequence[Path], out: Path) -> list[Path]:
    """A folder for each clip, named after it; clips of one name are numbered, so that none overwrites another."""
    taken: set[str] = set()
    folders = []
    for video in videos:
        # The stem of "...mp4" is "..", which would lead out of ``out``.
        wanted = video.stem if video.stem.strip(".") else video.name
        names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
        # Some file systems do not tell A from a.
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        folders.append(out / name)
    return folders


def _demo(chosen: argparse.Namespace) -> int:
    from avcer.demo import make_clip

    formats = _formats(chosen)
    analyzer = _analyzer(chosen)
    clip = make_clip(chosen.out / "astronaut.mp4")
    _analyze_one(analyzer, clip, chosen.out / clip.stem, formats, chosen.quiet)
    if "png" in formats and not chosen.quiet:
        print(f"Look at {chosen.out / clip.stem / 'timeline.png'}")
    return DONE


# models


def _add_models(commands: Commands) -> None:
    summary = "the installed models: list, show, verify, import"
    models = commands.add_parser("models", help=summary, description=summary)
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add(actions, "list", "list the installed models", _models_list)
    show = _add(actions, "show", "show the card of a model", _models_show)
    show.add_argument("name", metavar="NAME", help="as avcer models list prints it, such as mini-static")
    _add(actions, "verify", "compare the models' files with the hashes on their cards", _models_verify)
    importing = _add(actions, "import", "convert the authors' checkpoints, check and install them", _models_import)
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
            _complain(error, chosen.debug)
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


# train


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _add_train(commands: Commands) -> None:
    train = _add(commands, "train", "train a model from data tables", _train)
    train.add_argument("role", choices=("detector", "static", "dynamic", "audio", "fusion"))
    train.add_argument("data", nargs="+", type=Path, metavar="DATA", help="tables (Parquet)")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="run again with the same DIR to resume")
    train.add_argument("--architecture", choices=("mini", "published"), default="mini", help="default: %(default)s")
    train.add_argument("--start", type=Path, metavar="DIR", help="a model that a published architecture begins with")
    train.add_argument("--own-model", default=[], **_OWN_MODEL)
    train.add_argument("--epochs", type=_positive, metavar="N", help="instead of the recipe's own number")


def _train(chosen: argparse.Namespace) -> int:
    from avcer.training import recipe

    if chosen.role == "fusion":
        return _train_fusion(chosen)
    train = recipe(chosen.role, chosen.architecture, chosen.start, chosen.own_models)
    card = train(chosen.data, chosen.out, chosen.epochs, lambda line: print(line, flush=True))
    print(f"{card.name}: {chosen.out / 'model'}")
    return DONE


def _train_fusion(chosen: argparse.Namespace) -> int:
    from avcer.training import fusion_recipe

    if chosen.epochs is not None or chosen.start is not None or chosen.architecture != "mini":
        raise UsageError("train fusion draws weights for the mini models: leave --epochs, --start, --architecture out")
    weights = fusion_recipe()(chosen.data, chosen.out, lambda line: print(line, flush=True), chosen.own_models)
    print(f"{weights.name}: {chosen.out / 'fusion.json'}")
    return DONE


# evaluate


_TABLES: Final = ("ferplus", "affect7", "speech", "scenes", "frames")
_CORPORA: Final = ("affwild2", "afew", "c-expr-db", "ravdess", "crema-d", "meld", "savee", "emodb", "blemore", "table")


def _add_evaluate(commands: Commands) -> None:
    evaluate = _add(commands, "evaluate", "score the models on labelled tables, or on a corpus", _evaluate)
    evaluate.add_argument("protocol", choices=(*_TABLES, *_CORPORA), metavar="PROTOCOL", help="see docs/evaluation.md")
    evaluate.add_argument("files", nargs="+", type=Path, metavar="FILE", help="tables, or the folder of a corpus")
    evaluate.add_argument("--models", choices=("mini", "published"), default="mini", help="default: %(default)s")
    evaluate.add_argument("--own-model", default=[], **_OWN_MODEL)
    evaluate.add_argument("--setting", choices=("exact", "balanced", "fast"), default="balanced", help="precision")
    evaluate.add_argument("--part", choices=("all", "train", "validation", "test"), default="all", help="of the rows")
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="of a corpus: the report; run again to go on")
    evaluate.add_argument("--level", choices=("frame", "video"), help="of a corpus (default: as it is labelled)")
    evaluate.add_argument("--fusion", metavar="NAME|FILE", help="of a corpus (default: the family's own)")
    evaluate.add_argument("--compounds", metavar="NAME|FILE", help="default: c-expr-db; of a table avcer-12")
    evaluate.add_argument("--rule", choices=_RULES, help="of a corpus: for compounds (default: the family's own)")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")


def _evaluate(chosen: argparse.Namespace) -> int:
    from avcer.console import print_scores

    if chosen.protocol in _CORPORA or (chosen.protocol == "ferplus" and chosen.files[0].is_dir()):
        scores = _evaluate_corpus(chosen)
    else:
        scores = _evaluate_tables(chosen)
    print_scores(scores, chosen.json)
    return FAILED if scores.get("left_out") else DONE


def _evaluate_tables(chosen: argparse.Namespace) -> dict[str, Any]:
    from avcer.evaluation.protocols import Subject, evaluate
    from avcer.options import SETTINGS

    if any((chosen.out, chosen.level, chosen.fusion, chosen.rule, chosen.compounds)) or chosen.part == "test":
        names = "--out, --level, --fusion, --rule, --compounds and --part test"
        raise UsageError(f"evaluate {chosen.protocol} scores tables: leave {names} out")
    subject = Subject(chosen.models, SETTINGS[chosen.setting].precision, chosen.part, tuple(chosen.own_models))
    return evaluate(chosen.protocol, chosen.files, subject)


def _evaluate_corpus(chosen: argparse.Namespace) -> dict[str, Any]:
    from avcer.evaluation.corpora import read_corpus
    from avcer.evaluation.corpora.c_expr_db import sample_file
    from avcer.evaluation.corpora.table import read_table
    from avcer.evaluation.corpus_run import answer_corpus, score_corpus
    from avcer.labels import read_vocabulary
    from avcer.pipeline import Analyzer

    if chosen.out is None or len(chosen.files) != 1:
        raise UsageError(f"evaluate {chosen.protocol} needs one folder, and --out DIR for the report")
    compounds = chosen.compounds or ("avcer-12" if chosen.protocol == "table" else "c-expr-db")
    if chosen.protocol == "table":
        corpus = read_table(chosen.files[0], read_vocabulary(compounds))
    else:
        corpus = read_corpus(chosen.protocol, chosen.files[0])
    options = {
        "compounds": compounds,
        "models": chosen.models,
        "own_models": tuple(chosen.own_models),
        "fusion": chosen.fusion,
        "rule": chosen.rule,
    }
    analyzer = Analyzer(**options, setting=chosen.setting)
    if chosen.protocol == "c-expr-db":
        submission = answer_corpus(corpus, analyzer, sample_file(chosen.files[0]), chosen.out, _to_stderr)
        return {"n": len(corpus.samples), "submission": str(submission)}
    return score_corpus(corpus, analyzer, chosen.out, chosen.part, chosen.level, _to_stderr)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# compare


def _add_compare(commands: Commands) -> None:
    compare = _add(commands, "compare", "put runs on one corpus beside each other", _compare)
    compare.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders that avcer evaluate CORPUS wrote")
    compare.add_argument("--json", action="store_true", help="print one JSON list")


def _compare(chosen: argparse.Namespace) -> int:
    from avcer.console import print_compared
    from avcer.evaluation.compare import compare_runs

    print_compared(compare_runs(chosen.runs), chosen.json)
    return DONE


# fit-fusion


def _add_fit_fusion(commands: Commands) -> None:
    fit = _add(commands, "fit-fusion", "find fusion weights on labelled frames", _fit_fusion)
    fit.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="labelled frames (CSV or Parquet)")
    fit.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="for avcer analyze --fusion")
    fit.add_argument("--method", default="search", metavar="NAME", help="search (default), hierarchical, ascent, ...")
    fit.add_argument("--draws", type=_positive, default=10_000, metavar="N", help="default: %(default)s")
    fit.add_argument("--seed", type=int, default=42, help="of the draws (default: %(default)s)")
    fit.add_argument("--compare", action="store_true", help="try every method, on videos held out, too")
    fit.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the weights")


def _fit_fusion(chosen: argparse.Namespace) -> int:
    from avcer.console import print_fits
    from avcer.decision.fuse import write_fusion
    from avcer.evaluation.figures import draw_weights
    from avcer.evaluation.fitting import Effort, compare, examples_of, fit
    from avcer.evaluation.frames import read_frames
    from avcer.output.files import atomic

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


if __name__ == "__main__":
    sys.exit(main())
