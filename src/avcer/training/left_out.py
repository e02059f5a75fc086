"""A recipe with one corpus left out: trained on the other tables, and scored on that one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avcer.errors import UsageError
from avcer.evaluation.protocols import Subject, classify_faces, classify_voices
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.arousal import arousal
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.strangers.protocol import learned_from
from avcer.files import atomic_text
from avcer.models.card import Family, ModelCard, Role
from avcer.training.finish import rounded
from avcer.types import Double, Integer

if TYPE_CHECKING:
    from avcer.training import Recipe

Said = tuple[Integer, Double, Any]
"""Labels ``(N,)``, probabilities ``(N, 7)``, and who each item is of ``(N,)``."""


def train(
    tables: Sequence[Path],
    out: Path,
    epochs: int | None = None,
    report: Callable[[str], None] = print,
    *,
    recipe: Recipe,
    leave_out: str,
    start: Path | None = None,
) -> ModelCard:
    """Runs ``recipe`` on all ``tables`` but that of the corpus ``leave_out``, scores the model on the whole of that
    one, and writes the scores to ``out/left-out-NAME.json``.

    Raises:
        UsageError: there is no such table, or no other one; or the model ``start`` has learned from the corpus.
    """
    left, others = split(tables, leave_out)
    if start is not None and learned_from(leave_out, ModelCard.read(start)):
        raise UsageError(f"{start}: has learned from {leave_out}, which so cannot be left out; begin without --start")
    card = recipe(others, out, epochs, report)
    found = rounded(score(left, out / "model", card.role, card.family))
    report(line(leave_out, found))
    with atomic_text(out / f"left-out-{leave_out}.json") as file:
        file.write(json.dumps({leave_out: found}, indent=2) + "\n")
    return card


def split(tables: Sequence[Path], name: str) -> tuple[Path, list[Path]]:
    """The table of the corpus ``name``, and the others."""
    left = [path for path in tables if corpus(path) == name]
    others = [path for path in tables if corpus(path) != name]
    if len(left) != 1 or not others:
        names = ", ".join(corpus(path) for path in tables)
        raise UsageError(f"--leave-out {name}: name one of the tables' corpora ({names}), and give others beside it")
    return left[0], others


def corpus(path: Path) -> str:
    """The corpus of a table: ``ravdess-00.parquet`` is ``ravdess``."""
    return path.stem.split("-")[0]


def score(table: Path, model: Path, role: Role, family: Family) -> dict[str, Any]:
    """Scores of the model in the folder ``model`` on the whole of a table."""
    labels, said, groups = _heard(table, model, family) if role == "audio" else _seen(table, model, family)
    return {
        **classification(labels, said),
        "interval": doubts(labels, said, groups)["intervals"]["uar"],
        "groups": len(np.unique(groups)),
        "ece": metrics.ece(labels, said),
        "arousal": arousal(labels, said),
    }


def _heard(table: Path, model: Path, family: Family) -> Said:
    ((speech, said),) = classify_voices([table], Subject(family, own_models=(model,)))
    return speech.labels, said, speech.speakers


def _seen(table: Path, model: Path, family: Family) -> Said:
    ((faces, said),) = classify_faces([table], Subject(family, own_models=(model,)))
    clear = np.flatnonzero(faces.clear)
    return faces.labels[clear], said[clear], clear


def line(name: str, found: dict[str, Any]) -> str:
    """The scores in a line."""
    low, high = found["interval"]
    shown = f"{name}, left out: n {found['n']}, UAR {found['uar']:.3f} ({low:.3f}-{high:.3f}), ECE {found['ece']:.3f}"
    return shown if found["arousal"] is None else f"{shown}, arousal {found['arousal']:.3f}"
