"""What `--person` brings on clips of people whom no model has met, by how many other clips they are known from.

    python benchmarks/person.py CLIPS.csv... [--draws 10] [--write docs/decision.md]

A table of clips (path, label, speaker) is a row group. Each clip is analysed once; then what the models say of it is
held against so many other clips of the same person, drawn at random whatever they show, and decided anew; then against
so many of the person's other clips that are labelled Neutral (`avcer person --neutral`). UAR and ECE of each curve's
mean over the clip, the mean over the draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from avcer.decision.person import Person, usual_in
from avcer.evaluation.corpora.table import read_table
from avcer.evaluation.corpus_run import answers
from avcer.evaluation.strangers.score import of_clips
from avcer.evaluation.strangers.speakers import said_in, with_said
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.modalities import CURVES
from avcer.pipeline import Analyzer
from page import circumstances, put, table

NEUTRAL = BASIC.index("Neutral")
KNOWN_FROM = ((0, False), (3, False), (6, False), (12, False), (None, False), (1, True), (2, True), (None, True))
"""Other clips, None for all there are; and whether these are neutral ones."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIPS.csv")
    parser.add_argument("--draws", type=int, default=10, metavar="N")
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help="the page to put the table into")
    chosen = parser.parse_args()
    headings = ["clips", "people", "other clips used", *(f"UAR {name}" for name in CURVES), "ECE AV"]
    analyzer = Analyzer()
    rows = [row for path in chosen.clips for row in of_table(path, analyzer, chosen.draws)]
    text = f"{table(headings, rows)}\n\n{circumstances('avcer', 'openvino', 'numpy')}"
    print(text)
    if chosen.write:
        put(chosen.write, text)


def of_table(path: Path, analyzer: Analyzer, draws: int) -> Iterator[list[object]]:
    samples = [one for one in read_table(path).samples if one.label in BASIC]
    labels = np.array([BASIC.index(str(one.label)) for one in samples])
    speakers = np.array([one.speaker for one in samples])
    clips = [answers(one, analyzer) for one in samples]
    for count, neutral in KNOWN_FROM:
        random, found = np.random.default_rng(0), []
        said_of = np.flatnonzero(labels == NEUTRAL) if neutral else np.arange(len(labels))
        for _ in range(draws if count else 1):
            held = clips if count == 0 else known_from(clips, speakers, said_of, count, neutral, random)
            found.append(of_clips(held, labels, speakers, analyzer.policy))
        numbers = [mean(found, name, "uar") for name in CURVES] + [mean(found, "AV", "ece")]
        shown = ("none" if count == 0 else "all" if count is None else str(count)) + ", neutral" * neutral
        yield [path.parent.name, len(np.unique(speakers)), shown, *(f"{value:.3f}" for value in numbers)]


def known_from(
    clips: list[FrameTable], speakers: Any, among: Any, count: int | None, neutral: bool, random: np.random.Generator
) -> list[FrameTable]:
    """The clips, each held against ``count`` others of its speaker ``among`` some."""
    said, held = [said_in(one) for one in clips], []
    usual = [usual_in(one) for one in said]
    for place, clip in enumerate(clips):
        others = np.setdiff1d(among[speakers[among] == speakers[place]], [place])
        drawn = others if count is None else random.choice(others, min(count, len(others)), replace=False)
        person = Person.of([usual[other] for other in drawn], {}, neutral)
        held.append(with_said(clip, {name: person.without(name, rows) for name, rows in said[place].items()}))
    return held


def mean(found: list[dict[str, dict[str, Any]]], curve: str, score: str) -> float:
    return float(np.mean([one[curve][score] for one in found]))


if __name__ == "__main__":
    main()
