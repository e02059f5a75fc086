"""Whether a sound is speech, told by its pitch: the numbers of ``emotion.speech`` fitted anew, and judged on kinds of
sound that were left out.

    python benchmarks/speech.py SPEECH.parquet... --music FOLDER [--each N] [--write docs/decision.md]

``FOLDER`` holds recordings of music, and of noises in folders called ``sounds``. So many windows of four seconds are
taken of each table (--each), and as many again with music below them (6 to 15 dB). Each kind counts alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from avcer.emotion.pitch import PitchTracker
from avcer.emotion.speech import BIAS, WEIGHTS, chance, shares
from avcer.emotion.waveform import WINDOW
from avcer.evaluation.tables.speech import read_speech
from avcer.media import open_sound
from avcer.types import Boolean, Double, Float
from page import circumstances, put, table

SUFFIXES = {".ogg", ".wav", ".flac", ".mp3"}
SHRINKAGE = 0.01
SHORTEST = 8000


@dataclass(frozen=True)
class Windows:
    """Of N windows the shares ``(N, 3)``, whether it is speech, and of what kind ``(N,)``; ``chances`` add up to 1."""

    shares: Double
    speech: Boolean
    kinds: np.ndarray[tuple[int], np.dtype[np.str_]]

    @property
    def chances(self) -> Double:
        found = np.zeros(len(self.kinds))
        for spoken in (False, True):
            names = np.unique(self.kinds[self.speech == spoken])
            for name in names:
                own = (self.kinds == name) & (self.speech == spoken)
                found[own] = 0.5 / len(names) / own.sum()
        return found

    def rows(self, chosen: Boolean) -> Windows:
        return Windows(self.shares[chosen], self.speech[chosen], self.kinds[chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, metavar="SPEECH.parquet")
    parser.add_argument("--music", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--each", type=int, default=80, metavar="N")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    heard = windows(chosen.tables, chosen.music, chosen.each)
    fitted = fit(heard)
    shown = ", ".join(f"{number:.2f}" for number in fitted)
    text = "\n\n".join(
        [
            circumstances("numpy", "scipy"),
            f"Fitted to all: bias and weights {shown}; shipped {BIAS:.2f}, {', '.join(map(str, WEIGHTS))}.",
            judged(heard),
        ]
    )
    print(text)
    if chosen.write:
        put(chosen.write, text)


def windows(tables: Sequence[Path], music: Path, each: int) -> Windows:
    random = np.random.default_rng(1)
    sounds = [(path, part) for path in _files(music) for part in _parts(_read(path), random)]
    songs = [part for path, part in sounds if "sounds" not in path.parts]
    found = [("noises" if "sounds" in path.parts else f"music {path.stem}", part, False) for path, part in sounds]
    for path in tables:
        spoken = read_speech(path)
        for place in random.choice(len(spoken), min(each, len(spoken)), replace=False):
            voice = spoken.recordings[place][:WINDOW]
            found.append((spoken.name, voice, True))
            found.append(("speech over music", _over(voice, songs[random.integers(len(songs))], random), True))
    tracker = PitchTracker()
    kinds = np.array([kind for kind, *_ in found])
    return Windows(
        np.array([shares(*tracker(part)) for _, part, _ in found]), np.array([one[2] for one in found]), kinds
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file())


def _read(path: Path) -> Float:
    sound = open_sound(path)
    return np.zeros(0, np.float32) if sound is None else np.concatenate([block.samples for block in sound])


def _parts(samples: Float, random: np.random.Generator, most: int = 20) -> Iterator[Float]:
    starts = np.arange(0, max(len(samples) - WINDOW, 1), WINDOW // 4)
    for start in random.permutation(starts)[:most]:
        part = samples[start : start + WINDOW]
        if len(part) >= SHORTEST and np.abs(part).max() > 1e-3:
            yield part


def _over(voice: Float, song: Float, random: np.random.Generator) -> Float:
    beside = np.resize(song, len(voice))
    level = np.sqrt(np.mean(voice**2) / max(float(np.mean(beside**2)), 1e-9)) * 10 ** (-random.uniform(6, 15) / 20)
    return (voice + level * beside).astype(np.float32)


def fit(heard: Windows) -> Double:
    """Bias and weights of a logistic regression, each kind counting alike."""
    mean, spread = heard.shares.mean(axis=0), heard.shares.std(axis=0)
    scaled, chances = (heard.shares - mean) / spread, heard.chances

    def loss(free: Double) -> float:
        odds = free[0] + scaled @ free[1:]
        return float(
            np.sum(chances * (np.logaddexp(0, odds) - heard.speech * odds)) + SHRINKAGE * np.sum(free[1:] ** 2)
        )

    free = minimize(loss, np.zeros(heard.shares.shape[1] + 1), method="L-BFGS-B").x
    return np.concatenate([[free[0] - free[1:] @ (mean / spread)], free[1:] / spread])


def judged(heard: Windows) -> str:
    """Each kind, by numbers fitted without it, and by those that are shipped."""
    groups: dict[str, list[tuple[int, float, float]]] = {}
    for kind in np.unique(heard.kinds):
        own = heard.kinds == kind
        without = fit(heard.rows(~own))
        left_out = 1 / (1 + np.exp(-(without[0] + heard.shares[own] @ without[1:])))
        shipped = np.array([chance(row) for row in heard.shares[own]])
        name = "music" if kind.startswith("music ") else str(kind)
        groups.setdefault(name, []).append((int(own.sum()), float(left_out.mean()), float(shipped.mean())))
    rows = []
    for name, parts in groups.items():
        counts, left_out, shipped = (np.array(column) for column in zip(*parts, strict=True))
        means = [np.average(one, weights=counts) for one in (left_out, shipped)]
        rows.append([name, counts.sum(), *(f"{mean:.2f}" for mean in means)])
    return table(["kind", "windows", "chance of speech, kind left out", "as shipped"], rows)


if __name__ == "__main__":
    main()
