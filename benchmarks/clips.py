"""Clip by clip, what is seen, and what the timeline says of it.

    python benchmarks/clips.py FOLDER [--write docs/clips.md]

What was noted by eye is in ``benchmarks/clips_seen.csv``; the rest is measured with the shipped models: for the face
that leads, which emotion each model names most of the time, and which compounds are decided.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from avcer import Analyzer
from avcer.analysis import Analysis, FaceAnalysis
from avcer.labels import BASIC
from avcer.types import EmotionProbabilities
from page import circumstances, put, table

SEEN = Path(__file__).with_name("clips_seen.csv")
LEAST_SHARE = 0.15
"""What is named less often than that is left out."""
LEAST_SURE = 2 / 7
"""Where no emotion has more than twice its chance, a model is unsure."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the clips are")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    analyzer = Analyzer()
    with SEEN.open(newline="", encoding="utf-8") as file:
        rows = [_row(analyzer, chosen.folder, noted) for noted in csv.DictReader(file)]
    text = (
        circumstances("openvino", "av")
        + "\n\n"
        + table(["clip", "what is seen", "the timeline", "where they differ"], rows)
    )
    print(text)
    if chosen.write:
        put(chosen.write, text)


def _row(analyzer: Analyzer, folder: Path, noted: dict[str, str]) -> list[str]:
    analysis = analyzer.analyze(folder / noted["clip"])
    return [f"`{noted['clip']}`", noted["seen"], _timeline(analysis), noted["differs"]]


def _timeline(analysis: Analysis) -> str:
    """The leading face of the clip, or the sound alone where there is no face."""
    face = analysis.face(analysis.primary)
    if face is None:
        return "nothing to decide from"
    parts = [("face", face.static), ("two seconds", face.dynamic), ("voice", face.audio)]
    said = [f"{name}: {_named(values)}" for name, values in parts if values.valid.any()]
    return "; ".join([*said, f"**{_decided(face)}**"])


def _named(values: EmotionProbabilities) -> str:
    said = values.values[values.valid]
    return _shares(BASIC[row.argmax()] if row.max() > LEAST_SURE else "unsure" for row in said)


def _decided(face: FaceAnalysis) -> str:
    classes = face.expression.classes[face.expression.valid].tolist()
    return _shares(face.expression.label(index) for index in classes)


def _shares(words: Iterable[str]) -> str:
    counts = Counter(words)
    total = counts.total()
    return ", ".join(f"{word} {n / total:.0%}" for word, n in counts.most_common() if n >= LEAST_SHARE * total)


if __name__ == "__main__":
    main()
