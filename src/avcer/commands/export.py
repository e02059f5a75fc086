"""``avcer export``: other formats from an earlier analysis."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from avcer.commands.shared import DONE, FAILED, Commands, add, complain, words_of
from avcer.errors import AvcerError, UsageError, one_of_many

if TYPE_CHECKING:
    from avcer.analysis import Analysis


def add_export(commands: Commands) -> None:
    """The parser of ``avcer export``."""
    export = add(commands, "export", "write other formats from an earlier analysis, without the clip", _export)
    export.add_argument(
        "results", nargs="+", type=Path, metavar="RESULT", help="a folder of results, or its analysis.json"
    )
    export.add_argument("--formats", required=True, metavar="eaf,textgrid,...", help="what to write (docs/exports.md)")
    export.add_argument(
        "--video", type=Path, metavar="FILE", help="where the clip is now; links in the files lead there"
    )
    export.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _export(chosen: argparse.Namespace) -> int:
    from avcer.output import writers
    from avcer.output.record import changed_files

    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own keeps 25 MB more
    words = words_of(chosen.formats)
    writers.check_formats(words)
    labels_alone = not writers.reads_curves(words)
    if chosen.video is not None and len(chosen.results) > 1:
        raise UsageError("--video is the clip of one RESULT; give one RESULT with it")
    status = DONE
    for result in chosen.results:
        try:
            with one_of_many(result):
                folder = result if result.is_dir() else result.parent
                before = changed_files(folder)
                files = writers.add(_loaded(result, chosen.video, labels_alone), folder, words)
                if not chosen.quiet:
                    print(f"{result}: wrote {', '.join(path.name for path in files)}")
                    for name in sorted(changed_files(folder) - before):
                        print(f"  note: what was changed by hand is kept as {name}")
        except AvcerError as error:
            complain(error, chosen.debug)
            status = FAILED
    return status


def _loaded(result: Path, video: Path | None, labels_alone: bool) -> Analysis:
    from avcer.output.document import load_json

    analysis = load_json(result, labels_alone)
    return analysis if video is None else replace(analysis, clip=replace(analysis.clip, path=video.absolute()))
