"""Fitting how likely each label is (``decision.likely``) to labels that people gave."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import minimize

from avcer.decision.likely import STRONGEST, Likelihood, features, label_probabilities, logarithms
from avcer.evaluation.expressions import kinds_of
from avcer.types import Boolean, Double, Integer

SHRINKAGE: Final = 1e-4
"""Of the squared numbers, beside the mean log likelihood: a kind that never occurs would else be infinitely unlikely.
"""
START: Final = (1.0, 1.0)
_LEAST: Final = 1e-12


def fit_likelihood(values: Double, labels: Integer) -> Likelihood:
    """The numbers that make ``labels (N,)`` (as ``evaluation.expressions.voted_labels``) likeliest, given ``values
    (N, 7)``. Its cuts are 0: see ``with_cuts``.
    """
    logs = logarithms(values)
    given = features(logs)
    rows = np.arange(len(labels))
    shape = (2, 2 + STRONGEST)
    count = shape[0] * shape[1]

    def loss(flat: Double) -> float:
        likely = label_probabilities(logs, given, flat[:count].reshape(shape), (flat[count], flat[count + 1]))
        return float(-np.mean(np.log(likely[rows, labels] + _LEAST)) + SHRINKAGE * np.sum(flat**2))

    start = np.concatenate([np.zeros(count), START])
    found = minimize(loss, start, method="L-BFGS-B").x
    return Likelihood(found[:count].reshape(shape), (float(found[count]), float(found[count + 1])), (0.0, 0.0, 0.0))


def with_cuts(fitted: Likelihood, values: Double, labels: Integer, coverage: float) -> Likelihood:
    """The same with the cuts of label sets that hold the true label of ``coverage`` of the rows of each kind.

    Split conformal prediction by class (Vovk, 2012): the cut is the quantile of what the true labels of rows kept from
    the fit are given, with the correction for their number. A kind of which there are too few rows to be sure gets 0:
    its labels are in every set.
    """
    return replace(fitted, cuts=cuts_of(fitted(values), labels, coverage))


def cuts_of(likely: Double, labels: Integer, coverage: float) -> tuple[float, float, float]:
    """The same cuts from how likely each label is, ``(N, 22)``."""
    true = likely[np.arange(len(labels)), labels]
    neutral, single, blend = (_cut(true[kinds_of(labels) == kind], coverage) for kind in range(3))
    return neutral, single, blend


def _cut(likely: Double, coverage: float) -> float:
    rank = int(np.floor((len(likely) + 1) * (1 - coverage)))
    return float(np.sort(likely)[rank - 1]) if rank else 0.0


def covered(fitted: Likelihood, values: Double, labels: Integer) -> Boolean:
    """``(N,)``: whether the set of labels holds the true one."""
    likely = fitted(values)[np.arange(len(labels)), labels]
    result: Boolean = likely >= np.array(fitted.cuts)[kinds_of(labels)]
    return result
