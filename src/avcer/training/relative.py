"""A mini audio model that keeps what it has learned, and gets an output for speaker normalisation.

The layer is fitted on the difference between each recording and the mean of its speaker's recordings, so it learns how
emotions change a voice, not whose voice it is. Its logits are used without the speaker's mean in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from avcer.decision.baseline import SPEAKS_NEUTRALLY
from avcer.decision.person import LEAST_CLIPS
from avcer.emotion.probabilities import softmax
from avcer.errors import InputError
from avcer.evaluation.statistics.metrics import ece
from avcer.evaluation.strangers.speakers import normalised_rows
from avcer.evaluation.tables.speech import SpeechTable
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import Measures, MiniAudio
from avcer.training import audio
from avcer.training.calibration import even_temperature
from avcer.training.heads import Layer, Settings, TableFeatures, by_recording, extract_table, fit
from avcer.training.loop import Plan, Report
from avcer.training.strangers import LAST_LAYERS, loaded, means, shown, strangers, uar_of, write_scores
from avcer.types import Boolean, Double, Float, Integer

SCORED: Final = "relative.json"
RELATIVE_LAYER: Final = ". The output for speaker normalisation: "
"""On a card, what the other layers learned from comes before."""
SMALLEST: Final = 1e-12
"""Below it, a probability is as good as zero."""
DRAWS: Final = 5
"""How often a few other recordings are drawn of each speaker."""
SCORES: Final = ("seen", "left_out", "from_three", "from_neutral", "ece")
"""The scores of a ``Row``."""
NEUTRAL: Final = BASIC.index("Neutral")
KINDS: Final = {"features": slice(0, -Measures.COUNT), "measures": slice(-Measures.COUNT, None), "both": slice(None)}
"""Parts of the traits that the layer gets."""


@dataclass(frozen=True)
class Row:
    """One corpus: recordings; UAR of speakers left out; and, where the layers below have not learned the corpus, UAR
    and ECE with the whole corpus left out. Each recording is normalised by all others of its speaker; ``from_three``:
    by ``LEAST_CLIPS`` of them; ``from_neutral``: by as many that are labelled Neutral.
    """

    corpus: str
    n: int
    seen: float
    left_out: float | None = None
    from_three: float | None = None
    from_neutral: float | None = None
    ece: float | None = None


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, *, start: Path
) -> ModelCard:
    """Fits the relative layer of the mini audio model in the folder ``start`` on ``tables``; its answers to single
    recordings stay as they are. Writes ``out/model``, and ``out/relative.json``, how the layer does on each corpus that
    it is not fitted on.

    Raises:
        InputError: a table is not one of labelled speech, or ``epochs`` is given: there are none.
        ModelError: ``start`` is no mini audio model, or the written model does not compute what was fitted.
    """
    if epochs is not None:
        raise InputError("the relative layer is fitted in one go; leave --epochs out")
    recipe = Choice(Settings(**Plan.read(audio.RECIPE).options["relative"]))
    network, before = loaded(start)
    traits = []
    for path, table in zip(tables, audio.read_tables(tables), strict=True):
        traits.append(Traits.of(extract_table(network, path, table, np.asarray, 0)))
        report(f"{table.name}: {len(table)} recordings heard")
    left = strangers([one.name for one in traits], body(before))
    rows, temperature = judge(traits, left, recipe)
    approaches = compare(traits, left, recipe)
    report(table_text(rows, approaches))
    write_scores(out / SCORED, rows, approaches, temperature)
    put(network, recipe.fit(traits), temperature)
    return audio.write(out, network, _card(before, rows, [one.source.table for one in traits]))


@dataclass(frozen=True)
class Traits:
    """What the relative layer gets of a table's N recordings: ``rows (N, TRAITS)``, each the mean over its windows."""

    source: TableFeatures
    rows: Double

    @classmethod
    def of(cls, source: TableFeatures) -> Traits:
        """From the windows."""
        both = np.concatenate([source.features, source.measures], axis=1).astype(np.float64)
        return cls(source, by_recording(both, source.owners))

    @property
    def name(self) -> str:
        """The corpus."""
        return self.source.table.name

    def examples(self, kind: str = "both", own_mean: bool = True) -> TableFeatures:
        """The recordings as the fit takes them: without their speaker's mean, and without an answer of before."""
        rows = self.rows - self._means() if own_mean else self.rows
        count = len(rows)
        return replace(
            self.source, features=_only(rows, kind), said=np.zeros((count, 7), np.float32), owners=np.arange(count)
        )

    def _means(self) -> Double:
        _, speakers = np.unique(self.source.table.speakers, return_inverse=True)
        return by_recording(self.rows, speakers)[speakers]


def _only(rows: Double, kind: str) -> Float:
    kept = np.zeros_like(rows, dtype=np.float32)
    kept[:, KINDS[kind]] = rows[:, KINDS[kind]]
    return kept


@dataclass(frozen=True)
class Choice:
    """How a layer is fitted: the ``settings``; the ``kind`` of traits that it gets; ``own_mean``: on recordings without
    their speaker's mean, or as they are.
    """

    settings: Settings
    kind: str = "both"
    own_mean: bool = True

    def fit(self, traits: Sequence[Traits]) -> Layer:
        """The layer for the training part of the tables. The mean of its logits over the tables, each counting alike,
        is zero: that changes nothing once a speaker's mean is subtracted, and keeps probabilities away from zero until
        then.
        """
        examples = [one.examples(self.kind, self.own_mean) for one in traits]
        layer = fit(examples, np.empty((0, examples[0].features.shape[1]), np.float32), self.settings)
        mean = np.mean([one.rows.mean(axis=0) for one in traits], axis=0)
        return Layer(layer.weight, -mean @ layer.weight, 0.0)


def judge(traits: Sequence[Traits], left: Sequence[str], choice: Choice) -> tuple[list[Row], float]:
    """Scores of each corpus, and the temperature that suits the corpora left out best, each counting the same.

    The ECE of a corpus is that at the temperature of the other corpora left out.
    """
    whole = choice.fit(traits)
    logits = {
        one.name: said(choice.fit([other for other in traits if other is not one]), one)
        for one in traits
        if one.name in left
    }
    labels = {one.name: one.source.table.labels for one in traits}
    against_all = {one.name: held(logits.get(one.name, said(whole, one)), one) for one in traits}
    chosen = {name: against_all[name] for name in logits}
    rows = []
    for one in traits:
        table, aside = one.source.table, one.source.table.validation & ~one.source.single
        row = Row(one.name, len(table), uar_of(table.labels[aside], held(said(whole, one), one)[aside]))
        if one.name in logits:
            others = {name: chosen[name] for name in chosen if name != one.name} or chosen
            temperature = even_temperature(others, labels)
            row = _with_left_out(row, one, logits[one.name] / temperature, chosen[one.name] / temperature)
        rows.append(row)
    if not chosen:
        chosen = {one.name: against_all[one.name][one.source.table.validation] for one in traits}
        labels = {one.name: labels[one.name][one.source.table.validation] for one in traits}
    return rows, even_temperature(chosen, labels)


def _with_left_out(row: Row, one: Traits, logits: Double, against_all: Double) -> Row:
    """The row with the scores of a corpus left out, from its logits ``(N, 7)`` alone and against all others of the
    speaker.
    """
    labels = one.source.table.labels
    return replace(
        row,
        left_out=uar_of(labels, against_all),
        from_three=_from_few(logits, one, LEAST_CLIPS),
        from_neutral=_from_few(logits, one, LEAST_CLIPS, labels == NEUTRAL, SPEAKS_NEUTRALLY),
        ece=ece(labels, softmax(against_all)),
    )


def compare(traits: Sequence[Traits], left: Sequence[str], recipe: Choice) -> list[dict[str, Any]]:
    """The recipe beside other choices: means over the corpora."""

    def penalty(factor: float) -> Choice:
        return replace(recipe, settings=replace(recipe.settings, penalty=factor * recipe.settings.penalty))

    choices = {
        "recipe": recipe,
        "the network's features alone": replace(recipe, kind="features"),
        "the measures alone": replace(recipe, kind="measures"),
        "fitted on recordings as they are": replace(recipe, own_mean=False),
        "half of each target the listeners' votes": replace(recipe, settings=replace(recipe.settings, votes=0.5)),
        "a tenth of the penalty": penalty(0.1),
        "a hundredth of the penalty": penalty(0.01),
        "ten times the penalty": penalty(10),
    }
    return [{"approach": name, **means(judge(traits, left, choice)[0], SCORES)} for name, choice in choices.items()]


def said(layer: Layer, one: Traits) -> Double:
    """Logits ``(N, 7)`` of the recordings, not normalised."""
    logits: Double = one.rows @ layer.weight + layer.bias
    return logits


def held(logits: Double, one: Traits) -> Double:
    """Logits ``(N, 7)``, each recording normalised by all others of its speaker."""
    values: Double = np.log(np.maximum(normalised_rows(softmax(logits), one.source.table.speakers), SMALLEST))
    return values


def _from_few(
    logits: Double, one: Traits, count: int, among: Boolean | None = None, added: Double | float = 0
) -> float:
    """UAR if each recording is normalised by so many others of its speaker, drawn at random ``among`` some ``(N,)``;
    recordings without any are left out. ``added (7,)``: what is then added.
    """
    pools = _others(one.source.table.speakers, among)
    kept = [place for place, pool in enumerate(pools) if len(pool)]
    random, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        drawn = [random.choice(pools[place], min(count, len(pools[place])), replace=False) for place in kept]
        values = logits[kept] - np.stack([logits[others].mean(axis=0) for others in drawn]) + added
        found.append(uar_of(one.source.table.labels[kept], values))
    return float(np.mean(found))


def _others(speakers: NDArray[np.str_], among: Boolean | None) -> list[Integer]:
    """Of each recording, the places of its speaker's other ones."""
    able = np.ones(len(speakers), bool) if among is None else among
    pools = [np.flatnonzero(able & (speakers == speaker)) for speaker in speakers]
    return [pool[pool != place] for place, pool in enumerate(pools)]


def table_text(rows: Sequence[Row], approaches: Sequence[dict[str, Any]]) -> str:
    """Both tables as lines of text."""
    lines = [f"{'corpus':40}{'n':>6}{'seen':>8}{'left out':>10}{'from 3':>8}{'from 3 neutral':>16}{'ECE':>7}"]
    lines += [f"{row.corpus:40}{row.n:>6}{_cells(asdict(row))}" for row in rows]
    lines += [f"{one['approach']:46}{_cells(one)}" for one in approaches]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> str:
    return "{:>8}{:>10}{:>8}{:>16}{:>7}".format(*(shown(row[name]) for name in SCORES))


@torch.no_grad()
def put(network: MiniAudio, layer: Layer, temperature: float) -> None:
    """Works ``layer`` over ``temperature`` into the relative layer of ``network``."""
    network.relative.weight.copy_(torch.from_numpy(layer.weight.T / temperature))
    network.relative.bias.copy_(torch.from_numpy(layer.bias / temperature))


def body(card: ModelCard) -> str:
    """What the layers below the last ones have learned from, in the words of a card."""
    return card.training_data.partition(RELATIVE_LAYER)[0].partition(LAST_LAYERS)[0]


def _card(before: ModelCard, rows: Sequence[Row], tables: Sequence[SpeechTable]) -> ModelCard:
    step = ", then avcer train audio --start --relative-only"
    learned = before.training_data.partition(RELATIVE_LAYER)[0]
    return replace(
        before,
        scores={**before.scores, "relative": {row.corpus: asdict(row) for row in rows}},
        source=before.source.removesuffix(step) + step,
        training_data=f"{learned}{RELATIVE_LAYER}{audio.training_data(tables)}",
    )
