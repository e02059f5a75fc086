"""What each choice of an analysis changes, on real clips without labels; and the audio window on labelled speech.

    python benchmarks/ablations.py CLIPS SPEECH... [--write docs/ablations.md]

``CLIPS`` is the folder of the clips below, each analysed as ``avcer ablate`` does. The speech is the validation part of
the tables. With ``--write`` the tables go into the page, and the picture into ``docs/figures/ablations.png``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from avcer.emotion.audio import AudioModel
from avcer.evaluation.ablation.clips import ablate_clips
from avcer.evaluation.ablation.report import panels, tables
from avcer.evaluation.ablation.variations import GROUPS
from avcer.evaluation.compare import Run, drawn
from avcer.evaluation.figures import Panel, draw_dots
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.tables.speech import SpeechTable, full_names, read_speech
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE
from avcer.models.choice import choose
from avcer.models.runtime import load_engine
from avcer.options import Options
from avcer.types import Float
from page import ROOT, circumstances, put, table

CLIPS: Final = (
    "face_noface.mov", "liveportrait_d10.mp4", "liveportrait_d12.mp4", "liveportrait_d20.mp4", "pcavs_00002.mp4",
    "pcavs_00086.mp4", "sadtalker_1.mp4", "short_hamilton_clip.mp4",
)  # fmt: skip
"""Faces large and small, frontal and in profile, one and several, and their sound: speech, song, music."""
PICTURE: Final = ROOT / "docs" / "figures" / "ablations.png"
CUTS: Final = ((4, 0.5), (3, 0.5), (2, 0.5), (1, 0.5), (2, 0.25), (2, 1), (2, 2))
"""Windows and the steps between them, in seconds; the first is the reference."""
SILENT: Final = ("real_time_factor",)
"""Speeds are measured elsewhere, on a machine that does nothing else."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, metavar="CLIPS", help="the folder of the clips")
    parser.add_argument("speech", nargs="+", type=Path, metavar="SPEECH")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    ablation = ablate_clips([chosen.clips / name for name in CLIPS], Options(), tuple(GROUPS), _to_stderr)
    runs = heard(chosen.speech)
    frames = f"{len(CLIPS)} clips: {', '.join(f'`{name}`' for name in CLIPS)}."
    parts = [circumstances("openvino", "numpy", "av"), frames]
    parts += [f"## {title}\n\n{table(*rows)}" for title, rows in tables(ablation, SILENT).items()]
    text = "\n\n".join([*parts, f"## Audio windows on labelled speech\n\n{on_speech(runs)}"])
    print(text)
    if chosen.write:
        draw_dots([*panels(ablation), on_panel(runs)], PICTURE)
        put(chosen.write, text)


def heard(paths: Sequence[Path]) -> dict[str, Run]:
    """What the audio model says of all recordings, for each way to cut them."""
    found = choose("mini", "audio")
    model = AudioModel(found.card, load_engine(found, "cpu", "default"))
    validation = [one.rows(one.validation) for one in map(read_speech, paths)]
    labels = np.concatenate([one.labels for one in validation])
    speakers = np.concatenate([full_names(one) for one in validation])
    runs = {}
    for window_s, step_s in CUTS:
        name = f"{window_s:g} s, every {step_s:g} s"
        _to_stderr(name)
        said = np.concatenate([_predicted(model, one, window_s, step_s) for one in validation])
        runs[name] = Run(name, labels, said, speakers)
    return runs


def _predicted(model: AudioModel, speech: SpeechTable, window_s: float, step_s: float) -> np.ndarray:
    """The emotion of every recording ``(N,)``: the largest mean logit over its windows."""
    said = [
        model.predict(list(windows(recording, window_s, step_s))).mean(axis=0)[: len(BASIC)].argmax()
        for recording in speech.recordings
    ]
    return np.array(said, np.int64)


def windows(recording: Float, window_s: float, step_s: float) -> Iterator[Float]:
    """The whole windows of a recording; a shorter recording is one window."""
    length, step = round(window_s * SAMPLE_RATE), round(step_s * SAMPLE_RATE)
    for start in range(0, max(len(recording) - length, 0) + 1, step):
        yield recording[start : start + length]


def on_speech(runs: dict[str, Run]) -> str:
    """UAR with its interval over speakers, the paired difference to the reference, and the UAR of each table."""
    first, *_ = runs.values()
    names = np.array([speaker.split()[0] for speaker in first.videos.tolist()])
    rows = []
    for name, one in runs.items():
        low, high = _span(one)
        less, more = intervals.interval(intervals.uar(drawn(one)) - intervals.uar(drawn(first)))
        gain = _uar(one) - _uar(first)
        parts = [_uar(_rows(one, names == part)) for part in dict.fromkeys(names.tolist())]
        cells = [f"{_uar(one):.3f} ({low:.3f} to {high:.3f})", f"{gain:+.3f} ({less:+.3f} to {more:+.3f})"]
        rows.append([name + (" (reference)" if one is first else ""), *cells, *(f"{part:.3f}" for part in parts)])
    counts = [f"{name} ({int((names == name).sum())})" for name in dict.fromkeys(names.tolist())]
    return table([f"windows of {len(first.labels)} recordings", "UAR", "difference", *counts], rows)


def on_panel(runs: dict[str, Run]) -> Panel:
    """The same for the picture."""
    points = {name: (_uar(one), *_span(one)) for name, one in runs.items()}
    return Panel("Audio windows, labelled speech", "UAR, of the voice alone", points, next(iter(runs)), "UAR")


def _uar(run: Run) -> float:
    return metrics.uar(run.labels, run.predicted)


def _span(run: Run) -> tuple[float, float]:
    return intervals.interval(intervals.uar(drawn(run)))


def _rows(run: Run, chosen: np.ndarray) -> Run:
    return Run(run.name, run.labels[chosen], run.predicted[chosen], run.videos[chosen])


def _to_stderr(line: object) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
