"""How far a sound lies from those that an audio model was fitted on, by its measures of the voice.

A normal distribution of the measures: a few directions in which voices differ most, and one width for all others
(probabilistic principal components; Tipping and Bishop, 1999). A sound farther off than nearly all voices of speakers
left out gets a flatter answer; no answer is ever made surer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from avcer.evaluation.tables.speech import SpeechTable
from avcer.models.networks.mini_audio import DIRECTIONS, Unfamiliar
from avcer.training.heads import TableFeatures
from avcer.types import Double, Float, Integer

KNOWN: Final = 0.95
"""The share of the voices of speakers left out that are not doubted."""


@dataclass(frozen=True)
class Measured:
    """Standardised ``measures (W, M)`` of W windows of a table; ``owners (W,)`` is the recording of each."""

    table: SpeechTable
    measures: Float
    owners: Integer


@dataclass(frozen=True)
class Density:
    """Of D measures: their ``mean (D,)``, ``directions (D, K)`` with variances ``along (K,)``, the variance ``rest``
    across them, and the distance ``limit`` from which on a sound is doubted.
    """

    mean: Double
    directions: Double
    along: Double
    rest: float
    limit: float = float("inf")

    def distances(self, measures: Double) -> Double:
        """The root of the mean squared deviation of each row of ``measures (W, D)``, in standard deviations."""
        off = measures - self.mean
        along = off @ self.directions
        across = (off**2).sum(axis=1) - (along**2).sum(axis=1)
        distances: Double = np.sqrt((across / self.rest + (along**2 / self.along).sum(axis=1)) / measures.shape[1])
        return distances

    def factors(self, measures: Double) -> Double:
        """What logits are multiplied by, ``(W,)``: 1 up to the limit, beyond it the square of limit over distance."""
        factors: Double = np.minimum(1, self.limit / np.maximum(self.distances(measures), 1e-9)) ** 2
        return factors


def fit_density(tables: Sequence[Measured | TableFeatures]) -> Density:
    """From the training part of the tables, each counting alike; the limit from the speakers left out."""
    learned = [one.measures[~one.table.validation[one.owners]].astype(np.float64) for one in tables]
    weights = np.concatenate([np.full(len(part), 1 / len(part)) for part in learned]) / len(learned)
    rows = np.concatenate(learned)
    mean = weights @ rows
    off = rows - mean
    values, vectors = np.linalg.eigh((off * weights[:, None]).T @ off)
    rest = float(max(values[:-DIRECTIONS].mean(), 1e-3))
    density = Density(mean, vectors[:, -DIRECTIONS:], np.maximum(values[-DIRECTIONS:], rest), rest)
    aside = [one.measures[one.table.validation[one.owners]].astype(np.float64) for one in tables]
    limits = [float(np.quantile(density.distances(part), KNOWN)) for part in aside if len(part)]
    return Density(density.mean, density.directions, density.along, density.rest, float(np.mean(limits)))


@torch.no_grad()
def put_density(network_part: Unfamiliar, density: Density) -> None:
    """Works ``density`` into the network."""
    for name in ("mean", "directions", "along"):
        getattr(network_part, name).copy_(torch.from_numpy(getattr(density, name)))
    network_part.rest.fill_(density.rest)
    network_part.limit.fill_(density.limit)
