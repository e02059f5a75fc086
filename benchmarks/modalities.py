"""Faces that speak and voices, on people whom no model has seen: each alone, together, and ways to weigh them.

    python benchmarks/modalities.py LABELS.csv... --runs DIR [--clips FOLDER] [--write docs/decision.md]

``LABELS.csv`` are tables of labelled clips as ``avcer evaluate table`` reads them, with a column ``speaker``; what the
models say of them is kept in ``DIR``, and used again. ``FOLDER`` holds the clips of ``benchmarks/clips_seen.csv``. What
is fitted is always judged on people, or corpora, that were left out.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from avcer import Analyzer
from avcer.analysis import FaceAnalysis
from avcer.decision.baseline import Baseline, resting, without
from avcer.decision.express import OpenRule, read_open
from avcer.decision.fuse import FusionWeights, pool, read_fusion
from avcer.decision.policy import Policy
from avcer.decision.weigh import Cues, Weighing, weigh
from avcer.emotion.audio import AudioModel
from avcer.emotion.speech import SpeechMeter
from avcer.errors import one_of_many
from avcer.evaluation.corpora import read_corpus
from avcer.evaluation.corpus_run import run
from avcer.evaluation.side_by_side import by_video
from avcer.evaluation.statistics import metrics
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE, SoundWindow
from avcer.models.choice import choose
from avcer.models.runtime import load_engine
from avcer.training.weighing import KINDS, Spoken, fit_speaking, scored, spoken_rows
from avcer.types import Boolean, Double, EmotionProbabilities, Integer
from page import circumstances, put, table

SEEN = Path(__file__).with_name("clips_seen.csv")
TALKING, CALM = re.compile("talk|interview"), re.compile("calm|neutral|serious")
LEAST = 1e-3


@dataclass(frozen=True)
class Group:
    """The clips of one person: the corpus, the name, their frames."""

    corpus: str
    person: str
    frames: FrameTable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", nargs="+", type=Path, metavar="LABELS.csv")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--clips", type=Path, metavar="FOLDER")
    parser.add_argument("--fusion", nargs="*", default=[], metavar="FILE", help="other fusion weights to try")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    analyzer = Analyzer(threads=1)
    groups = [group for path in chosen.labels for group in people(path, analyzer, chosen.runs)]
    parts = [circumstances("openvino", "numpy")]
    parts += ["Each curve, a row a clip (the mean of its frames), as `avcer evaluate` counts:", curves(groups)]
    parts += ["The label that is said longest of a clip:", labels(groups)]
    parts += ["Ways to weigh, UAR of face and voice together:", approaches(groups, ["mini", *chosen.fusion])]
    parts += ["A person's own rest taken off, all clips of a person as one track:", rests(groups)]
    if chosen.clips:
        parts += ["Talking clips that look calm, neutral or serious:", calm(chosen.clips, analyzer)]
    parts += ["The voice model's own words on what is no voice:", sounds()]
    text = "\n\n".join(parts)
    print(text)
    if chosen.write:
        put(chosen.write, text)


def people(path: Path, analyzer: Analyzer, runs: Path) -> Iterator[Group]:
    """What the models say of a corpus, person by person."""
    name, corpus = path.parent.name, read_corpus("table", path)
    speakers = {sample.name: sample.speaker for sample in corpus.samples}
    frames = run(corpus, analyzer, runs / name)
    of_frame = np.array([speakers[video] for video in frames.videos.tolist()])
    for speaker in np.unique(of_frame):
        yield Group(name, str(speaker), frames.rows(of_frame == speaker))


def spoken(groups: Sequence[Group]) -> list[Spoken]:
    """The groups as the fit wants them: a table a corpus."""
    names = dict.fromkeys(group.corpus for group in groups)
    return [spoken_rows(joined([one for one in groups if one.corpus == name]), name) for name in names]


def joined(groups: Sequence[Group]) -> FrameTable:
    return FrameTable(
        *(
            np.concatenate([getattr(one.frames, name) for one in groups])
            for name in ("values", "valid", "words", "videos", "activity")
        )
    )


def splits(groups: Sequence[Group]) -> Iterator[tuple[str, list[tuple[list[Group], list[Group]]]]]:
    """Of each corpus: judged with its people left out one by one, and with all of it left out; pairs of the judged and
    the others.
    """
    for name in dict.fromkeys(group.corpus for group in groups):
        own = [group for group in groups if group.corpus == name]
        others = [group for group in groups if group.corpus != name]
        if len(own) > 1:
            yield f"{name}, people left out", [([one], [two for two in groups if two is not one]) for one in own]
        if others:
            yield f"{name}, corpus left out", [(own, others)]


def weighed(others: Sequence[Group], weights: FusionWeights) -> OpenRule:
    return replace(read_open(), weighing=fitted(others, weights, shipped_cues()))


def fitted(others: Sequence[Group], weights: FusionWeights, cues: Cues | None) -> Weighing:
    return Weighing(KINDS, fit_speaking(spoken(others), weights, cues), cues)


def shipped_cues() -> Cues | None:
    weighing = read_open().weighing
    return None if weighing is None else weighing.cues


def curves(groups: Sequence[Group]) -> str:
    weights = read_fusion("mini")
    rows = []
    for name, pairs in splits(groups):
        for way in ("before", "weighed"):
            found: dict[str, list[Double]] = {}
            truth = []
            for judged, others in pairs:
                rule = replace(read_open(), weighing=None) if way == "before" else weighed(others, weights)
                policy = Policy(weights, rule="open", numbers=rule)
                videos = by_video(joined(judged))
                truth.append(videos.places(BASIC))
                for curve, values in spoken_curves(policy, videos).items():
                    found.setdefault(curve, []).append(values)
            for curve, parts in found.items():
                one = scored(np.concatenate(truth), np.concatenate(parts))
                rows.append(
                    [name, way, curve, *(f"{one[key]:.3f}" for key in ("uar", "accuracy", "probability", "ece"))]
                )
    return table(["corpus", "rule", "curve", "UAR", "right", "mean probability", "ECE"], rows)


def spoken_curves(policy: Policy, videos: FrameTable) -> dict[str, Double]:
    """VS, VD, A, the two of the face, and all."""
    values, valid, activity = videos.values, videos.valid, videos.activity
    found = {
        one.curve: policy.own(values, valid, place, activity) for place, one in enumerate(policy.weights.modalities)
    }
    if policy.numbers is None or policy.numbers.weighing is None:
        found["VS+VD"] = share(pool(values, valid & np.array([True, True, False]), policy.weights)[0])
    else:
        even = np.where(np.array([False, False, True])[:, np.newaxis], 1 / len(BASIC), values)
        found["VS+VD"] = policy.pooled(even, valid, activity)
    return found | {"AV": policy.pooled(values, valid, activity)}


def labels(groups: Sequence[Group]) -> str:
    weights = read_fusion("mini")
    rows = []
    for name, pairs in splits(groups):
        for way in ("before", "weighed"):
            said: dict[str, list[tuple[int, int, float]]] = {}
            for judged, others in pairs:
                rule = replace(read_open(), weighing=None) if way == "before" else weighed(others, weights)
                policy = Policy(weights, rule="open", numbers=rule)
                for curve, label, truth, probability in longest(joined(judged), policy):
                    said.setdefault(curve, []).append((label, truth, probability))
            for curve, parts in said.items():
                named, truth, sure = (np.array(part) for part in zip(*parts, strict=True))
                right = named == truth
                ece = metrics.calibration_error(sure, right)
                rows.append([name, way, curve, f"{right.mean():.3f}", f"{sure.mean():.3f}", f"{ece:.3f}"])
    return table(["corpus", "rule", "curve", "right", "mean probability", "ECE"], rows)


def longest(frames: FrameTable, policy: Policy) -> Iterator[tuple[str, int, int, float]]:
    """Of each clip and curve: the label of most of its frames, the true one, the mean probability of the former."""
    truth = frames.places(BASIC)
    for video in np.unique(frames.videos):
        rows = frames.videos == video
        said = policy.named(frames.values[rows], frames.valid[rows], activity=frames.activity[rows])
        for curve, one in {**policy.curves(said), "AV": policy.decide(said).expression}.items():
            named = one.classes[one.valid]
            if len(named):
                values, counts = np.unique(named, return_counts=True)
                most = int(values[counts.argmax()])
                yield curve, most, int(truth[rows][0]), float(one.probability[one.valid][named == most].mean())


Way = Callable[[Double, Double, Double], Double]
"""Face ``(N, 7)``, voice ``(N, 7)``, free numbers -> what both say ``(N, 7)``."""


def share(values: Double) -> Double:
    return values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)


def part_of(number: float) -> float:
    return float(1 / (1 + np.exp(-number)))


def sharp(values: Double) -> Double:
    """The logarithm of the largest of each row, ``(N, 1)``."""
    return np.log(values.max(axis=1, keepdims=True))


def gate(face: Double, voice: Double, free: Double) -> Double:
    weight = 1 / (1 + np.exp(-(free[0] + free[1] * sharp(face) + free[2] * sharp(voice))))
    return weight * face + (1 - weight) * voice


WAYS: dict[str, tuple[Way, int]] = {
    "voice alone": (lambda face, voice, free: voice, 0),
    "mean": (lambda face, voice, free: (face + voice) / 2, 0),
    "linear, one weight": (lambda face, voice, free: part_of(free[0]) * face + (1 - part_of(free[0])) * voice, 1),
    "product, as it is": (lambda face, voice, free: face * voice, 0),
    "log-linear, one weight": (lambda face, voice, free: face ** part_of(free[0]) * voice, 1),
    "log-linear, by sharpness": (
        lambda face, voice, free: face ** (1 / (1 + np.exp(-(free[0] + free[1] * sharp(face))))) * voice, 2,
    ),
    "face fails sometimes": (
        lambda face, voice, free: (part_of(free[0]) * face + (1 - part_of(free[0])) / 7) * voice, 1,
    ),
    "small gate": (gate, 3),
}  # fmt: skip


def approaches(groups: Sequence[Group], files: Sequence[str]) -> str:
    weights = read_fusion("mini")
    names = [name for name, _ in splits(groups)]
    rows = []
    for file in files:
        linear = (_linear(pairs, read_fusion(file)) for _, pairs in splits(groups))
        rows.append([f"linear, weights of `--fusion {Path(file).name}`", *linear])
    for way, (combine, count) in WAYS.items():
        rows.append([f"{way} ({count})", *(_uar_of(pairs, combine, count, weights) for _, pairs in splits(groups))])
    for title, cues in (
        ("faces that speak (3), whoever is heard", None), ("faces that speak (3), as far as they do", shipped_cues())
    ):  # fmt: skip
        rows.append([title, *(shares_of(pairs, weights, cues) for _, pairs in splits(groups))])
    return table(["way (free numbers)", *names], rows)


def _linear(pairs: Sequence[tuple[list[Group], list[Group]]], weights: FusionWeights) -> str:
    videos = by_video(joined([one for judged, _ in pairs for one in judged]))
    return uar_of(videos.places(BASIC), pool(videos.values, videos.valid, weights)[0])


def shares_of(pairs: Sequence[tuple[list[Group], list[Group]]], weights: FusionWeights, cues: Cues | None) -> str:
    truth, said = [], []
    for judged, others in pairs:
        videos = by_video(joined(judged))
        truth.append(videos.places(BASIC))
        weighing = fitted(others, weights, cues)
        said.append(weigh(videos.values, videos.valid, weights, weighing, videos.activity).fused)
    return uar_of(np.concatenate(truth), np.concatenate(said))


def _uar_of(pairs: Sequence[tuple[list[Group], list[Group]]], combine: Way, count: int, weights: FusionWeights) -> str:
    truth, said = [], []
    for judged, others in pairs:
        free = _fit(combine, count, spoken(others), weights)
        videos = by_video(joined(judged))
        truth.append(videos.places(BASIC))
        said.append(combine(*_two(videos.values, videos.valid, weights), free))
    return uar_of(np.concatenate(truth), np.concatenate(said))


def _fit(combine: Way, count: int, parts: Sequence[Spoken], weights: FusionWeights) -> Double:
    two = [_two(part.values, part.present, weights) for part in parts]

    def loss(free: Double) -> float:
        total = float(np.sum(free**2)) * 0.01
        for part, (face, voice) in zip(parts, two, strict=True):
            said = share(np.maximum(combine(face, voice, free), 1e-12) * part.usual)
            total -= float(np.sum(part.chances * np.log(said[np.arange(len(said)), part.labels]))) / len(parts)
        return total

    return np.asarray(minimize(loss, np.zeros(count), method="L-BFGS-B").x) if count else np.zeros(0)


def _two(values: Double, valid: Boolean, weights: FusionWeights) -> tuple[Double, Double]:
    """What the face and what the voice says, ``(N, 7)`` each."""
    faces = pool(values, valid & np.array([True, True, False]), weights)[0]
    return np.maximum(share(faces), LEAST), np.maximum(share(values[:, 2]), LEAST)


def uar_of(truth: Integer, said: Double) -> str:
    return f"{metrics.uar(truth, said.argmax(axis=1)):.3f}"


def rests(groups: Sequence[Group]) -> str:
    """UAR with each person's rest taken off: that of the own Neutral clips, and of the most frequent state."""
    weights, rows = read_fusion("mini"), []
    policy = Policy(weights, rule="open")
    for name in dict.fromkeys(group.corpus for group in groups):
        own = [group for group in groups if group.corpus == name]
        for words, change in (("none", _kept), ("a span at rest: the Neutral clips", _of_neutral), ("own", _of_own)):
            videos = [by_video(replace_values(group.frames, change)) for group in own]
            truth = np.concatenate([one.places(BASIC) for one in videos])
            scores = []
            for curve in ("VS", "VD", "AV"):
                said = np.concatenate([spoken_curves(_with_numbers(policy), one)[curve] for one in videos])
                scores.append(uar_of(truth, said))
            raw = np.concatenate([share(one.values[:, 0] + 1e-12) for one in videos])
            rows.append([name, words, uar_of(truth, raw), *scores])
    return table(["corpus", "rest", "static model", "VS", "VD", "AV"], rows)


def _with_numbers(policy: Policy) -> Policy:
    return replace(policy, numbers=read_open())


def replace_values(frames: FrameTable, change: Callable[[FrameTable, int], Double]) -> FrameTable:
    values = frames.values.copy()
    for place in (0, 1):
        values[:, place] = np.where(frames.valid[:, [place]], change(frames, place), 0.0)
    return replace(frames, values=values)


def _kept(frames: FrameTable, place: int) -> Double:
    return frames.values[:, place]


def _of_neutral(frames: FrameTable, place: int) -> Double:
    still = frames.valid[:, place] & (frames.words == "Neutral")
    return without(frames.values[:, place], resting(frames.values[still, place]))


def _of_own(frames: FrameTable, place: int) -> Double:
    there = frames.valid[:, place]
    known = frames.values[there, place]
    rows = Baseline("own").rows(known, np.arange(len(known), dtype=np.float64), 0.0)
    return without(frames.values[:, place], resting(known[rows]))


def calm(folder: Path, analyzer: Analyzer) -> str:
    """The share of frames with another label than Neutral, of the leading face."""
    shipped, before = read_open(), replace(read_open(), weighing=None)
    rows = []
    with SEEN.open(newline="", encoding="utf-8") as file:
        noted = [row for row in csv.DictReader(file) if TALKING.search(row["seen"]) and CALM.search(row["seen"])]
    for row in noted:
        with one_of_many(folder / row["clip"]):
            analysis = analyzer.analyze(folder / row["clip"])
        face = analysis.face(analysis.primary)
        if face is not None:
            rows.append([f"`{row['clip']}`", *_others(face, before), *_others(face, shipped), *_rested(face, shipped)])
    means = ["mean", *(f"{np.mean([float(row[place]) for row in rows]):.2f}" for place in range(1, 9))]
    headings = [f"{curve}, {when}" for when in ("before", "weighed") for curve in ("VS", "VD", "AV")]
    return table(["clip", *headings, "AV, `first:1`", "AV, `own`"], [*rows, means])


def _others(face: FaceAnalysis, rule: OpenRule) -> list[str]:
    policy = Policy(read_fusion("mini"), rule="open", numbers=rule)
    found = {**policy.curves(face.said), "AV": policy.decide(face.said).expression}
    return [f"{np.mean(found[curve].classes[found[curve].valid] != 0):.2f}" for curve in ("VS", "VD", "AV")]


def _rested(face: FaceAnalysis, rule: OpenRule) -> list[str]:
    policy, cells = Policy(read_fusion("mini"), rule="open", numbers=rule), []
    for baseline in (Baseline("first", 0.0, 1.0), Baseline("own")):
        said = dict(face.said)
        for name in ("static", "dynamic"):
            one = face.said[name]
            values = np.zeros_like(one.values)
            told = baseline.faces({name: one.values[one.valid]}, one.times_s[one.valid], 0.0)
            values[one.valid] = told[name]
            said[name] = replace(one, values=values)
        expression = policy.decide(said).expression
        cells.append(f"{np.mean(expression.classes[expression.valid] != 0):.2f}")
    return cells


def sounds() -> str:
    """Made-up sounds of four seconds: how much the strongest emotion has, and what the rule says of it alone."""
    found = choose("mini", "audio")
    model = AudioModel(found.card, load_engine(found, "cpu", "default", 1))
    random, time_s = np.random.default_rng(0), np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (220.0, 277.2, 329.6, 440.0))
    made = {
        "white noise, loud": 0.1 * random.standard_normal(len(time_s)),
        "white noise, faint": 0.001 * random.standard_normal(len(time_s)),
        "hum, 50 Hz": 0.02 * np.sin(2 * np.pi * 50 * time_s),
        "a chord that fades each half second": 0.05 * chord * np.exp(-4 * (time_s % 0.5)),
        "clicks": (np.arange(len(time_s)) % 4000 == 0) * 0.5,
    }
    policy, rows = Policy(read_fusion("mini"), rule="open"), []
    for name, samples in made.items():
        logits = model.predict([samples.astype(np.float32)])[0, : len(BASIC)].astype(np.float64)
        powers = np.exp(logits - logits.max())
        speech = np.array([SpeechMeter()(SoundWindow(0.0, samples.astype(np.float32)))])
        told = (powers / powers.sum())[np.newaxis]
        said = EmotionProbabilities(np.zeros(1), told, np.ones(1, np.bool_), "audio", speech)
        label = policy.curves({"audio": said})["A"]
        strongest = int(said.values.argmax())
        sure = [f"{said.values.max():.2f}", f"{speech[0]:.2f}"]
        rows.append([name, BASIC[strongest], *sure, label.label(int(label.classes[0]))])
    return table(["sound", "strongest", "its probability", "is speech", "A says"], rows)


if __name__ == "__main__":
    main()
