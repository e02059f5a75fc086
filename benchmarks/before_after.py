"""What the shipped audio model scores, beside an earlier version of it: from the cards of both.

    python benchmarks/before_after.py COMMIT [--write docs/mini-models.md]

Both cards hold scores on the same speakers, whom neither version learned from; nothing is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avcer.labels import BASIC
from avcer.models.store import find
from mini_models import NAMES
from page import ROOT, circumstances, put, table

CARD = "src/avcer/models/data/mini/audio/card.json"
MORE = {"crema_d": "CREMA-D", "savee": "SAVEE", "ased": "ASED"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="of the earlier version")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    shown = subprocess.run(["git", "show", f"{chosen.commit}:{CARD}"], cwd=ROOT, capture_output=True, check=True).stdout
    before, now = json.loads(shown)["scores"], find("mini", "audio").card.scores
    headings = ["speakers left out", "n", "UAR before", "UAR now", "ECE before", "ECE now", "recalls now"]
    left = ["corpora left out", "n", "UAR", "ECE", "arousal"]
    text = "\n\n".join(
        [circumstances("avcer"), table(headings, _rows(before, now)), table(left, _left_out(now["left_out"]))]
    )
    print(text)
    if chosen.write:
        put(chosen.write, text)


def _rows(before: dict[str, Any], now: dict[str, Any]) -> Iterator[list[object]]:
    for name, title in (NAMES | MORE).items():
        if name in now:
            former = before.get(name, {})
            recalls = ", ".join(f"{e} {now[name]['per_class'][e]:.2f}" for e in BASIC if e in now[name]["per_class"])
            yield [title, now[name]["n"], _sure(former, "uar"), _sure(now[name], "uar"), _number(former, "ece"),
                   _number(now[name], "ece"), recalls]  # fmt: skip


def _left_out(rows: dict[str, Any]) -> Iterator[list[object]]:
    for name, one in rows.items():
        numbers = [_number(one, key) for key in ("left_out", "ece", "arousal")]
        yield [(NAMES | MORE).get(name, name), one["n"], *numbers]


def _sure(scores: dict[str, Any], name: str) -> str:
    if not scores:
        return ""
    low, high = scores["intervals"][name]
    return f"{scores[name]:.3f} ({low:.3f}-{high:.3f})"


def _number(scores: dict[str, Any], name: str) -> str:
    return f"{scores[name]:.3f}" if name in scores else ""


if __name__ == "__main__":
    main()
