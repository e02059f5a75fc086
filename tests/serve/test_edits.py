"""What the page makes of a person's corrections, without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from avcer.output.corrections import labelled, parse_corrections
from avcer.serve.app import PAGE

NODE = shutil.which("node")
HARNESS = """
import { Edits } from "./edits.js";
const doc = JSON.parse(process.argv[2]);
globalThis.fetch = async (_, options) => {
  const corrections = options ? JSON.parse(options.body) : doc;
  return { ok: true, headers: new Map([["ETag", "x"]]), json: async () => ({ corrections, segments: [] }) };
};
const edits = new Edits("", { faces: [{ id: 0, frames: [] }, { id: 1, frames: [] }], times: [] }, () => {});
await edits.load();
for (const [name, ...words] of JSON.parse(process.argv[3])) await edits[name](...words);
console.log(JSON.stringify(edits.doc));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="no node here: apt-get install nodejs")


def document_of(
    folder: Path, segments: list[tuple[int, float, float, str]], *steps: tuple[Any, ...], **parts: Any
) -> dict[str, Any]:
    """Labels of the faces 0 (from 2 s on it is 3) and 1, and other parts; what the steps make of them."""
    for name in ("edits.js", "api.js"):
        shutil.copyfile(PAGE / name, folder / name)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "harness.js").write_text(HARNESS)
    rows = [dict(zip(("face", "start_s", "end_s", "label"), row, strict=True)) for row in segments]
    document = {"format": "avcer-corrections", "version": 1, "names": {}, "merged": {}, "markers": [],
                "segments": rows, "splits": [{"face": 0, "time_s": 2.0, "into": 3}], **parts}  # fmt: skip
    words = [str(NODE), "harness.js", json.dumps(document), json.dumps(steps)]
    shown = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
    made: dict[str, Any] = json.loads(shown)
    return made


def edited(folder: Path, segments: list[tuple[int, float, float, str]], *steps: tuple[Any, ...]) -> list[str]:
    """Who is what, when, after the steps."""
    said = labelled(parse_corrections(document_of(folder, segments, *steps)))
    return [f"{one.face} {one.label} {one.start_s:g}-{one.end_s:g}" for one in said]


@pytest.mark.parametrize(
    ("segments", "steps", "wanted"),
    [
        ([(0, 2.2, 4, "Anger")], [("label", 3, 2.0, 3.0, "Fear")], ["3 Fear 2-3", "3 Anger 3-4"]),
        ([(0, 1, 4, "Anger")], [("label", 3, 2.0, 3.0, "Fear")], ["0 Anger 1-2", "3 Fear 2-3", "3 Anger 3-4"]),
        ([(0, 1, 4, "Anger")], [("withdraw", 3, 2.0, 4.0)], ["0 Anger 1-2"]),
        ([(0, 1, 4, "Anger")], [("withdraw", 0, 1.0, 2.0)], ["3 Anger 2-4"]),
        ([(0, 1, 4, "Anger")], [("merge", 3, 0), ("label", 0, 2.5, 3.0, "Fear")],
         ["0 Anger 1-2.5", "0 Fear 2.5-3", "0 Anger 3-4"]),
        ([(0, 1, 3, "Anger"), (1, 2, 2.5, "Fear")], [("merge", 3, 0), ("merge", 1, 0)],
         ["0 Anger 1-2", "0 Fear 2-2.5", "0 Anger 2.5-3"]),
        ([(1, 1, 4, "Anger")], [("label", 1, 1.0, 2.0, "Anger", {"start": 1.0, "end": 4.0})], ["1 Anger 1-2"]),
        ([(1, 1, 4, "Anger")], [("label", 1, 2.0, 5.0, "Fear", {"start": 1.0, "end": 4.0})], ["1 Fear 2-5"]),
        ([(0, 1, 4, "Anger")], [("label", 0, 1.0, 1.5, "Anger", {"start": 1.0, "end": 2.0})],
         ["0 Anger 1-1.5", "3 Anger 2-4"]),
        ([(1, 1, 4, "Anger")], [("label", 1, 1.0, 2.0, "Anger", {"start": 1.0, "end": 4.0}), ("undo",)],
         ["1 Anger 1-4"]),
        ([(0, 1, 4, "Anger")], [("merge", 1, 0), ("label", 0, 2.5, 3.0, "Fear")],
         ["0 Anger 1-2", "0 Fear 2.5-3", "3 Anger 2-4"]),
    ],
)  # fmt: skip
def test_a_new_label_takes_the_place_of_what_the_person_was_given_before(
    tmp_path: Path, segments: list[tuple[int, float, float, str]], steps: list[tuple[Any, ...]], wanted: list[str]
) -> None:
    """Also of what was given before the split, or to two faces that were then made one."""
    assert edited(tmp_path, segments, *steps) == wanted


@pytest.mark.parametrize(
    ("merged", "wanted"),
    [({"3": 1}, {}), ({"1": 3}, {"1": 0}), ({"0": 3}, {}), ({"0": 1, "1": 3}, {"0": 1}), ({"1": 0}, {"1": 0})],
)
def test_a_part_that_is_joined_again_leaves_nothing_behind(
    tmp_path: Path, merged: dict[str, int], wanted: dict[str, int]
) -> None:
    """What was said of it is said of the face that it was split from; nobody is then part of himself."""
    splits = [{"face": 0, "time_s": 2.0, "into": 3}, {"face": 3, "time_s": 3.0, "into": 4}]
    names = {"1": "Bo", "3": "Cleo"}
    made = document_of(tmp_path, [(3, 2.2, 2.8, "Fear")], ("unsplit", 3), merged=merged, splits=splits, names=names)
    assert made["splits"] == [{"face": 0, "time_s": 3.0, "into": 4}]
    assert [one["face"] for one in made["segments"]] == [0]
    assert made["names"] == {"1": "Bo"}
    assert made["merged"] == wanted
