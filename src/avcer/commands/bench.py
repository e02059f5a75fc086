"""``avcer bench``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from avcer.commands.shared import DONE, FAILED, Commands, add, add_model_options, complain, positive
from avcer.errors import AvcerError


def add_bench(commands: Commands) -> None:
    """The parser of ``avcer bench``."""
    bench = add(
        commands, "bench", "measure how fast clips are analysed, and what each stage takes", _bench, analyses=True
    )
    bench.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    add_model_options(bench, "speed against precision")
    bench.add_argument(
        "--repeats", type=positive, default=3, metavar="N", help="analyses of each clip (default: %(default)s)"
    )
    bench.add_argument("--baseline", action="store_true", help="also run every stage the released way (needs PyTorch)")
    bench.add_argument("--json", action="store_true", help="print one JSON object")


def _bench(chosen: argparse.Namespace) -> int:
    from avcer.bench.measure import Bench, Measured
    from avcer.bench.report import document, lines
    from avcer.options import Options

    options = Options(
        models=chosen.models,
        own_models=tuple(chosen.own_models),
        setting=chosen.setting,
        threads=chosen.threads,
        device="cpu",
    )
    bench = Bench(options, chosen.repeats, chosen.baseline)
    measured: list[Measured] = []
    for video in chosen.videos:
        try:
            measured.append(bench.measure(video))
        except AvcerError as error:
            complain(error, chosen.debug)
    if measured:
        whole = document(bench, measured)
        print(json.dumps(whole) if chosen.json else "\n".join(lines(whole)))
    return DONE if len(measured) == len(chosen.videos) else FAILED
