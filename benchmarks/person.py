"""What `--person` brings on clips of people whom no model has met, by how many other clips they are known from.

    python benchmarks/person.py CLIPS.csv... [--draws 10] [--write docs/decision.md]

A table of clips (path, label, speaker) is a row group. Each clip is analysed once; then what the models say of it is
normalised by so many other clips of the same person, drawn at random whatever they show, and decided anew; then against
so many of the person's other clips that are labelled Neutral (`avcer person --neutral`). UAR and ECE of each curve's
mean over the clip, the mean over the draws. A second table has other shares of Neutral than `--neutral` adds; its
column A is of the voice normalised by neutral clips in the same way, which `--neutral` does not do.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from avcer.decision.baseline import without
from avcer.decision.person import Person, Said, usual_in
from avcer.evaluation.corpora.table import read_table
from avcer.evaluation.corpus_run import ask
from avcer.evaluation.strangers.score import of_clips
from avcer.evaluation.strangers.speakers import held_against, said_in, with_said
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.modalities import AUDIO, CURVES, DYNAMIC, STATIC
from avcer.pipeline import Analyzer
from avcer.types import Double, Integer
from page import circumstances, put, table

NEUTRAL = BASIC.index("Neutral")
KNOWN_FROM = ((0, False), (3, False), (6, False), (12, False), (None, False), (1, True), (2, True), (None, True))
"""Other clips, None for all there are; and whether these are neutral ones."""
SHARES = (1 / 7, 0.3, 0.4, 0.5, 0.6, 0.75, 0.88)
"""Of Neutral, in what is added."""
SCORES = [*(f"UAR {name}" for name in CURVES), "ECE AV"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIPS.csv")
    parser.add_argument("--draws", type=int, default=10, metavar="N")
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help="the page to put the tables into")
    chosen = parser.parse_args()
    analyzer = Analyzer()
    sets = [Clips.read(path, analyzer) for path in chosen.clips]
    rows = [row for one in sets for row in by_number(one, chosen.draws)]
    shares = [row for one in sets for row in by_share(one)]
    text = "\n\n".join([
        table(["clips", "people", "other clips used", *SCORES], rows),
        "Normalised by all other neutral clips of the person, for several shares of Neutral that are added. Column A "
        "has the voice normalised in this way, too; AV has it as it is:",
        table(["clips", "share", *SCORES], shares),
        circumstances("avcer", "openvino", "numpy"),
    ])  # fmt: skip
    print(text)
    if chosen.write:
        put(chosen.write, text)


@dataclass(frozen=True)
class Clips:
    """N clips of a table, analysed: their ``labels (N,)``, ``speakers (N,)``, and what the models said of each, alone
    and with the audio model's relative answer.
    """

    name: str
    labels: Integer
    speakers: Any
    frames: list[FrameTable]
    relative: list[FrameTable]
    analyzer: Analyzer

    @classmethod
    def read(cls, path: Path, analyzer: Analyzer) -> Clips:
        samples = [one for one in read_table(path).samples if one.label in BASIC]
        labels = np.array([BASIC.index(str(one.label)) for one in samples])
        speakers = np.array([one.speaker for one in samples])
        tables = [(told.table(), told.relative_table()) for told in (ask(one, analyzer) for one in samples)]
        frames, relative = map(list, zip(*tables, strict=True))
        return cls(path.parent.name, labels, speakers, frames, relative, analyzer)

    @cached_property
    def said(self) -> list[dict[str, Double]]:
        return [said_in(one) for one in self.frames]

    @cached_property
    def said_relative(self) -> list[dict[str, Double]]:
        return [said_in(one) for one in self.relative]

    @cached_property
    def usual(self) -> list[Said]:
        return [usual_in(one) for one in self.said_relative]

    def others(self, place: int, neutral: bool) -> Integer:
        """The other clips of the same speaker, or the neutral ones among them."""
        own = (self.speakers == self.speakers[place]) & (np.arange(len(self.labels)) != place)
        return np.flatnonzero(own & (self.labels == NEUTRAL) if neutral else own)

    def scores(self, held: Iterable[Said]) -> list[float]:
        """UAR of all curves and the ECE of AV, if this is said of the clips instead."""
        frames = [with_said(one, said) for one, said in zip(self.frames, held, strict=True)]
        found = of_clips(frames, self.labels, self.speakers, self.analyzer.policy)
        return [found[name]["uar"] for name in CURVES] + [found["AV"]["ece"]]


def by_number(clips: Clips, draws: int) -> Iterator[list[object]]:
    """Rows by how many clips a person is known from."""
    for count, neutral in KNOWN_FROM:
        random, found = np.random.default_rng(0), []
        for _ in range(draws if count else 1):
            held = [against(clips, place, count, neutral, random) for place in range(len(clips.labels))]
            found.append(clips.scores(held))
        shown = ("none" if count == 0 else "all" if count is None else str(count)) + ", neutral" * neutral
        means = (f"{value:.3f}" for value in np.mean(found, axis=0))
        yield [clips.name, len(np.unique(clips.speakers)), shown, *means]


def against(clips: Clips, place: int, count: int | None, neutral: bool, random: np.random.Generator) -> Said:
    """What is said of a clip, normalised by ``count`` others of its speaker; as it is where there are too few."""
    others = clips.others(place, neutral)
    if count == 0 or len(others) < (count or 1):
        return clips.said[place]
    drawn = others if count is None else random.choice(others, count, replace=False)
    person = Person.of([clips.usual[other] for other in drawn], {}, neutral)
    return held_against(person, clips.said[place], clips.said_relative[place])


def by_share(clips: Clips) -> Iterator[list[object]]:
    """Rows by the share of Neutral that is added."""
    for share in SHARES:
        added = np.log(np.where(np.arange(len(BASIC)) == NEUTRAL, share, (1 - share) / (len(BASIC) - 1)))
        places = range(len(clips.labels))
        numbers = clips.scores([with_share(clips, place, added, (STATIC.name, DYNAMIC.name)) for place in places])
        voice = clips.scores([with_share(clips, place, added, (AUDIO.name,)) for place in places])
        numbers[CURVES.index(AUDIO.curve)] = voice[CURVES.index(AUDIO.curve)]
        yield [clips.name, f"{share:.2f}", *(f"{value:.3f}" for value in numbers)]


def with_share(clips: Clips, place: int, added: Double, names: Sequence[str]) -> Said:
    """What is said of a clip, in which these modalities are normalised by all other neutral ones of its speaker."""
    others = [clips.usual[other] for other in clips.others(place, neutral=True)]
    held = dict(clips.said[place])
    for name in names:
        rows = clips.said_relative[place][name]
        means = [one[name] for one in others if name in one]
        if means and len(rows):
            held[name] = without(rows, np.mean(means, axis=0), added)
    return held


if __name__ == "__main__":
    main()
