"""A person's splits, merges and labels: every format says the same of them as ``corrected.csv``."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from avcer import cli
from avcer.analysis import Analysis
from avcer.annotations.labels import read_labels
from avcer.evaluation.annotated.compare import compare
from avcer.labels import NONE
from avcer.output.agreement import agreement
from avcer.output.annotated.facts import Facts
from avcer.output.corrections import Correction, Corrections, Split, labelled, read_corrections, write_corrections
from avcer.output.tiers import tiers_of
from avcer.output.writers import save

SPLIT = Corrections(
    names={0: "Anna", 1: "Bo", 3: "Cleo"}, splits=(Split(0, 2.0, 3),), segments=(Correction(3, 2.52, 3.52, "Anger"),)
)
MERGED = replace(SPLIT, names={0: "Anna", 1: "Cleo"}, merged={3: 1})
"""The split part is the other face, which is seen before it."""
OVERLAPPING = replace(SPLIT, segments=(Correction(0, 1.0, 3.0, "Anger"), Correction(3, 2.2, 2.52, "Fear")))
"""The part of the first label that is of the other person, and a later label of that person."""
CASES = (SPLIT, MERGED, OVERLAPPING)

Frames = dict[tuple[int, str], str | None]
"""By frame and name: the label that a person gave, if any."""


@pytest.fixture(params=CASES, ids=["split", "merged", "overlapping"])
def folder(request: pytest.FixtureRequest, scene: Callable[..., Analysis], tmp_path: Path) -> Path:
    """A face throughout, another in the first second; the face is another one from 2 s on."""
    write_corrections(request.param, tmp_path)
    save(shown(scene), tmp_path, ["json", "corrected", "parquet", "mot", "srt"])
    return tmp_path


def shown(scene: Callable[..., Analysis]) -> Analysis:
    return scene(faces=((0, 99, ()), (0, 24, ())))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def of_corrected(folder: Path, times_s: list[float]) -> Frames:
    """What ``corrected.csv`` says of each frame."""
    return {
        (frame, row["name"]): row["label"] if row["source"] == "person" else None
        for row in table(folder / "corrected.csv")
        for frame, time_s in enumerate(times_s)
        if float(row["start_s"]) <= time_s < float(row["end_s"])
    }


def test_all_formats_say_the_same(folder: Path, scene: Callable[..., Analysis]) -> None:
    analysis = shown(scene)
    wanted = of_corrected(folder, analysis.times_s.tolist())
    assert {"Anna", "Cleo"} <= {name for _, name in wanted}
    assert "Anger" in wanted.values()

    rows = parquet.read_table(folder / "analysis.parquet").to_pylist()
    assert {(row["frame"], row["name"]): row["corrected"] for row in rows if row["face"] is not None} == wanted

    names = {row["face"]: row["name"] for row in table(folder / "boxes.names.csv")}
    boxes = [line.split(",")[:2] for line in (folder / "boxes.mot.txt").read_text().splitlines()]
    assert {(int(frame) - 1, names[face]) for frame, face in boxes} == set(wanted)

    facts = Facts(analysis, read_corrections(folder))
    drawn = {
        (frame, face.name): face.said.label if face.said and face.said.probability is None else None
        for frame, moment in enumerate(facts.moments())
        for face in moment.faces
    }
    assert drawn == wanted
    assert {ribbon.name for ribbon in facts.ribbons(3)} == {name for _, name in wanted}


def test_labels_are_compared_with_the_face_that_was_labelled(folder: Path, scene: Callable[..., Analysis]) -> None:
    analysis = shown(scene)
    wanted = of_corrected(folder, analysis.times_s.tolist())
    assert cli.main(["import-annotations", str(folder / "corrections.json"), "--quiet"]) == 0
    compared, _ = compare(read_labels(folder / "labels.csv"), [folder])
    said = {(int(at), one.face): one.said[at] for one in compared for at in np.flatnonzero(one.said != None)}  # noqa: E711
    assert said == {key: label for key, label in wanted.items() if label}
    for one in compared:
        there = {frame for frame, name in wanted if name == one.face}
        assert set(np.flatnonzero(one.machine != None).tolist()) == there  # noqa: E711
        if one.face == "Cleo":
            face = analysis.faces[0].expression
            assert one.machine[60:80].tolist() == [face.label(int(place)) for place in face.classes[60:80]]


def test_a_person_of_whom_nothing_is_said_has_a_tier_and_a_name(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = scene(faces=((0, 99, ()),))
    cut = tuple(one for one in analysis.faces[0].segments if one.end_s <= 2.0 or one.label == NONE)
    write_corrections(Corrections(splits=(Split(0, 2.0, 3),)), tmp_path)
    quiet = replace(analysis, faces=(replace(analysis.faces[0], segments=cut),))
    assert [tier.name for tier in tiers_of(quiet, tmp_path).tiers] == ["Face 0", "Face 3"]
    save(analysis, tmp_path, ["srt"])
    assert {line.split(":")[0] for line in (tmp_path / "segments.srt").read_text().splitlines() if "(" in line} == {
        "Face 0", "Face 3"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([(0, 1, 3, "Anger"), (0, 2, 2.5, "Fear")], ["Anger 1-2", "Fear 2-2.5", "Anger 2.5-3"]),
        ([(0, 2, 2.5, "Fear"), (0, 1, 3, "Anger")], ["Anger 1-2", "Fear 2-2.5", "Anger 2.5-3"]),
        ([(0, 1, 3, "Anger"), (0, 1, 2, "Fear")], ["Fear 1-2", "Anger 2-3"]),
        ([(0, 1, 9, "Anger"), (0, 2, 6, "Fear"), (0, 3, 4, "Anger")],
         ["Anger 1-2", "Fear 2-3", "Anger 3-4", "Fear 4-6", "Anger 6-9"]),
        ([(0, 1, 2, "Anger"), (0, 2, 3, "Fear"), (2, 1, 3, "Fear"), (None, 1, 3, "Fear")],
         ["Fear 1-3", "Anger 1-2", "Fear 2-3", "Fear 1-3"]),
        ([(0, 1, 3, "Anger"), (7, 2, 4, "Fear")], ["Anger 1-2", "Fear 2-4"]),
    ],
)  # fmt: skip
def test_the_later_label_cuts_the_earlier(given: list[tuple[int | None, float, float, str]], wanted: list[str]) -> None:
    """The last case: two faces that are one person."""
    said = Corrections(merged={7: 0}, segments=[Correction(*one) for one in given])
    assert [f"{one.label} {one.start_s:g}-{one.end_s:g}" for one in labelled(said)] == wanted
    judged_s = sum(one.end_s - one.start_s for one in labelled(said))
    assert agreement((), said).judged_s == pytest.approx(judged_s)
