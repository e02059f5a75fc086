"""A mini audio model made fit for strangers: new last layers, chosen and calibrated on corpora left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load_file

from avcer.emotion.probabilities import softmax
from avcer.errors import InputError, ModelError
from avcer.evaluation.statistics import metrics
from avcer.evaluation.statistics.arousal import arousal
from avcer.evaluation.strangers.speakers import normalised_rows
from avcer.files import atomic, make_folder
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import MiniAudio
from avcer.training import audio
from avcer.training.calibration import even_temperature
from avcer.training.finish import rounded
from avcer.training.heads import Layer, Settings, TableFeatures, extract, extract_table, fit, put
from avcer.training.loop import Plan, Report
from avcer.training.speech import Variation, speechless
from avcer.training.unfamiliar import Density, fit_density, put_density
from avcer.types import Double, Float, Integer

SOUNDS: Final = 450
"""Sounds without speech: noises, tones, beats."""
LAST_LAYERS: Final = ". The last layers: "
"""On a card, what the model's other layers learned from comes before."""
LEFT_OUT: Final = "left-out.json"
SCORES: Final = ("seen", "left_out", "ece", "arousal", "normalised")
"""The scores of a ``Row``."""


@dataclass(frozen=True)
class Row:
    """One corpus: recordings, UAR of speakers left out, and, where the model has not heard the corpus before, UAR,
    ECE and area under the curve of arousal with the whole corpus left out; ``normalised``: that UAR if each recording
    is held against the speaker's others.
    """

    corpus: str
    n: int
    seen: float
    left_out: float | None = None
    ece: float | None = None
    arousal: float | None = None
    normalised: float | None = None


def train(
    tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print, *, start: Path
) -> ModelCard:
    """Fits the last layers of the mini audio model in the folder ``start`` anew on ``tables``; writes ``out/model``,
    and ``out/left-out.json``, how the layers do on each corpus that they are not fitted on.

    Raises:
        InputError: a table is not one of labelled speech, or ``epochs`` is given: there are none.
        ModelError: ``start`` is no mini audio model, or the written model does not compute what was fitted.
    """
    if epochs is not None:
        raise InputError("the last layers are fitted in one go; leave --epochs out")
    plan = Plan.read(audio.RECIPE)
    settings = Settings(**plan.options["heads"])
    network, before = begin(start)
    extracted = _extract_all(network, tables, plan, settings.guises, report)
    nothing = extract(network, speechless(SOUNDS, plan.seed))[0]
    left = strangers([one.table.name for one in extracted], before.training_data)
    rows, temperature = judge(extracted, left, nothing, settings)
    approaches = compare(extracted, left, nothing, settings)
    report(table_text(rows, approaches))
    write_scores(out / LEFT_OUT, rows, approaches, temperature)
    put(network, fit(extracted, nothing, settings), temperature)
    if settings.doubt:
        put_density(network.unfamiliar, fit_density(extracted))
    return audio.write(out, network, _card(before, extracted, network, rows, temperature))


def judge(
    extracted: Sequence[TableFeatures], left: Sequence[str], nothing: Float, settings: Settings
) -> tuple[list[Row], float]:
    """Scores of each corpus, and the temperature that suits the corpora left out best, each counting the same.

    The ECE of a corpus is that at the temperature of the other corpora left out.
    """
    whole, density = fit(extracted, nothing, settings), fit_density(extracted)
    logits = {name: _left_out(extracted, name, nothing, settings) for name in left}
    labels = {one.table.name: one.table.labels for one in extracted}
    rows = []
    for one in extracted:
        name, table = one.table.name, one.table
        chosen = table.validation & ~one.single
        seen = uar_of(table.labels[chosen], _said(whole, density, one, settings)[chosen])
        if name not in logits:
            rows.append(Row(name, len(table), seen))
            continue
        others = {other: part for other, part in logits.items() if other != name} or logits
        values = softmax(logits[name] / even_temperature(others, labels))
        rows.append(
            Row(name, len(table), seen, uar_of(table.labels, values), metrics.ece(table.labels, values),
                arousal(table.labels, values), uar_of(table.labels, normalised_rows(values, table.speakers)))
        )  # fmt: skip
    if not logits:
        logits = {one.table.name: _said(whole, density, one, settings)[one.table.validation] for one in extracted}
        labels = {one.table.name: one.table.labels[one.table.validation] for one in extracted}
    return rows, even_temperature(logits, labels)


def compare(
    extracted: Sequence[TableFeatures], left: Sequence[str], nothing: Float, settings: Settings
) -> list[dict[str, Any]]:
    """The recipe beside other choices: means over the corpora left out, and of the speakers left out."""
    choices: Mapping[str, Settings] = {
        "recipe": settings,
        "recordings as they are, none varied": replace(settings, guises=0),
        "label only, no votes": replace(settings, votes=0.0),
        "votes only, no label": replace(settings, votes=1.0),
        "nothing of before": replace(settings, before=0.0),
        "as much of before as of the new": replace(settings, before=1.0),
        "tables by size": replace(settings, even=False),
        "every class counts in every table": replace(settings, possible_only=0.0),
        "only the classes of a table count": replace(settings, possible_only=1.0),
        "ten times the penalty": replace(settings, penalty=10 * settings.penalty),
        "a tenth of the penalty": replace(settings, penalty=settings.penalty / 10),
        "without sounds without speech": replace(settings, speechless=0.0),
        "doubt of unfamiliar sounds": replace(settings, doubt=True),
    }
    found = []
    for name, choice in choices.items():
        if choice == settings and name != "recipe":
            continue
        rows, _ = judge(extracted, left, nothing, choice)
        found.append({"approach": name, **means(rows, SCORES)})
    return found


def table_text(rows: Sequence[Row], approaches: Sequence[dict[str, Any]]) -> str:
    """Both tables as lines of text."""
    lines = [f"{'corpus':34}{'n':>6}{'seen':>8}{'left out':>10}{'ECE':>7}{'arousal':>9}{'normalised':>12}"]
    lines += [f"{row.corpus:34}{row.n:>6}{_cells(asdict(row))}" for row in rows]
    lines += [f"{one['approach']:40}{_cells(one)}" for one in approaches]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> str:
    cells = {name: shown(row[name]) for name in SCORES}
    return "{seen:>8}{left_out:>10}{ece:>7}{arousal:>9}{normalised:>12}".format(**cells)


def write_scores(path: Path, rows: Sequence[Any], approaches: Sequence[dict[str, Any]], temperature: float) -> None:
    """Writes the scores of corpora (``Row``), of the approaches, and the temperature as JSON; makes the folder."""
    make_folder(path.parent)
    found = {"corpora": [asdict(row) for row in rows], "approaches": approaches, "temperature": temperature}
    with atomic(path) as part:
        part.write_text(json.dumps(rounded(found), indent=2) + "\n", encoding="utf-8")


def shown(value: float | None) -> str:
    """A score in a table."""
    return "-" if value is None else f"{value:.3f}"


def means(rows: Sequence[Any], names: Sequence[str]) -> dict[str, float | None]:
    """The mean of each score of that name over the rows that have it; None where none has."""
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    known = {name: [value for value in column if value is not None] for name, column in columns.items()}
    return {name: float(np.mean(column)) if column else None for name, column in known.items()}


def begin(start: Path) -> tuple[MiniAudio, ModelCard]:
    """The network in the folder ``start``, doubting nothing, and its card; raises as ``loaded``."""
    network, card = loaded(start)
    network.unfamiliar.forget()
    return network, card


def loaded(start: Path) -> tuple[MiniAudio, ModelCard]:
    """The network in the folder ``start``, and its card. If it was written before there were relative logits, they
    start as a copy of the others.

    Raises:
        ModelError: it is no mini audio model.
    """
    card = ModelCard.read(start)
    if card.architecture != "mini-audio":
        raise ModelError(f"{start}: is {card.architecture}, not a mini audio model; name the folder of one")
    network = MiniAudio()
    weights = load_file(start / card.weights.name)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    if torch.isnan(network.relative.weight).any():
        network.same_relative()
    return network.eval(), card


def _extract_all(
    network: MiniAudio, paths: Sequence[Path], plan: Plan, guises: int, report: Report
) -> list[TableFeatures]:
    extracted = []
    for number, (path, table) in enumerate(zip(paths, audio.read_tables(paths), strict=True)):
        vary = Variation(plan.options["variation"], plan.seed + number)
        extracted.append(extract_table(network, path, table, vary, guises))
        report(f"{table.name}: {len(table)} recordings heard")
    return extracted


def strangers(names: Sequence[str], training_data: str) -> list[str]:
    """The corpora of these names that a model has not learned from, as the words of its card tell; none if there is one
    name alone, for then nothing is left to fit on.
    """
    known = {part.split(":")[0].strip() for part in training_data.split(";")}
    return [name for name in names if name not in known and len(names) > 1]


def _left_out(extracted: Sequence[TableFeatures], name: str, nothing: Float, settings: Settings) -> Double:
    """Logits of the whole corpus ``name`` by a layer and a density fitted on the others."""
    own = next(one for one in extracted if one.table.name == name)
    others = [one for one in extracted if one is not own]
    return _said(fit(others, nothing, settings), fit_density(others), own, settings)


def _said(layer: Layer, density: Density, one: TableFeatures, settings: Settings) -> Double:
    return layer.of(one, density.factors(one.measures.astype(np.float64)) if settings.doubt else 1.0)


def uar_of(labels: Integer, values: Double) -> float:
    """UAR of ``values (N, 7)``, whose largest is what is said."""
    said = values.argmax(axis=1)
    return float(np.mean([np.mean(said[labels == label] == label) for label in np.unique(labels)]))


def _card(
    before: ModelCard, extracted: Sequence[TableFeatures], network: MiniAudio, rows: Sequence[Row], temperature: float
) -> ModelCard:
    tables = [one.table for one in extracted]
    validation = [table.rows(table.validation) for table in tables]
    logits = [audio.table_logits(network, table) for table in validation]
    scores = audio.scores(validation, logits, 1.0)
    scores |= {"left_out": {row.corpus: asdict(row) for row in rows if row.left_out is not None}}
    return replace(
        before,
        scores=scores | {"temperature": temperature},
        source="trained by avcer: avcer train audio, then avcer train audio --start",
        training_data=f"{before.training_data}{LAST_LAYERS}{audio.training_data(tables)}",
        limits=audio.LIMITS_OF_STRANGERS,
    )
