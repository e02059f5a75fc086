"""Whether a face speaks: ways to tell it, photographs beside a voice, and faces that speak in spoilt pictures.

    python benchmarks/speaks.py LABELS.csv... --runs DIR [--photographs FERPLUS SPEECH...] [--degraded N]
        [--write docs/decision.md]

Tables of clips and ``DIR`` as for ``modalities.py``. ``--photographs`` puts validation voices of the tables of speech
beside the validation faces of FER+; ``--degraded`` spoils the pictures of every Nth clip, and looks at every second
frame of them. What is fitted is judged on people, or corpora, that were left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from avcer import Analyzer
from avcer.analysis import Analysis
from avcer.decision.express import read_open
from avcer.decision.fuse import read_fusion
from avcer.decision.policy import Policy
from avcer.decision.weigh import Cues
from avcer.evaluation.corpora import read_corpus
from avcer.evaluation.corpus_run import run
from avcer.evaluation.side_by_side import by_video
from avcer.labels import BASIC
from avcer.media import Pictures, open_sound
from avcer.training.decision import RECIPE, Rows, judge, read_votes, rows_of
from avcer.training.fusion import sort_tables, voice_probabilities
from avcer.training.loop import Plan
from avcer.types import Image, Progress, no_progress
from modalities import Group, people, shares_of, splits, spoken_curves, uar_of, weighed
from page import circumstances, put, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", nargs="+", type=Path, metavar="LABELS.csv")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--photographs", nargs="+", type=Path, metavar="TABLE", help="FER+, and tables of speech")
    parser.add_argument("--degraded", type=int, metavar="N", help="spoil the pictures of every Nth clip")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    analyzer = Analyzer(threads=1)
    groups = [group for path in chosen.labels for group in people(path, analyzer, chosen.runs)]
    parts = [circumstances("openvino", "numpy"), "UAR of face and voice together, a row a clip:", told_by_cues(groups)]
    if chosen.photographs:
        parts += ["Photographs beside a voice, which do not speak:", photographs(chosen.photographs, chosen.runs)]
    if chosen.degraded:
        parts += ["Spoilt pictures of faces that speak:", degraded(chosen.labels, chosen.runs, chosen.degraded)]
    text = "\n\n".join(parts)
    print(text)
    if chosen.write:
        put(chosen.write, text)


CUES: Final = {
    "any face speaks while a sound is heard": None,
    "shipped": (0.045, 20.0, 2.0),
    "speech with its chance": (0.045, 20.0, 1.0),
    "less movement is enough": (0.035, 20.0, 2.0),
    "more movement is asked": (0.06, 20.0, 2.0),
    "softer": (0.045, 6.0, 2.0),
    "softer still": (0.045, 3.0, 2.0),
}
"""Middle, steepness and sharpness of ``decision.weigh.Cues``."""


def told_by_cues(groups: Sequence[Group]) -> str:
    weights, rows = read_fusion("mini"), []
    for name, numbers in CUES.items():
        cues = None if numbers is None else Cues(*numbers)
        rows.append([name, str(numbers or "-"), *(shares_of(pairs, weights, cues) for _, pairs in splits(groups))])
    return table(["way", "middle, steepness, sharpness", *(name for name, _ in splits(groups))], rows)


def photographs(tables: Sequence[Path], runs: Path) -> str:
    """Validation faces and voices, as ``avcer train decision`` puts them together: accuracy, kinds, ECE."""
    plan, rows = Plan.read(RECIPE), _photographs(tables, runs)
    weights, rule, cells = read_fusion("mini"), read_open(), []
    shown = np.where(np.isnan(rows.activity), np.nan, 0.0)
    cases = {
        "taken for faces that speak": (np.full(rows.activity.shape, np.nan), "VS+VD+A"),
        "held before a camera, its mouth watched": (rows.activity, "VS+VD+A"),
        "shown as they are": (shown, "VS+VD+A"),
        "without a voice": (shown, "VS+VD"),
    }
    for name, (activity, modalities) in cases.items():
        scores = judge(rule, replace(rows, activity=activity), weights, plan)[modalities]
        cells.append([name, scores["n"], *(f"{scores[key]:.3f}" for key in ("kind_uar", "accuracy", "ece"))])
    return table(["photographs", "n", "kind UAR", "accuracy", "ECE"], cells)


def _photographs(tables: Sequence[Path], runs: Path) -> Rows:
    kept = runs / "photographs.npz"
    if not kept.exists():
        faces, speech = sort_tables(tables)
        found = rows_of(read_votes(faces), voice_probabilities(speech), True, Plan.read(RECIPE), (), print)
        np.savez(kept, **vars(found))
    with np.load(kept) as saved:
        return Rows(saved["values"], saved["labels"], saved["activity"])


SPOILT: Final[dict[str, Callable[[Image], Image]]] = {
    "as they are": lambda image: image,
    "small": lambda image: cv2.resize(image, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA),
    "dark": lambda image: (image * 0.15).astype(np.uint8),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), image.shape[0] / 60),
    "narrow, as if turned": lambda image: cv2.resize(image, None, fx=0.6, fy=1.0, interpolation=cv2.INTER_AREA),
}  # type: ignore[dict-item]
"""Ways to spoil a picture."""


class Spoiling(Analyzer):
    """Analyses every second frame, spoilt; a third of the height of a face is left of small ones."""

    spoil: Callable[[Image], Image]

    def analyze(self, source: Any, progress: Progress = no_progress) -> Analysis:
        """See ``Analyzer``."""
        blocks = [] if (sound := open_sound(source)) is None else list(sound)
        frames = [frame for number, frame in enumerate(Pictures(source)) if number % 2 == 0]
        spoilt = [replace(frame, image=self.spoil(frame.image)) for frame in frames]
        mixed = [(one.time_s, 1, one) for one in spoilt] + [(one.start_s, 0, one) for one in blocks]
        return super().analyze((one for *_, one in sorted(mixed, key=lambda item: item[:2])), progress)


def degraded(paths: Sequence[Path], runs: Path, every: int) -> str:
    """UAR of the face alone, the voice alone and both, with the shares of the other corpora; a row a clip."""
    weights, cells = read_fusion("mini"), []
    for name, spoil in SPOILT.items():
        analyzer = Spoiling(threads=1)
        analyzer.spoil = spoil
        groups = []
        for path in paths:
            corpus = read_corpus("table", path)
            corpus = replace(corpus, samples=corpus.samples[::every])
            folder = runs / "degraded" / name.partition(",")[0].replace(" ", "-") / path.parent.name
            groups.append(Group(path.parent.name, "all", run(corpus, analyzer, folder)))
        for group in groups:
            others = [one for one in groups if one is not group]
            policy = Policy(weights, rule="open", numbers=weighed(others, weights))
            videos = by_video(group.frames)
            heard = videos.rows(videos.valid.all(axis=1))
            found = spoken_curves(policy, heard)
            scores = [uar_of(heard.places(BASIC), found[curve]) for curve in ("VS+VD", "A", "AV")]
            less = float(scores[2]) - max(map(float, scores[:2]))
            cells.append([name, group.corpus, f"{len(heard)} of {len(videos)}", *scores, f"{less:+.3f}"])
    return table(["pictures", "corpus", "clips with a face", "VS+VD", "A", "AV", "AV against the better"], cells)


if __name__ == "__main__":
    main()
