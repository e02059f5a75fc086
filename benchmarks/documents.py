"""How large an analysis is on disk, and how long it takes to save and to load: made-up clips with two faces.

    python benchmarks/documents.py [--minutes 60] [--rule open]

Prints a table: each format, its files' bytes, seconds to write and to read. The worst case has nothing that a machine
could make smaller: every probability is drawn anew on every frame.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from avcer.analysis import Analysis
from avcer.decision.fuse import read_fusion
from avcer.decision.policy import Policy
from avcer.decision.segments import frame_ends
from avcer.decision.timelines import decide_all
from avcer.labels import C_EXPR_DB
from avcer.types import Clip, Double, EmotionProbabilities, FaceTrack

RATE = 25.0
LIMITS = {"megabytes": 15, "save, s": 2.0, "load, s": 1.0}


def made_up(minutes: float, rule: str, worst: bool) -> Analysis:
    """Two faces all the time, and a voice. ``worst``: without any likeness from frame to frame."""
    frames = round(minutes * 60 * RATE)
    times_s = np.arange(frames) / RATE
    generator = np.random.default_rng(0)

    def said(held: int) -> Double:
        """A walk through the emotions in steps of ``held`` frames, or noise."""
        if worst:
            return generator.dirichlet(np.ones(7), frames)
        knots = generator.normal(0, 2.2, (frames // 30 + 3, 7))
        places = np.arange(frames) // held * held / 30
        low = places.astype(int)
        part = (places - low)[:, np.newaxis]
        logits = knots[low] * (1 - part) + knots[low + 1] * part
        logits += np.repeat(generator.normal(0, 0.08, (frames // held + 1, 7)), held, axis=0)[:frames]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)

    def track(identity: int) -> FaceTrack:
        middle = 200 + 300 * identity + np.cumsum(generator.normal(0, 0.5, (frames, 2)), axis=0)
        boxes = np.hstack([middle - 60, middle + 60]) + generator.normal(0, 0.5, (frames, 4))
        landmarks = middle[:, np.newaxis] + generator.normal(0, 0.5, (frames, 5, 2))
        scores = generator.uniform(0.9, 1, frames).astype(np.float32)
        return FaceTrack(identity, np.arange(frames), boxes.astype(np.float32), landmarks.astype(np.float32), scores)

    clip = Clip(Path("made-up.mp4"), frames / RATE, frames, RATE, 1280, 720, 0, True, True)
    heard = {"audio": EmotionProbabilities(times_s, said(12), np.ones(frames, bool), "audio")}
    policy = Policy(read_fusion("mini"), C_EXPR_DB, rule)  # type: ignore[arg-type]
    tracks = [track(identity) for identity in range(2)]
    of_faces = {one.id: {"static": said(1), "dynamic": said(5)} for one in tracks}
    leads, ends_s = np.zeros(frames, np.int64), frame_ends(times_s, clip)
    faces = decide_all(policy, tracks, of_faces, heard, leads, times_s, ends_s)
    provenance = {"fusion": policy.weights.as_dict(), "options": {"rule": rule, "models": "mini"}}
    return Analysis(clip, times_s, heard, faces, 0, leads, C_EXPR_DB, provenance, (), labels=policy.labels)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--rule", default="open")
    chosen = arguments.parse_args()
    print(f"{chosen.minutes:g} minutes, two faces, {RATE:g} frames a second, rule {chosen.rule}\n")
    print("| clip | format | megabytes | save, s | load, s |\n|---|---|---|---|---|")
    for worst in (False, True):
        analysis = made_up(chosen.minutes, chosen.rule, worst)
        for word in ("json", "parquet", "csv"):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                written = analysis.save(folder, [word])
                saved = time.perf_counter()
                loaded = ""
                if word == "json":
                    Analysis.load(folder)
                    loaded = f"{time.perf_counter() - saved:.2f}"
                size = sum(path.stat().st_size for path in written) / 1e6
            name = "worst case" if worst else "walk"
            print(f"| {name} | {word} | {size:.1f} | {saved - started:.2f} | {loaded} |", flush=True)
    print("\nAt most, for json: " + ", ".join(f"{name} {limit:g}" for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
