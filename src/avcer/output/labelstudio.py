"""Label Studio: the segments as predictions on a time series, in seconds, with the set-up of the project.

Its video tag counts frames of a constant rate, which drifts on many clips; its time-series tag takes seconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from avcer import __version__
from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.labels import BASIC
from avcer.output.tiers import Interval, Tier, Tiers, players_ms

TASKS: Final = "labelstudio.json"
SET_UP: Final = "labelstudio.xml"


def write_labelstudio(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes one task with predictions, and the labelling set-up to paste into the project.

    Raises:
        OutputError: a file cannot be written.
    """
    task = {"data": {"video": analysis.clip.path.name, "ts": _series(analysis)}, "predictions": _predictions(tiers)}
    with atomic_text(folder / TASKS) as file:
        file.write(json.dumps([task]) + "\n")  # json.dump writes number by number
    root = _set_up(tiers)
    ElementTree.indent(root, "  ")
    with atomic_text(folder / SET_UP) as file:
        file.write(ElementTree.tostring(root, encoding="unicode") + "\n")
    return [folder / TASKS, folder / SET_UP]


def _series(analysis: Analysis) -> dict[str, list[float]]:
    """The fused probabilities of the primary face, or of the voice: ``time`` in seconds, and a column an emotion."""
    faces = [face for face in analysis.faces if face.id == analysis.primary] or list(analysis.faces[-1:])
    if not faces:
        return {name: [] for name in ("time", *BASIC)}
    fused, known = faces[0].fused, faces[0].fused.valid
    shares = fused.values[known] / fused.values[known].sum(axis=1, keepdims=True).clip(1e-12)
    columns = dict(zip(BASIC, np.round(shares, 4).T.tolist(), strict=True))
    return {"time": (players_ms(analysis, fused.times_s[known]) / 1000).tolist(), **columns}


def _predictions(tiers: Tiers) -> list[dict[str, Any]]:
    regions = [_region(tier, one, number) for tier in tiers.tiers for number, one in enumerate(tier.intervals)]
    scores = [one.probability for tier in tiers.tiers for one in tier.intervals]
    mean = sum(scores) / len(scores) if scores else 0.0
    return [{"model_version": f"avcer {__version__}", "score": round(mean, 4), "result": regions}]


def _region(tier: Tier, one: Interval, number: int) -> dict[str, Any]:
    return {
        "id": f"{tier.face if tier.face is not None else 'voice'}-{number}",
        "from_name": "label",
        "to_name": "ts",
        "type": "timeserieslabels",
        "origin": "manual" if one.by_person else "prediction",
        "score": round(one.probability, 4),
        "meta": {"text": [tier.name]},
        "value": {
            "start": one.start_ms / 1000,
            "end": one.end_ms / 1000,
            "instant": False,
            "timeserieslabels": [one.label],
        },
    }


def _set_up(tiers: Tiers) -> Element:
    view = Element("View")
    SubElement(view, "Video", name="video", value="$video", sync="both")
    labels = SubElement(view, "TimeSeriesLabels", name="label", toName="ts")
    for label in tiers.labels:
        SubElement(labels, "Label", value=label)
    series = SubElement(view, "TimeSeries", name="ts", value="$ts", valueType="json", timeColumn="time", sync="both")
    for emotion in BASIC:
        SubElement(series, "Channel", column=emotion, displayName=emotion, units="probability")
    return view
