"""Whether this checkout computes what an earlier one computed: `python benchmarks/same_as.py REVISION CLIP...`.

Both checkouts analyse every clip with the models of REVISION, at `exact`, on one core of the processor, and so with one
engine thread; then every probability is compared. The table has a row for each clip; a difference needs a reason.

With `--speed`, both analyse the clips at `balanced` on all cores instead, in turn, each time in a process of its own;
the table has the best seconds of the wall clock and of all cores together, and the largest peak of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
PARTS = ("static", "dynamic", "audio", "fused")
RUN = """
import dataclasses, os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from avcer import Analyzer, Options
models, out, *clips = sys.argv[1:]
roles = tuple(os.path.join(models, role) for role in ("detector", "static", "dynamic", "audio"))
names = {field.name for field in dataclasses.fields(Options)}
own = "custom_models" if "custom_models" in names else "own_models"
analyzer = Analyzer(setting="exact", device="cpu", fusion=os.path.join(models, "fusion.json"), **{own: roles})
for number, clip in enumerate(clips):
    analysis = analyzer.analyze(clip)
    arrays = {"times": analysis.times_s, "audio": analysis.audio.values, "audio valid": analysis.audio.valid}
    for face in analysis.faces:
        if face.track is not None:
            arrays[f"{face.id} boxes"] = face.track.boxes
        for part in ("static", "dynamic", "audio", "fused"):
            arrays[f"{face.id} {part}"] = getattr(face, part).values
            arrays[f"{face.id} {part} valid"] = getattr(face, part).valid
    np.savez(f"{out}/{number}.npz", **arrays)
"""

TIME = """
import dataclasses, json, os, resource, sys, time
from avcer import Analyzer, Options
models, *clips = sys.argv[1:]
roles = tuple(os.path.join(models, role) for role in ("detector", "static", "dynamic", "audio"))
names = {field.name for field in dataclasses.fields(Options)}
own = "custom_models" if "custom_models" in names else "own_models"
chosen = {own: roles, "fusion": os.path.join(models, "fusion.json"), "device": "cpu", "rule": "gated"}
analyzer = Analyzer(**chosen)
analyzer.analyze(clips[0])
wall, busy = time.perf_counter(), time.process_time()
for clip in clips:
    analyzer.analyze(clip)
passed = time.perf_counter() - wall, time.process_time() - busy
print(json.dumps([*passed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One clip: how many frames and faces; `equal`: whether every array is; `largest`: the largest difference of a
    probability, None where shapes differ; `where`: the first array that differs.
    """

    clip: str
    frames: int
    faces: int
    equal: bool
    largest: float | None
    where: str


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """The repository at a revision, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkout"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", "--force", str(path), revision], check=True, capture_output=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True, capture_output=True)


def analyse(source: Path, models: Path, clips: Sequence[Path], out: Path) -> None:
    """Runs the package in `source` on all clips, in a process of its own; an archive of arrays a clip."""
    out.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(source / "src")}
    arguments = [str(models), str(out), *map(str, clips)]
    subprocess.run([sys.executable, "-c", RUN, *arguments], check=True, env=environment)


def compare(clip: str, before: Path, after: Path) -> Row:
    """One clip's archives, array by array."""
    with np.load(before) as old, np.load(after) as new:
        faces = sum(name.endswith(" boxes") for name in new)
        different = [name for name in sorted({*old, *new}) if not _same(old, new, name)]
        shapes = all(name in old and name in new and old[name].shape == new[name].shape for name in different)
        apart = [float(np.abs(old[name].astype(float) - new[name]).max(initial=0)) for name in different if shapes]
        largest = max(apart, default=0.0) if shapes else None
        return Row(clip, len(new["times"]), faces, not different, largest, different[0] if different else "")


def _same(old: np.lib.npyio.NpzFile, new: np.lib.npyio.NpzFile, name: str) -> bool:
    return name in old and name in new and np.array_equal(old[name], new[name])


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    headings = ["clip", "frames", "faces", "equal", "largest difference", "first array that differs"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for row in rows:
        largest = "shapes differ" if row.largest is None else f"{row.largest:.2g}"
        equal = "yes" if row.equal else "no"
        lines.append(f"| {row.clip} | {row.frames} | {row.faces} | {equal} | {largest} | {row.where} |")
    return "\n".join(lines)


def speed(sources: Sequence[Path], models: Path, clips: Sequence[Path]) -> list[NDArray[np.float64]]:
    """Of each checkout, a row a round: seconds of the wall clock, seconds of all cores, megabytes at the peak."""
    rounds: list[list[list[float]]] = [[] for _ in sources]
    for _ in range(ROUNDS):
        for source, taken in zip(sources, rounds, strict=True):
            environment = {**os.environ, "PYTHONPATH": str(source / "src")}
            command = [sys.executable, "-c", TIME, str(models), *map(str, clips)]
            done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
            taken.append(json.loads(done.stdout.splitlines()[-1]))
    return [np.array(taken) for taken in rounds]


def speed_table(before: NDArray[np.float64], after: NDArray[np.float64]) -> str:
    """Both in Markdown, and the ratio; the best of all rounds in time, the median in memory."""
    lines = ["| | before | after | ratio |", "|---|---|---|---|"]
    for column, name in enumerate(("seconds", "seconds of all cores", "peak memory, MB")):
        pick = np.median if column == 2 else np.min
        old, new = float(pick(before[:, column])), float(pick(after[:, column]))
        lines.append(f"| {name} | {old:.2f} | {new:.2f} | {new / old:.3f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="the earlier checkout, as git names it")
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--speed", action="store_true", help="how fast, and how much memory, instead of how equal")
    chosen = parser.parse_args(arguments)
    clips = [clip.resolve() for clip in chosen.clips]
    with checkout(chosen.revision) as earlier, tempfile.TemporaryDirectory() as folder:
        models = earlier / "src" / "avcer" / "models" / "data" / "mini"
        if chosen.speed:
            print(speed_table(*speed([earlier, ROOT], models, clips)))
            return 0
        before, after = Path(folder) / "before", Path(folder) / "after"
        analyse(earlier, models, clips, before)
        analyse(ROOT, models, clips, after)
        names = [f"{number}.npz" for number in range(len(clips))]
        rows = [compare(clip.name, before / name, after / name) for clip, name in zip(clips, names, strict=True)]
    print(table(rows))
    return 0 if all(row.equal for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
