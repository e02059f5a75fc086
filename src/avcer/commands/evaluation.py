"""``avcer evaluate`` and ``avcer compare``."""

from __future__ import annotations

import argparse
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcer.commands.shared import DONE, FAILED, Commands, add, add_decision_options, add_model_options
from avcer.errors import AvcerError, UsageError
from avcer.words import ANNOTATIONS, CORPORA, FAMILIES, LEVELS, PARTS, PEERS, STRANGERS, TABLES

if TYPE_CHECKING:
    from avcer.evaluation.corpora import Corpus


def add_evaluate(commands: Commands) -> None:
    """The parser of ``avcer evaluate``."""
    evaluate = add(
        commands, "evaluate", "score the models on labelled tables, or on a corpus", _evaluate, analyses=True
    )
    evaluate.add_argument(
        "protocol",
        choices=(*TABLES, *CORPORA, ANNOTATIONS, STRANGERS),
        metavar="PROTOCOL",
        help="a table, a corpus, annotations or strangers (docs/evaluation.md lists them)",
    )
    evaluate.add_argument(
        "files", nargs="+", type=Path, metavar="FILE",
        help="tables; the folder of a corpus; of annotations, results and then labels; of strangers, a folder",
    )  # fmt: skip
    add_model_options(evaluate, "precision or speed")
    evaluate.add_argument("--part", choices=PARTS, default="all", help="the rows to score (default: all)")
    evaluate.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the folder for the report; the same command resumes after an interruption",
    )
    evaluate.add_argument(
        "--level", choices=LEVELS, help="score frames or videos, of a corpus (default: as it is labelled)"
    )
    add_decision_options(evaluate)
    evaluate.add_argument(
        "--families", metavar="LIST", help="of strangers: mini, published, or both with a comma (default: mini)"
    )
    evaluate.add_argument(
        "--peers", metavar="LIST", help="of strangers: a list with commas, or none (default: all installed)"
    )
    evaluate.add_argument(
        "--write", type=Path, metavar="PAGE", help="of strangers: a Markdown page to insert the tables into"
    )
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")


def _evaluate(chosen: argparse.Namespace) -> int:
    from avcer.console import print_scores

    if chosen.protocol == STRANGERS:
        return _evaluate_strangers(chosen)
    if any((chosen.families, chosen.peers, chosen.write)):
        raise UsageError(f"evaluate {chosen.protocol} scores one family: leave --families, --peers and --write out")
    if chosen.protocol == ANNOTATIONS:
        return _evaluate_annotations(chosen)
    if chosen.protocol in CORPORA or (chosen.protocol == "ferplus" and chosen.files[0].is_dir()):
        scores = _evaluate_corpus(chosen)
    else:
        scores = _evaluate_tables(chosen)
    print_scores(scores, chosen.json)
    return FAILED if scores.get("left_out") else DONE


def _evaluate_annotations(chosen: argparse.Namespace) -> int:
    from avcer.annotations.labels import read_tables
    from avcer.console import print_annotated
    from avcer.evaluation.annotated.compare import compare
    from avcer.evaluation.annotated.scores import scores, write_scores

    results = [path for path in chosen.files[:-1] if path.is_dir() or path.suffix.lower() != ".csv"]
    tables = [path for path in chosen.files if path not in results]
    if not results:
        raise UsageError("evaluate annotations needs the results and then the labels: RESULT... LABELS...")
    others = (chosen.level, chosen.fusion, chosen.rule, chosen.compounds, chosen.own_models, chosen.threads)
    if any(others) or chosen.part != "all":
        names = "--part, --level, --fusion, --rule, --compounds, --own-model and --threads"
        raise UsageError(f"evaluate annotations scores stored results as they are: leave {names} out")
    compared, left_out = compare(read_tables(tables), results)
    for clip in left_out:
        to_stderr(f"left out: {clip}: has no result among those given", debug=False)
    found = scores(compared)
    if chosen.out is not None:
        write_scores(found, chosen.out)
    print_annotated(found, chosen.json)
    return FAILED if left_out else DONE


def _evaluate_strangers(chosen: argparse.Namespace) -> int:
    from avcer.console import print_tables
    from avcer.evaluation.peers.registry import chosen_peers
    from avcer.evaluation.strangers import report, run

    chosen_else = (chosen.level, chosen.fusion, chosen.rule, chosen.compounds, chosen.own_models, chosen.threads)
    if chosen.out or any(chosen_else):
        names = "--out, --level, --fusion, --rule, --compounds, --own-model and --threads"
        raise UsageError(f"evaluate strangers leaves nothing to choose: leave {names} out")
    if len(chosen.files) != 1 or chosen.part != "all":
        raise UsageError("evaluate strangers needs one folder, and takes the parts that its protocols name")
    families, peers = _listed(chosen.families, "mini"), _listed(chosen.peers, ",".join(PEERS))
    if unknown := [family for family in families if family not in FAMILIES]:
        raise UsageError(f"unknown family {unknown[0]!r}; the families are {', '.join(FAMILIES)}")
    named = chosen_peers([] if peers == ["none"] else peers)
    found = run.run_benchmark(chosen.files[0], families, named, lambda line: print(line, file=sys.stderr, flush=True))
    if chosen.write:
        words = [f"--{name} {chosen_for}" for name in ("families", "peers") if (chosen_for := vars(chosen)[name])]
        report.write_page(found, chosen.write, " ".join(["avcer evaluate strangers", str(chosen.files[0]), *words]))
    print_tables(report.tables(found), found.notes, report.document(found) if chosen.json else None)
    return DONE


def _listed(words: str | None, usual: str) -> list[Any]:
    return [word.strip() for word in (words or usual).split(",") if word.strip()]


def _evaluate_tables(chosen: argparse.Namespace) -> dict[str, Any]:
    from avcer.evaluation.protocols import Subject, evaluate
    from avcer.options import SETTINGS

    if any((chosen.out, chosen.level, chosen.fusion, chosen.rule, chosen.compounds)) or chosen.part == "test":
        names = "--out, --level, --fusion, --rule, --compounds and --part test"
        raise UsageError(f"evaluate {chosen.protocol} scores tables: leave {names} out")
    precision = SETTINGS[chosen.setting].precision
    subject = Subject(chosen.models, precision, chosen.part, tuple(chosen.own_models), chosen.threads)
    return evaluate(chosen.protocol, chosen.files, subject)


def _evaluate_corpus(chosen: argparse.Namespace) -> dict[str, Any]:
    from avcer.evaluation.corpora.c_expr_db import sample_file
    from avcer.evaluation.corpus_run import answer_corpus, score_corpus
    from avcer.pipeline import Analyzer

    if chosen.protocol == "c-expr-db" and (chosen.part != "all" or chosen.level):
        raise UsageError("evaluate c-expr-db answers every place of the sample file: leave --part and --level out")
    if chosen.out is None or len(chosen.files) != 1:
        raise UsageError(f"evaluate {chosen.protocol} needs one folder, and --out DIR for the report")
    compounds = usual_compounds(chosen.protocol) if chosen.compounds is None else chosen.compounds
    corpus = labelled(chosen.protocol, chosen.files[0], compounds)
    options = {
        "compounds": compounds,
        "models": chosen.models,
        "own_models": tuple(chosen.own_models),
        "fusion": chosen.fusion,
        "rule": chosen.rule,
        "threads": chosen.threads,
    }
    analyzer = Analyzer(**options, setting=chosen.setting)
    report = partial(to_stderr, debug=chosen.debug)
    if chosen.protocol == "c-expr-db":
        submission = answer_corpus(corpus, analyzer, sample_file(chosen.files[0]), chosen.out, report)
        return {"n": len(corpus.samples), "submission": str(submission)}
    return score_corpus(corpus, analyzer, chosen.out, chosen.part, chosen.level, report)


def usual_compounds(name: str) -> str:
    """The vocabulary of a corpus if none is asked for."""
    return "avcer-12" if name == "table" else "c-expr-db"


def labelled(name: str, root: Path, compounds: str) -> Corpus:
    """A corpus of ``CORPORA`` in its folder, or in its table, whose labels may be ``compounds``."""
    from avcer.evaluation.corpora import read_corpus
    from avcer.evaluation.corpora.table import read_table
    from avcer.labels import read_vocabulary

    return read_table(root, read_vocabulary(compounds)) if name == "table" else read_corpus(name, root)


def to_stderr(news: str | AvcerError, debug: bool) -> None:
    """The clip that comes next, or one that was left out: a line, after the traceback if that was asked for."""
    if isinstance(news, AvcerError) and debug:
        traceback.print_exception(news)
    line = f"left out: {news}" if isinstance(news, AvcerError) else news
    print(line, file=sys.stderr, flush=True)


def add_compare(commands: Commands) -> None:
    """The parser of ``avcer compare``."""
    compare = add(commands, "compare", "put runs on one corpus beside each other", _compare)
    compare.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders that avcer evaluate CORPUS wrote")
    compare.add_argument("--json", action="store_true", help="print one JSON list")


def _compare(chosen: argparse.Namespace) -> int:
    from avcer.console import print_compared
    from avcer.evaluation.compare import compare_runs

    print_compared(compare_runs(chosen.runs), chosen.json)
    return DONE
