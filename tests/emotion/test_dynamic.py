from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import fakes
from avcer.emotion.dynamic import DynamicModel, FeatureWindow
from avcer.emotion.probabilities import softmax
from avcer.labels import BASIC, VISUAL
from avcer.types import Float


def feature(value: float) -> Float:
    return np.full(3, value, np.float32)


def sampled_frames(times_s: list[float] | Float) -> list[int]:
    """The positions of the frames that are sampled."""
    window = FeatureWindow()
    return [index for index, time_s in enumerate(times_s) if window.push(float(time_s), feature(index)) is not None]


card = partial(fakes.card, "dynamic")


def test_at_25_fps_every_fifth_frame_is_sampled() -> None:
    assert sampled_frames(7.36 + np.arange(200) / 25) == list(range(0, 200, 5))


@pytest.mark.parametrize("rate", [24, 30000 / 1001, 50, 60, 120])
def test_samples_never_drift(rate: float) -> None:
    times_s = np.arange(int(rate * 600)) / rate
    sampled = times_s[sampled_frames(times_s)]
    late = sampled - 0.2 * np.arange(len(sampled))
    assert len(sampled) == 3000
    assert late.min() > -0.0006
    assert late.max() < 1 / rate


def test_times_rounded_to_milliseconds_are_on_time() -> None:
    times_s = np.round(np.arange(300) / 30, 3)
    assert sampled_frames(times_s) == list(range(0, 300, 6))


def test_a_variable_rate_gives_five_samples_a_second_on_average() -> None:
    random = np.random.default_rng(0)
    times_s = np.cumsum(random.uniform(0.01, 0.09, 4000))
    assert len(sampled_frames(times_s)) == pytest.approx((times_s[-1] - times_s[0]) * 5, abs=1)


def test_the_first_vector_fills_the_window_and_the_latest_comes_last() -> None:
    window = FeatureWindow()
    first = window.push(0.0, feature(1))
    second = window.push(0.2, feature(2))
    assert first is not None
    assert second is not None
    assert first.shape == (10, 3)
    assert np.all(first == 1)
    assert second[:, 0].tolist() == [1] * 9 + [2]


def test_a_gap_is_bridged_by_the_last_vector() -> None:
    window = FeatureWindow()
    window.push(0.0, feature(1))
    window.push(0.2, feature(2))
    after = window.push(0.9, feature(3))  # due at 0.4 and 0.6 without a face; this is the sample of 0.8
    assert after is not None
    assert after[:, 0].tolist() == [1] * 6 + [2, 2, 2, 3]
    assert window.push(0.99, feature(4)) is None
    assert window.push(1.0, feature(5)) is not None


def test_a_gap_longer_than_the_window_leaves_nothing_older() -> None:
    window = FeatureWindow()
    window.push(0.0, feature(1))
    window.push(0.2, feature(2))
    after = window.push(60.0, feature(3))
    assert after is not None
    assert after[:, 0].tolist() == [2] * 9 + [3]


def test_fewer_frames_than_samples_fill_every_slot() -> None:
    window = FeatureWindow()
    window.push(0.0, feature(0))
    window.push(1 / 3, feature(1))
    after = window.push(2 / 3, feature(2))
    assert after is not None
    assert after[-4:, 0].tolist() == [0, 1, 1, 2]


def test_the_card_sets_the_window() -> None:
    model = DynamicModel(card(BASIC, steps=4, interval_s=0.5), lambda windows: (windows[:, -1],))
    window = model.window()
    first = window.push(0.0, feature(1))
    assert first is not None
    assert first.shape == (4, 3)
    assert window.push(0.4, feature(2)) is None


def test_probabilities_come_in_the_order_of_basic() -> None:
    logits = np.arange(7, dtype=np.float32)[None].repeat(100, axis=0)
    model = DynamicModel(card(VISUAL), lambda windows: (logits[: len(windows)],))
    values = model.predict(np.zeros((100, 10, 3), np.float32))
    assert values.shape == (100, 7)
    assert np.allclose(values.sum(axis=1), 1)
    assert [BASIC[index] for index in np.argsort(values[0])] == list(VISUAL)


def test_softmax_bears_large_logits() -> None:
    assert softmax(np.array([[1000.0, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


def test_golden_logits(golden: Path, stand_in) -> None:  # type: ignore[no-untyped-def]
    reference = np.load(golden / "dynamic.npz")
    engine = stand_in("dynamic", "avcer-lstm")
    assert np.abs(engine(reference["windows"])[0] - reference["logits"]).max() < 1e-3
    expected = softmax(reference["logits"])[:, [VISUAL.index(emotion) for emotion in BASIC]]
    assert np.abs(DynamicModel(card(VISUAL), engine).predict(reference["windows"]) - expected).max() < 1e-3


def test_samples_fall_where_the_released_code_takes_them(golden: Path) -> None:
    for path in sorted((golden / "e2e").glob("*/dynamic.csv")):
        rows = np.loadtxt(path, delimiter=",", skiprows=1)
        changes = np.flatnonzero(np.any(np.diff(rows, axis=0) != 0, axis=1)) + 1
        assert len(changes) > 3
        assert set(changes) <= set(sampled_frames(np.arange(len(rows)) / 25)), path
