"""Which frame the page takes a picture for, without a browser: a player whose clock and stamps are made up."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from avcer.serve.app import PAGE

NODE = shutil.which("node")
HARNESS = """
import { Player } from "./player.js";
import { Data } from "./data.js";
const { first_s, frames, pictures } = JSON.parse(process.argv[2]);
const times = Array.from({ length: frames }, (_, at) => first_s + at / 25);
const ends = times.map((time) => time + 1 / 25);
const data = Object.assign(Object.create(Data.prototype), { times, ends, first_s, zero: first_s });
globalThis.window = {};
let told;
const video = {
  currentTime: 0, duration: 99, paused: false, addEventListener() {},
  requestVideoFrameCallback(back) { told = back; },
};
const seen = { shown: [], misses: 0 };
const missed = () => { seen.misses += 1; };
new Player(video, data, () => {}, (frame) => seen.shown.push(frame), missed, () => {});
for (const [clock, stamp] of pictures) { video.currentTime = clock; told(0, { mediaTime: stamp }); }
console.log(JSON.stringify([seen.shown, seen.misses]));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="no node here: apt-get install nodejs")


def played(folder: Path, first_s: float, pictures: list[tuple[float, float]]) -> tuple[list[int], int]:
    """The frames that are shown for pictures, each a player's clock and a stamp, of 75 frames from ``first_s`` on; and
    how often it was told that the stamps are not those of the analysis.
    """
    for name in ("player.js", "data.js"):
        shutil.copyfile(PAGE / name, folder / name)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "harness.js").write_text(HARNESS)
    words = [str(NODE), "harness.js", json.dumps({"first_s": first_s, "frames": 75, "pictures": pictures})]
    shown, misses = json.loads(subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout)
    return shown, misses


@pytest.mark.parametrize(
    ("first_s", "pictures", "frames"),
    [
        (5.0, [(0.0, 0.0), (0.04, 0.04)], [0, 1]),
        (5.0, [(0.0, 5.0), (5.04, 5.04)], [0, 1]),
        (5.0, [(4.94, 5.0), (5.04, 5.04)], [0, 1]),
        (0.0, [(0.0, 0.08), (0.04, 0.12)], [0, 1]),
    ],
)
def test_the_first_picture_is_the_first_frame(
    tmp_path: Path, first_s: float, pictures: list[tuple[float, float]], frames: list[int]
) -> None:
    """Of a clip whose time stamps start late, too: some players begin at 0, some at the first stamp."""
    assert played(tmp_path, first_s, pictures) == (frames, 0)


def test_pictures_of_a_clock_that_nobody_knows_are_misses(tmp_path: Path) -> None:
    """Those of no frame, too: otherwise no copy would be made of a clip of which nothing can be shown."""
    assert played(tmp_path, 5.0, [(9 + at / 25, 9 + at / 25) for at in range(5)]) == ([-1] * 5, 1)


def test_pictures_outside_the_analysed_span_are_no_misses(tmp_path: Path) -> None:
    """Of a clock that the first picture told."""
    after = [(3.1 + at / 25, 3.1 + at / 25) for at in range(9)]
    assert played(tmp_path, 0.0, [(0.0, 0.0), *after]) == ([0, *[-1] * 9], 0)
