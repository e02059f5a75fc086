"""What the shipped models score, how sure that is, how fast they are, and where they fail: tables and pictures.

    python benchmarks/mini_models.py FACES... SPEECH... SCENES [--write docs/mini-models.md]

Everything is measured on the validation parts of the tables, which are told apart by their names. The learning curves
are drawn from the logs that the recipes left (``benchmarks/results/training``). With ``--write`` the tables go into
the page and the pictures into the folder ``figures`` beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from avcer.decision.fuse import MINI_FILE, read_fusion
from avcer.emotion.probabilities import softmax
from avcer.emotion.voice import VoiceFrames
from avcer.evaluation import figures
from avcer.evaluation.protocols import Subject, classify_faces, classify_voices, evaluate
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.scores import classification, doubts
from avcer.evaluation.tables.faces import doubt_faces, score_faces
from avcer.evaluation.tables.speech import full_names, read_speech
from avcer.labels import BASIC
from avcer.models.card import ROLES, Role
from avcer.models.networks import build
from avcer.models.store import find
from avcer.training.audio import table_logits
from avcer.training.speech import speechless
from avcer.types import Double, Integer
from page import circumstances, put, table

LOGS = Path(__file__).parent / "results" / "training"
VALIDATION = Subject("mini", "default", "validation")
RATES = ("accuracy", "uar", "macro_f1")
NAMES = {"ferplus": "FER+", "affect7": "affect7", "ravdess": "RAVDESS", "nemo": "nEMO", "emodb": "EMO-DB"}
CURVES = {
    "static": {
        "accuracy_ferplus": "accuracy, FER+",
        "uar_ferplus": "UAR, FER+",
        "accuracy_affect7": "accuracy, affect7",
    },
    "dynamic": {"accuracy": "accuracy", "accuracy_disturbed": "accuracy, disturbed"},
    "audio": {"uar_ravdess": "UAR, RAVDESS", "uar_nemo": "UAR, nEMO", "uar_emodb": "UAR, EMO-DB"},
    "detector": {"recall": "recall", "precision": "precision"},
}
CALIBRATION = """A dot on the line is right as often as it claims. One temperature serves all sets of a model, and they
pull in opposite directions: what is right for one is too sure for another.

![Reliability before and after calibration](figures/mini-reliability.png)"""
CURVES_TEXT = """Validation scores by epoch, and the training loss (dashed). The static model's were logged before
its network looked at the mirror image, too, which is why they end a point below the table above.

![Learning curves](figures/mini-curves.png)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", nargs=2, type=Path, metavar="FACES", help="FER+, then faces with one label")
    parser.add_argument("speech", nargs=3, type=Path, metavar="SPEECH")
    parser.add_argument("scenes", type=Path, metavar="SCENES")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    seen = [
        _Set(
            NAMES[one.name],
            one.labels[one.clear],
            said[one.clear],
            "static",
            score_faces(said, one) | doubt_faces(said, one),
        )
        for one, said in classify_faces(chosen.faces, VALIDATION)
    ]
    heard = [
        _Set(
            NAMES[one.name],
            one.labels,
            said,
            "audio",
            classification(one.labels, said) | doubts(one.labels, said, full_names(one)),
        )
        for one, said in classify_voices(chosen.speech, VALIDATION)
    ]
    text = "\n\n".join([*_texts(seen, heard, chosen.speech, chosen.scenes)])
    print(text)
    if chosen.write:
        put(chosen.write, text)
        folder = chosen.write.parent / "figures"
        folder.mkdir(exist_ok=True)
        draw(seen, heard, folder)


@dataclass(frozen=True)
class _Set:
    """A set of N rows: ``labels (N,)``, what the model of that ``role`` says ``(N, 7)``, and its scores."""

    name: str
    labels: Integer
    said: Double
    role: Role
    scores: dict[str, Any]

    @property
    def before(self) -> Double:
        """What it said before calibration: what the last layer was divided by, multiplied back."""
        temperature = find("mini", self.role).card.scores["temperature"]
        return softmax(np.log(np.maximum(self.said, 1e-30)) * temperature)


def _texts(seen: Sequence[_Set], heard: Sequence[_Set], speech: Sequence[Path], scenes: Path) -> Iterator[str]:
    yield circumstances("openvino", "numpy")
    yield "## Size and speed\n\n" + size_and_speed()
    yield "## Faces\n\n" + face_scores(seen)
    yield "## Voices\n\n" + voice_scores(heard, speech)
    yield "## Calibration\n\n" + CALIBRATION
    yield "## Sequences of samples\n\n" + sequence_scores()
    yield "## Detector\n\n" + detector_scores(scenes)
    yield "## Fusion\n\n" + fusion_scores()
    yield "## Learning curves\n\n" + CURVES_TEXT


def size_and_speed() -> str:
    """The networks alone, as their cards have it from the end of the training."""
    rows = []
    for role in ROLES:
        card = find("mini", role).card
        shape = " x ".join(str(side) for side in card.speed["input"])
        files = (card.graph.bytes + card.weights.bytes) / 1e6
        rows.append([role, f"{files:.2f}", shape, f"{card.speed['milliseconds']:.2f}", card.speed["processor"]])
    rows.append(["audio, before the network", "", "1 x 64000", f"{preparing_ms():.2f}", "as above, measured now"])
    return table(["model", "files, MB", "input", "ms on one core", "processor"], rows)


def preparing_ms() -> float:
    """Spectrum and pitch of a window of four seconds; the median."""
    frames, sound = VoiceFrames(), speechless(1, seed=0)[0]
    times_s = []
    for _ in range(20):
        start = time.perf_counter()
        frames(sound)
        times_s.append(time.perf_counter() - start)
    return float(np.median(times_s)) * 1e3


def face_scores(seen: Sequence[_Set]) -> str:
    blends = seen[0].scores["blends"]
    lines = [
        _overall(seen, "pictures"),
        f"FER+ blends: {blends['n']} rows, macro F1 {blends['macro_f1']:.3f}, the right compound among the best two "
        f"{blends['rank2']:.3f}.",
        _recalls(seen),
        _mistakes(seen),
        "![Confusion matrices of the static model](figures/mini-faces.png)",
    ]
    return "\n\n".join(lines)


def voice_scores(heard: Sequence[_Set], files: Sequence[Path]) -> str:
    lines = [
        _overall(heard, "speakers"),
        _recalls(heard),
        _mistakes(heard),
        "![Confusion matrices of the audio model](figures/mini-voices.png)",
    ]
    lines += ["The two parts of the network, each alone (UAR, in float32):", parts_of_voice(files)]
    if (left_out := LOGS / "left-out.json").exists():
        lines.append(
            "A language never trained on: the recipe with one set left out (`benchmarks/left_out.py`), fewer "
            "epochs and, in its variation, a speed of 0.1 instead of 0.15."
        )
        lines.append(_left_out(json.loads(left_out.read_text(encoding="utf-8"))))
    return "\n\n".join(lines)


def parts_of_voice(files: Sequence[Path]) -> str:
    """What the measures and the ear of the audio network score without each other, and together."""
    network = build("mini-audio")
    network.load_state_dict(load_file(find("mini", "audio").weights))
    network.eval()
    tables = [table.rows(table.validation) for table in map(read_speech, files)]
    parts = {"measures": network.judge, "ear": network.ear, "both": network}
    rows = [
        [name, *(f"{metrics.uar(t.labels, table_logits(part, t).argmax(axis=1)):.3f}" for t in tables)]  # type: ignore[arg-type]
        for name, part in parts.items()
    ]
    return table(["", *(NAMES[one.name] for one in tables)], rows)


def _left_out(results: dict[str, dict[str, float]]) -> str:
    rows = [[name, row["n"], row["epochs"], f"{row['uar']:.3f}"] for name, row in results.items()]
    mean = np.mean([row["uar"] for row in results.values()])
    return table(
        ["left out", "its recordings", "epochs on the others", "UAR"], [*rows, ["mean", "", "", f"{mean:.3f}"]]
    )


def sequence_scores() -> str:
    scores = find("mini", "dynamic").card.scores
    shown = [
        ("accuracy, all steps", "accuracy_static", "accuracy"),
        (f"accuracy, disturbed steps ({scores['n_disturbed']})", "accuracy_disturbed_static", "accuracy_disturbed"),
        ("UAR", "uar_static", "uar"),
    ]
    rows = [[name, f"{scores[before]:.3f}", f"{scores[after]:.3f}"] for name, before, after in shown]
    rows.append([f"changes followed within half a second ({scores['changes']})", "", f"{scores['followed']:.3f}"])
    rows.append(["median delay, s", "", f"{scores['delay_s']:.1f}"])
    rows.append(["ECE before -> after", "", f"{scores['ece_before']:.3f} -> {scores['ece']:.3f}"])
    return table(["", "static model alone", "dynamic"], rows)


def detector_scores(scenes: Path) -> str:
    card = find("mini", "detector").card.scores
    whole = evaluate("scenes", [scenes], Subject())
    rows = [
        ["validation share", f"{card['faces']}", f"{card['recall_iou_0.5']:.3f}", f"{card['precision_iou_0.5']:.3f}"],
        ["whole table", f"{whole['faces']}", *(_sure(whole, name) for name in ("recall", "precision"))],
    ]
    return table(["", "faces", "recall", "precision"], rows)


def fusion_scores() -> str:
    about: dict[str, Any] = json.loads(MINI_FILE.read_text(encoding="utf-8"))["about"]
    crosswise = about["crosswise"]
    rows = [[name, f"{one['uar']:.3f}", f"{one['uar_without_neutral']:.3f}"] for name, one in crosswise.items()]
    best = max(crosswise[name]["uar"] for name in ("static", "dynamic", "audio"))
    gain = crosswise["search"]["uar"] - best
    weights = "![The weights of the mini family](figures/mini-fusion.png)"
    return (
        table(["", "UAR", "without Neutral"], rows)
        + f"\n\nThe search is {gain:+.3f} from the best model alone.\n\n{weights}"
    )


def _overall(sets: Sequence[_Set], groups: str) -> str:
    rows = [
        [
            one.name,
            one.scores["n"],
            one.scores["groups"],
            *(_sure(one.scores, key) for key in RATES),
            f"{metrics.ece(one.labels, one.before):.3f} -> {one.scores['ece']:.3f}",
        ]
        for one in sets
    ]
    return table(["", "n", groups, "accuracy", "UAR", "macro F1", "ECE before -> after"], rows)


def _recalls(sets: Sequence[_Set]) -> str:
    rows = []
    for one in sets:
        intervals = one.scores["intervals"]["per_class"]
        recalls = one.scores["per_class"]
        row = [
            f"{recalls[e]:.2f} ({intervals[e][0]:.2f}-{intervals[e][1]:.2f})" if e in intervals else "" for e in BASIC
        ]
        rows.append([one.name, *row])
    return table(["recall", *BASIC], rows)


def _mistakes(sets: Sequence[_Set]) -> str:
    return "Mistaken most often: " + "; ".join(f"{one.name}: {_confused(one.scores)}" for one in sets) + "."


def _sure(scores: dict[str, Any], name: str) -> str:
    low, high = scores["intervals"][name]
    return f"{scores[name]:.3f} ({low:.3f}-{high:.3f})"


def _confused(scores: dict[str, Any], count: int = 3) -> str:
    """The pairs of true and predicted emotion that take the largest shares of the true one's rows."""
    counts = np.array(scores["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    places = np.dstack(np.unravel_index(np.argsort(-shares, axis=None)[:count], shares.shape))[0]
    return ", ".join(f"{BASIC[true]} as {BASIC[said]} {shares[true, said]:.2f}" for true, said in places)


def draw(seen: Sequence[_Set], heard: Sequence[_Set], folder: Path) -> None:
    """The pictures of the page."""
    sets = {one.name: (one.labels, one.before, one.said) for one in (*seen, *heard)}
    figures.draw_reliability(sets, folder / "mini-reliability.png")
    for name, some in (("faces", seen), ("voices", heard)):
        confusions = {one.name: np.array(one.scores["confusion"]) for one in some}
        figures.draw_confusions(confusions, folder / f"mini-{name}.png")
    figures.draw_weights(read_fusion("mini"), folder / "mini-fusion.png")
    figures.draw_curves({role: _log(role) for role in CURVES if _log_file(role).exists()}, folder / "mini-curves.png")


def _log_file(role: str) -> Path:
    return LOGS / f"{role}.csv"


def _log(role: str) -> dict[str, list[float]]:
    with _log_file(role).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {"loss": "loss", **CURVES[role]}
    return {shown: [float(row[name]) for row in rows] for name, shown in wanted.items()}


if __name__ == "__main__":
    main()
