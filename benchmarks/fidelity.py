"""How near we are to the released implementation: stage by stage, end to end, and through the files that it writes.

    python benchmarks/fidelity.py [--home DIR] [--clips NAME...] [--write docs/fidelity.md]

Prints Markdown tables. The published networks run with the stand-in weights of the reference material, the detector
with its real ones; without ``--home``, a store that holds them, they are imported into a temporary one (two minutes,
4 GB).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from avcer import Analysis
from avcer.emotion.audio import AudioModel
from avcer.emotion.static import StaticModel
from avcer.modalities import NAMES
from avcer.models.core import openvino_core
from avcer.models.runtime import load_engine
from avcer.models.store import find
from page import circumstances, put, table
from reference import RUN_NAMES, import_stand_ins, released_run
from round_trips import Cost, jpeg_cost, wav_cost
from runs import DEFAULT, EXACT, LEAST_EQUAL, Agreement, Way, agreement, analyse, together
from stages import with_models, without_models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a store with the stand-in models")
    parser.add_argument("--clips", nargs="+", default=RUN_NAMES, choices=RUN_NAMES, metavar="NAME")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    if not RUN_NAMES:
        parser.error("needs the reference material: set AVCER_SHARED to its folder")
    with _store(chosen.home):
        text = "\n\n".join(_sections(chosen.clips))
    print(text)
    if chosen.write:
        put(chosen.write, text)


@contextmanager
def _store(home: Path | None) -> Iterator[None]:
    """Makes ``home``, or else a temporary store, the one in use."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, AVCER_HOME=str(home or folder)):
        if home is None:
            import_stand_ins(Path(folder))
        yield


def _sections(names: list[str]) -> Iterator[str]:
    yield f"{circumstances('openvino', 'numpy')} Default precision: {_default_precision()}."
    yield "## Stage by stage"
    yield _stages()
    exact = analyse(EXACT, names)
    for way, analyses in ((EXACT, exact), (DEFAULT, analyse(DEFAULT, names))):
        yield f"## Whole runs, {way.name}"
        yield _runs(way, analyses)
    yield "## Through the released code's files"
    static, audio = _models()
    yield "Static probabilities, each crop written as a JPEG and read back:"
    yield _costs({name: jpeg_cost(name, analysis, static) for name, analysis in exact.items()})
    yield "Audio probabilities, the sound written as a WAV (16 bits, stereo, 44.1 kHz) and read back:"
    yield _costs({name: wav_cost(name, analysis, audio) for name, analysis in exact.items()})


def _default_precision() -> str:
    return str(openvino_core().get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name())


def _stages() -> str:
    modelled, default = with_models("float32"), with_models("default")
    plain = without_models()
    beside = [*(_short(finding.value) for finding in default), *["no model"] * len(plain)]
    rows = [
        (ours.stage, ours.measure, f"{ours.limit:g}", _marked(_short(ours.value), ours.holds), other)
        for ours, other in zip([*modelled, *plain], beside, strict=True)
    ]
    return table(("stage", "largest difference", "at most", "float32", "default precision"), rows)


def _runs(way: Way, analyses: dict[str, Analysis]) -> str:
    parts = {name: agreement(analysis, released_run(name)) for name, analysis in analyses.items()}
    total = together(parts.values())
    limits = ("at most", "", *[f"{way.limit:g}"] * len(NAMES), f"at least {LEAST_EQUAL:.0%}", "")
    rows = [limits, *(_run(way, name, part) for name, part in {**parts, "all": total}.items())]
    held = all(total.mean(modality) <= way.limit for modality in NAMES) and total.same.mean() >= LEAST_EQUAL
    headings = ("clip", "frames", *NAMES, "AV class equal", "of frames")
    verdict = "Over all clips it holds." if held else "Over all clips it DOES NOT HOLD."
    compared = f"Rows where ours is not valid are left out; at least {total.least_compared():.1%} are compared."
    return f"{table(headings, rows)}\n\n{verdict} {compared}"


def _run(way: Way, name: str, part: Agreement) -> tuple[str, ...]:
    means = [_marked(f"{part.mean(modality):.4f}", part.mean(modality) <= way.limit) for modality in NAMES]
    equal = _marked(f"{part.same.mean():.1%}", part.same.mean() >= LEAST_EQUAL)
    return (name, str(part.frames), *means, equal, str(len(part.same)))


def _models() -> tuple[StaticModel, AudioModel]:
    static, audio = find("published", "static"), find("published", "audio")
    return (
        StaticModel(static.card, load_engine(static, "cpu", "float32")),
        AudioModel(audio.card, load_engine(audio, "cpu", "float32")),
    )


def _costs(costs: dict[str, Cost]) -> str:
    columns = ("alone", "without", "through")
    every = Cost(*(np.concatenate([getattr(cost, column) for cost in costs.values()]) for column in columns))
    rows = [
        (name, *(_short(getattr(cost, column).mean()) for column in columns))
        for name, cost in {**costs, "all": every}.items()
    ]
    headings = ("clip", "the round trip alone", "ours against the released", "ours after it against the released")
    return table(headings, rows)


def _short(value: float) -> str:
    return f"{value:.2g}"


def _marked(text: str, holds: bool) -> str:
    """What is beyond its limit stands out."""
    return text if holds else f"**{text}**"


if __name__ == "__main__":
    main()
