"""What is compared, and what an int8 model must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.faces.detect import CENTRE_VARIANCE, priors
from avcer.models.store import InstalledModel, find
from avcer.quantization import check
from avcer.quantization.check import Comparison, Limits, _near_as_detector, _near_in_classes, compare
from avcer.types import Float

GOOD = Comparison(60, same=0.98, difference=0.01, same_before=1.0, difference_before=0.0, ms_before=10.0, ms_after=6.0)


def test_what_holds() -> None:
    assert Limits().held_by(GOOD)
    assert not Limits().held_by(replace(GOOD, same=0.96))
    assert not Limits().held_by(replace(GOOD, difference=0.03))
    assert not Limits().held_by(replace(GOOD, ms_after=9.5))


def test_told_in_one_line() -> None:
    assert GOOD.told() == (
        "98.0% of 60 answers are the same, 0.0100 apart on average (at the default precision 100.0%, 0.0000); "
        "6.0 ms instead of 10.0"
    )


def test_classes() -> None:
    one = np.array([[0.6, 0.4], [0.2, 0.8]])
    other = np.array([[0.5, 0.5], [0.6, 0.4]])
    same, difference = _near_in_classes(one, other)
    assert same == 0.5
    assert difference == pytest.approx((0.1 + 0.1 + 0.4 + 0.4) / 4)


def test_the_worst_of_two_answers_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the shipped audio model, whose second one is for speaker normalisation."""

    class Other:
        def __init__(self, model: InstalledModel, precision: str) -> None:
            self._moved = 3.0 * (model.folder == Path("made"))

        def __call__(self, batch: Float) -> tuple[Float, ...]:
            logits = np.array([[0, 1, 2, 3, 4, 5, 6]], np.float32)
            return logits, logits * (1 - self._moved)

    monkeypatch.setattr(check, "OpenVINOEngine", Other)
    model = find("mini", "audio")
    comparison = compare({"audio": model}, "audio", replace(model, folder=Path("made")), [np.zeros((2, 2), np.float32)])
    assert (comparison.same, comparison.same_before) == (0.0, 1.0)
    assert comparison.difference > 0.1


def answer(*moved: float) -> tuple[Float, ...]:
    """A detector's outputs for a picture of 64x64: a face on each of the first priors but one, so far to the right."""
    count = len(priors(64, 64))
    offsets, scores, landmarks = (np.zeros((1, count, width), np.float32) for width in (4, 2, 10))
    for place, pixels in enumerate(moved):
        prior = 8 * place + 1  # 32 pixels wide, a fourth cell further each time
        scores[0, prior, 1] = 0.9
        offsets[0, prior, 0] = pixels / 32 / CENTRE_VARIANCE
    return offsets, scores, landmarks


def test_faces() -> None:
    sizes = [(64, 64)] * 4
    one = [answer(0), answer(0, 0), answer(), answer(0)]
    assert _near_as_detector(sizes, one, one) == (1.0, 0.0)
    other = [answer(1), answer(0, 0), answer(), answer(16)]
    same, apart = _near_as_detector(sizes, one, other)
    assert same == 0.75  # in the last, the boxes share a third
    assert apart == pytest.approx((2 / 33 + 0 + 0 + 2 / 3) / 4)
    assert _near_as_detector([(64, 64)], [answer()], [answer(0)]) == (0.0, 0.0)


@pytest.mark.parametrize("role", ["static", "audio", "detector"])
def test_a_model_is_like_itself(role: str) -> None:
    models = {name: find("mini", name) for name in ("detector", "static", "dynamic", "audio")}
    shape = (3, 64, 96) if role == "detector" else models[role].card.inputs[1:]
    inputs = [np.random.default_rng(seed).random(shape, np.float32) for seed in range(3)]
    comparison = compare(models, role, models[role], inputs)
    assert (comparison.items, comparison.same, comparison.difference) == (3, 1.0, 0.0)
    assert comparison.ms_after > 0
