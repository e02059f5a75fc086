"""What each setting saves, and how far it agrees with doing all of the work, on all clips at hand.

    python benchmarks/settings.py [--models mini] [--write docs/speed.md]

Times are not taken here: see benchmarks/speed.py. What is measured does not depend on the machine's load.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from avcer import Analysis, Analyzer
from avcer.errors import InputError
from avcer.evaluation.statistics.agreement import Agreement, agreement, together
from page import circumstances, put, table
from reference import CLIPS

LINES = {"setting": "fast", "detect_every": 6, "steady_within": 0.1, "audio_step_s": 0.5}
"""``fast`` classifies faces where the lines between two detections lead; this often, it is ``balanced`` but for that.
"""
EVERYTHING = {"detect_every": 1, "steady_within": 0.0}
VARIATIONS: dict[str, dict[str, object]] = {
    "`balanced`": {},
    "`fast`": {"setting": "fast"},
    "`balanced`, everything on every frame": EVERYTHING,
    "`balanced`, detector on every frame": {"detect_every": 1},
    "`balanced`, detector on every 20th frame, and where classified": {"detect_every": 20},
    "`balanced`, detector on every 6th frame, classified or not": LINES,
    "`balanced`, faces classified between where they change by more than 0.15": {"steady_within": 0.15},
    "`balanced`, faces classified between where they change by more than 0.2": {"steady_within": 0.2},
    "`balanced`, a window of sound every second": {"audio_step_s": 1.0},
    "`balanced`, five frames a second": {"fps": 5.0},
    "`fast`, detector on every 10th frame": {"setting": "fast", "detect_every": 10},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", choices=("mini", "published"), default="mini")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    text = "\n\n".join([circumstances("openvino", "numpy"), measured(chosen.models)])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def measured(models: str) -> str:
    """A row for each variation, against ``exact``."""
    exact = list(analysed(models, {"setting": "exact"}))
    rows = [_row("`exact`", exact, exact)]
    for name, changes in VARIATIONS.items():
        rows.append(_row(name, exact, list(analysed(models, changes))))
    headings = ["", "frames with the AV class of `exact`", "the clip that agrees least", "difference of probabilities"]
    return table([*headings, "frames detected", "faces classified", "windows heard"], rows)


def analysed(models: str, changes: dict[str, object]) -> Iterator[Analysis]:
    """All clips that have pictures."""
    analyzer = Analyzer(models=models, **changes)
    for path in sorted(path for path in CLIPS.rglob("*") if path.is_file() and path.suffix != ".csv"):
        try:
            yield analyzer.analyze(path)
        except InputError:
            continue


def _row(name: str, exact: Sequence[Analysis], other: Sequence[Analysis]) -> list[str]:
    parts = [agreement(first, second) for first, second in zip(exact, other, strict=True)]
    least = min(zip(parts, other, strict=True), key=lambda pair: pair[0].share)
    done = _items(other)
    shares = [
        done["detect"] / done["decode"],
        done["static"] / _items(exact)["static"],
        done["audio"] / _items(exact)["audio"],
    ]
    return [name, *_told(together(parts), least), *(f"{share:.0%}" for share in shares)]


def _told(whole: Agreement, least: tuple[Agreement, Analysis]) -> list[str]:
    clip = f"{least[1].clip.path.name}: {least[0].share:.1%} of {least[0].frames}"
    return [f"{whole.share:.1%} of {whole.frames}", clip, f"{whole.difference:.4f}"]


def _items(analyses: Sequence[Analysis]) -> Counter[str]:
    """What each stage dealt with, over all clips."""
    items: Counter[str] = Counter()
    for analysis in analyses:
        for stage, spent in analysis.provenance["timings"]["stages"].items():
            items[stage] += int(spent["items"])
    return items


if __name__ == "__main__":
    main()
