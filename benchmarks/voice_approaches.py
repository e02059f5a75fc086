"""What helps a voice model on a corpus that it has never heard: measures of the voice, each corpus left out in turn.

    python benchmarks/voice_approaches.py SPEECH... [--cache DIR] [--write docs/audio.md]

Small networks over measures of a recording, trained on all tables but one, scored on the whole of that one. The
measures are those of the handcrafted branch of the shipped audio model (fixed formulas, so that nothing is known of the
corpus left out but how they are scaled) and, where the package `opensmile` is installed, the eGeMAPS set (Eyben et al.
2016). Networks count corpora alike, and in a corpus emotions. The features that the audio model's own last layers get
are there, too; it has learned them on some of the corpora, which its card names, so of these they tell too much.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avcer.evaluation.statistics.metrics import uar
from avcer.evaluation.tables.speech import SpeechTable, full_names, read_speech
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE
from avcer.models.store import find
from avcer.training.heads import extract_table
from avcer.training.strangers import begin
from avcer.types import Double, Float, Integer
from page import circumstances, put, table

LONGEST_S = 6
STEPS, BATCH, SEEDS = 600, 256, 3
SMOOTHING = 0.1


@dataclass(frozen=True)
class Corpus:
    """A table of N recordings with their measures: ``ours (N, 282)``, ``network (N, 512)``, ``egemaps (N, 88)`` or
    None.
    """

    table: SpeechTable
    ours: Float
    network: Float
    egemaps: Float | None

    def features(self, kinds: Sequence[str]) -> Float:
        """The measures of some kinds side by side."""
        return np.concatenate([getattr(self, kind) for kind in kinds], axis=1)


@dataclass(frozen=True)
class Approach:
    """``measures``: which; ``scale``: by the statistics of all training corpora ("global"), or of each "corpus" or
    "speaker" by itself, the unknown ones too; ``hidden`` layers; ``exchange``: the share of batches that get other
    speakers' means; ``robust``: the corpus with the largest loss counts most; ``adversarial``: the weight of a second
    task that the hidden layers unlearn, to tell the corpora apart; ``votes``: the listeners' share of the targets.
    """

    name: str
    measures: tuple[str, ...] = ("ours",)
    scale: str = "global"
    hidden: int = 2
    exchange: float = 0.0
    robust: bool = False
    adversarial: float = 0.0
    votes: float = 0.5


PLAIN = Approach("measures of the voice")
EGEMAPS = Approach("eGeMAPS", ("egemaps",))
APPROACHES = (
    PLAIN,
    replace(PLAIN, name="a linear layer only", hidden=0),
    replace(PLAIN, name="labels only, no votes", votes=0.0),
    replace(PLAIN, name="speakers' means exchanged", exchange=0.8),
    replace(PLAIN, name="the hardest corpus counts most", robust=True),
    replace(PLAIN, name="corpora unlearned (adversarial)", adversarial=0.3),
    replace(PLAIN, name="scaled by corpus", scale="corpus"),
    replace(PLAIN, name="scaled by speaker", scale="speaker"),
    EGEMAPS,
    replace(EGEMAPS, name="eGeMAPS, speakers' means exchanged", exchange=0.8),
    replace(EGEMAPS, name="eGeMAPS, scaled by corpus", scale="corpus"),
    replace(EGEMAPS, name="eGeMAPS, scaled by speaker", scale="speaker"),
    Approach("both", ("ours", "egemaps")),
    Approach("both, scaled by speaker", ("ours", "egemaps"), "speaker"),
    Approach("the network's features", ("network",)),
    Approach("the network's features, scaled by speaker", ("network",), "speaker"),
    Approach("the network's and the measures, scaled by speaker", ("network", "ours"), "speaker"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", nargs="+", type=Path, metavar="SPEECH")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="measures are kept here; empty it when tables change")
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help="the page to put the table into")
    chosen = parser.parse_args()
    corpora = [measured(path, chosen.cache) for path in chosen.speech]
    rows = []
    for one in APPROACHES:
        if "egemaps" in one.measures and any(corpus.egemaps is None for corpus in corpora):
            print(f"{one.name}: skipped, there are no eGeMAPS measures (opensmile)", flush=True)
            continue
        found = [left_out(one, corpora, place) for place in range(len(corpora))]
        rows.append([one.name, *(f"{value:.3f}" for value in found), f"{np.mean(found):.3f}"])
        print(" | ".join(rows[-1]), flush=True)
    headings = ["approach", *(one.table.name for one in corpora), "mean"]
    text = f"{table(headings, rows)}\n\n{circumstances('torch', 'numpy')}"
    print(text)
    if chosen.write:
        put(chosen.write, text)


def measured(path: Path, cache: Path | None) -> Corpus:
    """The table in ``path`` and the measures of its recordings; from the cache, if they are there."""
    speech = read_speech(path)
    kept = None if cache is None else cache / f"{path.stem}.npz"
    if kept is not None and kept.exists():
        with np.load(kept, allow_pickle=False) as stored:
            return Corpus(speech, stored["ours"], stored["network"], stored.get("egemaps"))
    network, _ = begin(find("mini", "audio").folder)
    one = extract_table(network, path, speech, np.asarray, 0)
    found = {"ours": _by_recording(one.measures, one.owners), "network": _by_recording(one.features, one.owners)}
    if (functionals := egemaps(speech.recordings)) is not None:
        found["egemaps"] = functionals
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **found)
    return Corpus(speech, found["ours"], found["network"], functionals)


def _by_recording(rows: Float, owners: Integer) -> Float:
    """The mean over the windows of each recording."""
    sums = np.zeros((owners[-1] + 1, rows.shape[1]), np.float32)
    np.add.at(sums, owners, rows)
    means: Float = (sums / np.bincount(owners)[:, None]).astype(np.float32)
    return means


def egemaps(recordings: Sequence[Float]) -> Float | None:
    """The 88 functionals of each recording ``(N, 88)``, at one peak level, or None without opensmile."""
    try:
        import opensmile
    except ModuleNotFoundError:
        return None
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    rows = []
    for recording in recordings:
        sound = recording[: LONGEST_S * SAMPLE_RATE]
        sound = np.pad(sound, (0, max(SAMPLE_RATE - len(sound), 0))) / max(float(np.abs(sound).max()), 1e-9) / 2
        rows.append(smile.process_signal(sound, SAMPLE_RATE).to_numpy()[0])
    return np.nan_to_num(np.array(rows, np.float32))


def left_out(approach: Approach, corpora: Sequence[Corpus], place: int) -> float:
    """UAR on the whole corpus at ``place`` of networks trained on the others."""
    others = [one for number, one in enumerate(corpora) if number != place]
    scaled = scale_of(approach, others)
    examples = Examples.of(approach, others, scaled)
    inputs = torch.from_numpy(scaled(corpora[place]))
    said = np.mean([trained(approach, examples, seed)(inputs) for seed in range(SEEDS)], axis=0)
    return uar(corpora[place].table.labels, said.argmax(axis=1))


def scale_of(approach: Approach, others: Sequence[Corpus]) -> Callable[[Corpus], Float]:
    """What brings the measures of a corpus to zero mean and unit variance."""
    if approach.scale == "global":
        rows = [one.features(approach.measures) for one in others]
        weights = np.concatenate([np.full(len(part), 1 / len(part) / len(rows)) for part in rows])
        joined = np.concatenate(rows)
        mean = weights @ joined
        spread = np.sqrt(weights @ (joined - mean) ** 2)
        return lambda one: _clipped((one.features(approach.measures) - mean) / (spread + 1e-6))

    def by_group(one: Corpus) -> Float:
        rows = one.features(approach.measures)
        groups = one.table.speakers if approach.scale == "speaker" else np.zeros(len(rows))
        for group in np.unique(groups):
            own = groups == group
            rows[own] = (rows[own] - rows[own].mean(0)) / (rows[own].std(0) + 1e-6)
        return _clipped(rows)

    return by_group


def _clipped(rows: Float | Double) -> Float:
    clipped: Float = np.clip(rows, -4, 4).astype(np.float32)
    return clipped


@dataclass(frozen=True)
class Examples:
    """R recordings: ``inputs (R, D)``, ``targets (R, 7)``, which classes their corpus has at all ``possible (R, 7)``,
    how often they are drawn ``chances (R,)``, their ``corpora (R,)`` and ``speakers (R,)``; the ``means (S, D)`` of the
    speakers over their emotions, and how often one is drawn ``speaker_chances (S,)``.
    """

    inputs: Tensor
    targets: Tensor
    possible: Tensor
    chances: Double
    corpora: Tensor
    speakers: Tensor
    means: Tensor
    speaker_chances: Double

    @classmethod
    def of(cls, approach: Approach, others: Sequence[Corpus], scaled: Callable[[Corpus], Float]) -> Examples:
        """All recordings of ``others``."""
        inputs = np.concatenate([scaled(one) for one in others])
        labels = np.concatenate([one.table.labels for one in others])
        counts = [np.bincount(one.table.labels, minlength=len(BASIC)) for one in others]
        chances = np.concatenate([1 / count[one.table.labels] for count, one in zip(counts, others, strict=True)])
        numbers = np.repeat(np.arange(len(others)), [len(one.table) for one in others])
        chances /= np.bincount(numbers, chances)[numbers]
        possible = np.array(counts)[numbers] > 0
        targets = np.concatenate([one.table.targets(approach.votes) for one in others])
        targets = (1 - SMOOTHING) * targets + SMOOTHING * possible / possible.sum(axis=1, keepdims=True)
        names, speakers = np.unique(np.concatenate([full_names(one.table) for one in others]), return_inverse=True)
        whose = np.array([numbers[speakers == number][0] for number in range(len(names))])
        speaker_chances = 1 / np.bincount(whose)[whose]
        tensors = (inputs, targets.astype(np.float32), possible)
        return cls(
            *map(torch.from_numpy, tensors), chances / chances.sum(), torch.from_numpy(numbers),
            torch.from_numpy(speakers), torch.from_numpy(_means(inputs, labels, speakers)),
            speaker_chances / speaker_chances.sum(),
        )  # fmt: skip


def _means(inputs: Float, labels: Integer, speakers: Integer) -> Float:
    """Of each speaker, the mean over the emotions of the means of their recordings."""
    means = []
    for speaker in range(speakers.max() + 1):
        own = speakers == speaker
        emotions = np.unique(labels[own])
        means.append(np.mean([inputs[own & (labels == label)].mean(axis=0) for label in emotions], axis=0))
    return np.array(means, np.float32)


class Reversed(torch.autograd.Function):
    """The identity, whose gradient is turned round (Ganin and Lempitsky, ICML 2015)."""

    @staticmethod
    def forward(_: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_: object, gradient: Tensor) -> Tensor:
        return -gradient


class Small(nn.Module):
    """Hidden layers over the measures; emotions, and corpora."""

    def __init__(self, count: int, hidden: int, corpora: int) -> None:
        super().__init__()
        widths = [count, *[128] * hidden]
        layers = [nn.Dropout(0.2)]
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(0.5)]
        self.hidden = nn.Sequential(*layers)
        self.emotions, self.corpora = nn.Linear(widths[-1], len(BASIC)), nn.Linear(widths[-1], corpora)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the emotions, and of the corpora."""
        x = self.hidden(x)
        return self.emotions(x), self.corpora(Reversed.apply(x))


def trained(approach: Approach, examples: Examples, seed: int) -> Callable[[Tensor], Double]:
    """A network that gives log-probabilities ``(N, 7)``."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    corpora = int(examples.corpora.max()) + 1
    network, shares = Small(examples.inputs.shape[1], approach.hidden, corpora), torch.full((corpora,), 1 / corpora)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS)
    for _ in range(STEPS):
        rows = torch.from_numpy(random.choice(len(examples.chances), BATCH, p=examples.chances))
        inputs = exchanged(examples, rows, random) if random.random() < approach.exchange else examples.inputs[rows]
        possible = examples.possible[rows] | (torch.rand(BATCH, 1) >= 0.5)
        said, whose = network(inputs)
        losses = nn.functional.cross_entropy(
            said.masked_fill(~possible, -1e4), examples.targets[rows], reduction="none"
        )
        if approach.robust:
            losses, shares = robust(losses, examples.corpora[rows], shares)
        loss = losses.mean() + approach.adversarial * nn.functional.cross_entropy(whose, examples.corpora[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    return lambda inputs: torch.log_softmax(network(inputs)[0], 1).detach().double().numpy()


def exchanged(examples: Examples, rows: Tensor, random: np.random.Generator) -> Tensor:
    """The inputs of ``rows`` with their speaker's mean exchanged for a point between those of two others."""
    one, two = (
        torch.from_numpy(random.choice(len(examples.means), len(rows), p=examples.speaker_chances)) for _ in "ab"
    )
    share = torch.from_numpy(random.random((len(rows), 1)).astype(np.float32))
    other = share * examples.means[one] + (1 - share) * examples.means[two]
    return examples.inputs[rows] - examples.means[examples.speakers[rows]] + other


def robust(losses: Tensor, corpora: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Losses weighted by how hard their corpus is (group DRO; Sagawa et al., ICLR 2020), and the new shares."""
    counts = torch.bincount(corpora, minlength=len(shares)).clamp(min=1)
    means = torch.zeros(len(shares)).index_add(0, corpora, losses.detach()) / counts
    shares = shares * torch.exp(0.02 * means)
    shares = shares / shares.sum()
    return losses * (shares * len(losses) / counts)[corpora], shares


if __name__ == "__main__":
    main()
