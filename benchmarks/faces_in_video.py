"""The whole static network taught anew for video: what it does for people and sets of clips that it has not seen.

    python benchmarks/faces_in_video.py FACES... CLIPS.csv... --runs DIR [--pictures N] [--write docs/static.md]

The sets of clips are tables (path, label, speaker). A row is a way of teaching: without clips, which takes one network,
or with them, which takes two that each saw one half of the people (a set of a single person is left out of both; with
``--halves 1`` only the first, and every row is of the people whom it did not see), and with ``--sets`` one without each
set of several people and emotions. Each network stands in a folder of DIR, with its answers, and what is there is not
taught again. In a row: of each set of clips the mean recall and the ECE of the clips' mean probabilities, people left
out, in brackets with the set left out; of a set of one label the share of crops with another one; and what the pictures
pay, the mean over the row's networks: FER+ accuracy, UAR, blends, and affect7 accuracy on their validation parts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.evaluation.tables.faces import FaceTable, score_faces
from avcer.evaluation.tables.speaking import Speaking
from avcer.models.networks.mini_static import MiniStatic
from avcer.models.store import InstalledModel, find
from avcer.training import static
from avcer.training.last_layers import begin, watch
from avcer.training.loop import Plan
from avcer.training.speaking import halves, other, scores
from avcer.training.video import VideoTask, drawn, read_plan, sort_tables
from avcer.types import Boolean, Double
from page import circumstances, put, table

MOUTHS: Final = {"exchanged": 0.0, "opened": 0.0}
MORE: Final = {"clips": 3.0, "alone": 3.0, "calm": 3.0}


@dataclass(frozen=True)
class Way:
    """A row: with ``clips`` or without, and what is changed in the recipe: the table ``talk``, factors of the weights
    of clips, ``longer`` of the number of epochs.
    """

    name: str
    clips: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    longer: int = 1


WAYS: Final = (
    Way("pictures alone", clips=False),
    Way("pictures and clips"),
    Way("more of the clips, three times as long", options=MORE, longer=3),
    Way("pictures alone, three times as long", clips=False, longer=3),
    Way("pictures alone, mouths as they are", clips=False, options={"talk": MOUTHS}),
)
Chosen = list[Boolean | None]


@dataclass(frozen=True)
class Answers:
    """A network's probabilities ``(L, 7)`` of each set of clips, and its scores on the pictures."""

    clips: list[Double]
    paid: list[list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="faces (Parquet) and clips (CSV)")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR", help="the folder of the networks")
    parser.add_argument("--epochs", type=int, metavar="N", help="how many epochs (default: the recipe's)")
    parser.add_argument("--pictures", type=int, default=10**9, metavar="N", help="so many of a validation part at most")
    parser.add_argument("--ways", type=int, default=len(WAYS), metavar="N", help="the first of the ways of teaching")
    parser.add_argument("--halves", type=int, choices=(1, 2), default=2, help="of the people (default: 2)")
    parser.add_argument("--sets", action="store_true", help="also leave each set of several people out")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    plan = read_plan()
    plan = replace(plan, epochs=chosen.epochs or plan.epochs)
    pictures, clips = sort_tables(chosen.tables)
    start = find("mini", "static")
    task = VideoTask(pictures, [crops(path, start, chosen.runs) for path in clips], start.folder, plan, say)
    task.kept = [drawn(one, chosen.pictures, plan.seed) for one in task.kept]
    for rows in of_ways(task, chosen.runs, chosen):
        text = f"{circumstances('torch')}\n\n{rows}"
        say(text)
        if chosen.write:
            put(chosen.write, text)


def crops(path: Path, start: InstalledModel, runs: Path) -> Speaking:
    """The clips of a table; faces that were found before are read from the folder of the networks."""
    kept = runs / "looks" / f"{'-'.join(path.parts[-2:])}.npz"
    if not kept.exists():
        (one,) = watch([path], start, say)
        kept.parent.mkdir(parents=True, exist_ok=True)
        one.save(kept)
    return Speaking.load(kept)


def say(line: str) -> None:
    print(line, flush=True)


def of_ways(task: VideoTask, runs: Path, chosen: argparse.Namespace) -> Iterator[str]:
    """The table after each row: shipped, then the first ways of teaching."""
    shipped = MiniStatic()
    begin(task.start, shipped, "mini-static")
    before = {"none": remembered(task, runs / "shipped", lambda: shipped)}
    rows = [["shipped", *together(task.clips, before, chosen.halves)]]
    for way in WAYS[: chosen.ways]:
        answers = {
            name: learn(task, way, one, runs / way.name / name)
            for name, one in splits(task.clips, chosen.halves, chosen.sets, way.clips).items()
        }
        rows.append([way.name, *together(task.clips, answers, chosen.halves)])
        yield table(headings(task), rows)


def headings(task: VideoTask) -> list[str]:
    return ["taught on", *(one.name for one in task.clips), "FER+ / UAR / blends", "affect7"]


def changed(task: VideoTask, way: Way) -> VideoTask:
    """The same material, taught by a changed recipe."""
    options = dict(task.plan.options)
    for name, change in way.options.items():
        options[name] = options[name] | change if isinstance(change, dict) else options[name] * change
    return task.by(replace(task.plan, options=options, epochs=task.plan.epochs * way.longer))


def splits(clips: Sequence[Speaking], taught: int = 2, sets: bool = False, seen: bool = True) -> dict[str, Chosen]:
    """What is taught, by the name of the network: one half of the people, the other, and all but each of the sets; or,
    where no clips are seen, none.
    """
    if not seen:
        return {"none": [np.zeros(len(one), np.bool_) for one in clips]}
    halved = [halves(one) for one in clips]
    made: dict[str, Chosen] = {f"half {place}": [one[place] for one in halved] for place in range(taught)}
    for place, one in enumerate(clips):
        if sets and several(one):
            chosen: Chosen = [None] * len(clips)
            chosen[place] = np.zeros(len(one), np.bool_)
            made[f"without {one.name}"] = chosen
    return made


def several(one: Speaking) -> bool:
    return len(np.unique(one.speakers)) > 1 and len(np.unique(one.labels)) > 1


def learn(task: VideoTask, way: Way, chosen: Chosen, run: Path) -> Answers:
    """The answers of the network in ``run``, which is taught and asked where it was not yet."""
    return remembered(task, run, lambda: changed(task, way).taught(chosen, run, say))


def remembered(task: VideoTask, run: Path, network: Callable[[], MiniStatic]) -> Answers:
    """The answers in the folder ``run``, or those of ``network``, which are kept there."""
    sizes = "-".join(str(len(one)) for one in task.kept)
    kept = run / f"answers-{sizes}.npz"
    if not kept.exists():
        say(f"{run.parent.name}, {run.name}:")
        run.mkdir(parents=True, exist_ok=True)
        answers = ask(task, network())
        np.savez(kept, *answers.clips, *map(np.array, answers.paid))
    with np.load(kept, allow_pickle=False) as stored:
        values = [stored[name] for name in stored.files]
    return Answers(values[: len(task.clips)], [row.tolist() for row in values[len(task.clips) :]])


def ask(task: VideoTask, network: MiniStatic) -> Answers:
    said = [softmax(static.logits_of(network, one.inputs, task.plan)) for one in task.clips]
    return Answers(said, [paid(network, one, task.plan) for one in task.kept])


def paid(network: MiniStatic, kept: FaceTable, plan: Plan) -> list[float]:
    found = score_faces(softmax(static.table_logits(network, kept, plan)), kept)
    return [found["accuracy"], found["uar"], found["blends"]["macro_f1"]] if "blends" in found else [found["accuracy"]]


def together(clips: Sequence[Speaking], answers: dict[str, Answers], taught: int = 2) -> list[str]:
    """The cells of a row, on the people whom one of the first ``taught`` halves leaves out: with both on all."""
    cells = [cell(place, one, answers, taught) for place, one in enumerate(clips)]
    for place in range(len(next(iter(answers.values())).paid)):
        means = np.mean([one.paid[place] for one in answers.values()], axis=0)
        cells.append(" / ".join(f"{value:.3f}" for value in means))
    return cells


def cell(place: int, one: Speaking, answers: dict[str, Answers], taught: int) -> str:
    """Of a set: people left out, and in brackets the set left out. Where no network saw it, the second alone."""
    strangers = [~chosen for chosen in halves(one)][:taught]
    judged = np.any(strangers, axis=0)
    crops, clips = judged[one.owners], one.rows(judged)
    said = {name: answer.clips[place] for name, answer in answers.items()}
    if "none" in answers:
        return f"({shown(clips, [said['none'][crops]])})"
    networks = [said[f"half {half}"] for half in range(taught)]
    if len(np.unique(one.speakers)) == 1:
        return f"({shown(clips, [values[crops] for values in networks])})"
    people = np.zeros_like(networks[0])
    for rows, values in zip(strangers, networks, strict=True):
        people[rows[one.owners]] = values[rows[one.owners]]
    whole = said.get(f"without {one.name}")
    shown_whole = "" if whole is None else f" ({shown(clips, [whole[crops]])})"
    return shown(clips, [people[crops]]) + shown_whole


def shown(one: Speaking, said: Sequence[Double]) -> str:
    """Mean recall and ECE, the mean over several networks; of a set of one label what gets another one."""
    if len(np.unique(one.labels)) < 2:
        return f"other {np.mean([other(one, values) for values in said]):.3f}"
    recall, error = np.mean([scores(one, values) for values in said], axis=0)
    return f"{recall:.3f}, ECE {error:.2f}"


if __name__ == "__main__":
    main()
