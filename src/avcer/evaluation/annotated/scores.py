"""Scores of annotator and machine, and where they differ most."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avcer.errors import InputError
from avcer.evaluation.annotated.compare import Compared, Names, known
from avcer.evaluation.statistics import intervals, metrics
from avcer.evaluation.statistics.raters import cohen_kappa, krippendorff_alpha
from avcer.evaluation.statistics.scores import finite
from avcer.files import atomic_text, make_folder
from avcer.labels import BASIC, NONE


@dataclass(frozen=True)
class Difference:
    """A stretch on which the two say different things, each one thing: seconds as a player counts. ``who`` annotated
    it, in the file ``source``.
    """

    clip: str
    tier: str
    who: str
    source: str
    start_s: float
    end_s: float
    label_person: str
    label_machine: str


def scores(compared: Sequence[Compared]) -> dict[str, Any]:
    """Agreement of annotator and machine, over all tiers together.

    ``frames``: of those on which both say something, ``agreement``, Cohen's ``kappa`` with its 95 % interval (the
    annotator's stretches are drawn again, as frames of one stretch go together), Krippendorff's ``alpha``; how many
    frames only one of them labelled. ``segments``: each of the annotator's stretches against what the machine says
    most of its time. ``stretches``: how many the annotators gave, ``n``, and how many are the machine's ``own``
    as an export wrote them. ``confusion``: rows the annotator's labels, columns the machine's, both in the order of
    ``labels``. ``tiers``: the same, one by one. ``people``: annotators of one clip and tier against each other.
    ``differences``: the longest stretches on which they differ.

    Raises:
        InputError: on no frame do both say something.
    """
    names = _order(compared)
    said, machine, groups = _joined(compared, names)
    if not len(said):
        raise InputError("the annotators labelled no frame on which the machine says anything; check clips and times")
    table = metrics.confusion(said, machine, len(names))
    drawn = intervals.bootstrap(said, machine, groups, len(names))
    differences = sorted(_differences(compared), key=lambda one: one.start_s - one.end_s)
    return {
        "clips": len({one.clip for one in compared}),
        "frames": {
            **_agreement(table),
            "interval": intervals.interval(cohen_kappa(drawn)),
            "annotator_only": sum(int((known(one.said) & ~known(one.machine)).sum()) for one in compared),
            "machine_only": sum(int((known(one.machine) & ~known(one.said)).sum()) for one in compared),
        },
        "segments": _agreement(np.sum([_by_segment(one, names) for one in compared], axis=0)),
        "stretches": {"n": sum(one.stretches for one in compared), "own": sum(one.own for one in compared)},
        "people": _between_people(compared, names),
        "tiers": [_of_tier(one, names) for one in compared],
        "labels": names,
        "confusion": table.tolist(),
        "differences": [vars(one) for one in differences],
    }


def _order(compared: Sequence[Compared]) -> list[str]:
    """The labels that occur: basic emotions, compounds, and ``none`` last."""
    found = {str(name) for one in compared for part in (one.said, one.machine) for name in part if name is not None}
    place = {name: number for number, name in enumerate(BASIC)}
    return sorted(found, key=lambda name: (name == NONE, place.get(name, len(BASIC)), name))


def _codes(said: Names, names: Sequence[str]) -> NDArray[np.int64]:
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[name] for name in said], np.int64)


def _joined(compared: Sequence[Compared], names: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
    """Of the frames on which both say something: the annotator's label, the machine's, and the stretch."""
    said, machine, groups, before = [], [], [], 0
    for one in compared:
        both = one.both
        said.append(_codes(one.said[both], names))
        machine.append(_codes(one.machine[both], names))
        groups.append(one.stretch[both] + before)
        before += int(one.stretch.max(initial=-1)) + 1
    return tuple(np.concatenate(part) if part else np.zeros(0, np.int64) for part in (said, machine, groups))


def _agreement(table: NDArray[Any]) -> dict[str, Any]:
    count = int(np.sum(table))
    return {
        "n": count,
        "agreement": float(np.trace(table) / count) if count else float("nan"),
        "kappa": float(cohen_kappa(table)),
        "alpha": float(krippendorff_alpha(table)),
    }


def _by_segment(one: Compared, names: Sequence[str]) -> NDArray[np.int64]:
    """Confusion of the annotator's stretches with what the machine says on most of their frames."""
    both = one.both
    said, machine = _codes(one.said[both], names), _codes(one.machine[both], names)
    numbers, firsts, place = np.unique(one.stretch[both], return_index=True, return_inverse=True)
    votes = np.zeros((len(numbers), len(names)), np.int64)
    np.add.at(votes, (place, machine), 1)
    return metrics.confusion(said[firsts], votes.argmax(axis=1), len(names))


def _of_tier(one: Compared, names: Sequence[str]) -> dict[str, Any]:
    said, machine, _ = _joined([one], names)
    table = metrics.confusion(said, machine, len(names))
    return {
        "clip": one.clip, "tier": one.tier, "annotator": one.by[0], "against": one.face, "stretches": one.stretches,
        "own": one.own, **_agreement(table),
    }  # fmt: skip


def _between_people(compared: Sequence[Compared], names: Sequence[str]) -> dict[str, Any] | None:
    """What annotators of one clip and face say, each two of them; None where no clip has two."""
    together: Mapping[tuple[str, str], list[Compared]] = defaultdict(list)
    for one in compared:
        together[one.clip, one.face].append(one)
    pairs = [pair for group in together.values() for pair in combinations(group, 2) if pair[0].by != pair[1].by]
    if not pairs:
        return None
    table = np.zeros((len(names), len(names)), np.int64)
    for first, second in pairs:
        both = known(first.said) & known(second.said)
        table += metrics.confusion(_codes(first.said[both], names), _codes(second.said[both], names), len(names))
    return _agreement(table)


def _differences(compared: Sequence[Compared]) -> Iterator[Difference]:
    for one in compared:
        differ = one.both & (one.said != one.machine)
        rows = np.flatnonzero(differ)
        if not len(rows):
            continue
        new = (np.diff(rows) > 1) | (one.said[rows][1:] != one.said[rows][:-1])
        new |= one.machine[rows][1:] != one.machine[rows][:-1]
        edges = [0, *(np.flatnonzero(new.astype(np.bool_)) + 1).tolist(), len(rows)]
        for first, after in pairwise(edges):
            start, end = rows[first], rows[after - 1]
            span = round(float(one.starts_s[start]), 3), round(float(one.ends_s[end]), 3)
            yield Difference(one.clip, one.tier, *one.by, *span, str(one.said[start]), str(one.machine[start]))


def write_scores(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes ``agreement.json``, and ``differences.csv`` with every stretch on which the two differ, the longest first.

    Raises:
        OutputError: a file cannot be written.
    """
    paths = [make_folder(folder) / "agreement.json", folder / "differences.csv"]
    with atomic_text(paths[0]) as file:
        json.dump(finite(dict(found)), file, indent=1)
        file.write("\n")
    with atomic_text(paths[1]) as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Difference)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found["differences"])
    return paths
