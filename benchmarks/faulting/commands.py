"""Commands that write files, each with what it needs, and which of its files are the result."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avcer.cli import main
from avcer.demo import make_clip
from avcer.errors import AvcerError
from avcer.output.writers import FORMATS

FAST = ("--setting", "fast", "--threads", "1", "--quiet")
LAST_S = "0.6"
"""Seconds of the clips that are analysed: what is tried is the writing."""


@dataclass(frozen=True)
class Command:
    """``words`` of the command line that writes into a folder; ``before`` is a folder that lies there already;
    ``again``: what is added when it is given once more; ``finals``: patterns of the files that are the result;
    ``over``: of these, the ones that change while it goes on; ``home``: whether the folder is ``AVCER_HOME``, too;
    ``run``: what does it, where it is not the command line.
    """

    words: Callable[[Path], Sequence[str]]
    before: Path | None = None
    again: Sequence[str] = ()
    finals: Sequence[str] = ("**/*",)
    over: Sequence[str] = ()
    home: bool = False
    run: Callable[[Sequence[str]], int] = main


def made_commands(material: Path) -> dict[str, Command]:
    """All commands by name; what they read is put into ``material``."""
    clip = make_clip(material / "portrait.mp4")
    corpus = material / "corpus"
    corpus.mkdir()
    for name in ("anna.mp4", "ben.mp4"):
        shutil.copyfile(clip, corpus / name)
    analysed, otherwise = material / "analysed", material / "otherwise"
    everything = [word for word in FORMATS if word not in ("json", "corrected")]
    part = (*FAST, "--end", LAST_S)
    _avcer("analyze", str(clip), "--out", str(analysed), *part, "--formats", "json")
    _avcer("analyze", str(clip), "--out", str(otherwise), *part, "--rule", "both", "--formats", "csv,eaf,textgrid,json")
    beside = shutil.copytree(analysed, material / "annotated")
    _avcer("export", str(beside / "portrait"), "--formats", "eaf", "--quiet")
    usual = ("--formats", "csv,json,txt,eaf,textgrid,parquet")
    return {
        "analyze": Command(
            lambda out: ("analyze", str(clip), "--out", str(out), *part, "--formats", ",".join((*everything, "json")))
        ),
        "analyze over": Command(
            lambda out: ("analyze", str(clip), "--out", str(out), *part, *usual), before=otherwise
        ),
        "export": Command(
            lambda out: ("export", str(out / "portrait"), "--quiet", "--formats", ",".join(everything)),
            before=analysed,
        ),
        "batch": Command(
            lambda out: ("batch", str(corpus), "--out", str(out), *part, "--formats", "csv,json,eaf"),
            again=("--retry-failed",), finals=("anna/*", "ben/*", "summary.csv"),
        ),
        "train": Command(lambda out: ("train", str(out)), run=train, finals=("best.pt", "log.csv"), over=("best.pt",)),
        "import": Command(
            lambda out: ("models", "import", "published", "--dynamic", str(checkpoint(material / "dynamic.pt"))),
            finals=("models/published/dynamic/*",), home=True,
        ),
        "import-annotations": Command(
            lambda out: ("import-annotations", str(beside / "portrait" / "segments.eaf"), "--out", str(out), "--quiet"),
        ),
    }  # fmt: skip


def _avcer(*words: str) -> None:
    """In a process of its own: after the models have run in this one, none of its children could run them."""
    subprocess.run([sys.executable, "-m", "avcer", *words], check=True)


@contextmanager
def one_line() -> Iterator[None]:
    """What the command line makes of an error."""
    try:
        yield
    except AvcerError as error:
        sys.exit(f"avcer: error: {error}")


def train(words: Sequence[str]) -> int:
    """The loop of every recipe, on a network of a few weights: thirty epochs, a checkpoint and a line each. A recipe
    takes minutes, of which the writing is a thousandth.
    """
    import torch

    from avcer.training.loop import Plan, fit

    def loss(network: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        return ((network(x).sum(dim=1) - x.sum(dim=1)) ** 2).mean()

    def score(network: torch.nn.Module) -> dict[str, float]:
        return {"uar": -float(loss(network, torch.ones(4, 200)).detach())}

    torch.set_num_threads(1)
    torch.manual_seed(0)
    plan = Plan(epochs=30, batch_size=4, learning_rate=1e-3, steps_per_epoch=8, bfloat16=False)
    batches = [torch.full((4, 200), step / 8) for step in range(8)]
    with one_line():
        fit(torch.nn.Linear(200, 200), lambda epoch: batches, loss, score, plan, Path(words[1]), lambda line: None)
    return 0


def checkpoint(path: Path) -> Path:
    """Random weights of the published dynamic model."""
    if not path.exists():
        import torch

        from avcer.models.networks import build

        torch.manual_seed(1)
        torch.save(build("avcer-lstm").state_dict(), path)
    return path
