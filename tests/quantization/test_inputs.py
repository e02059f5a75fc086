"""Inputs are gathered evenly, and no more than a bounded number."""

from __future__ import annotations

import numpy as np

from avcer.quantization.inputs import MOST, Recorder
from avcer.types import Float


def engine(batch: Float) -> tuple[Float, ...]:
    return (batch * 2,)


def numbers(count: int) -> list[float]:
    recorder = Recorder(engine)
    for start in range(0, count, 7):
        recorder(np.arange(start, min(start + 7, count), dtype=np.float32)[:, None])
    return [float(item[0]) for item in recorder.noted()]


def test_the_engine_answers_as_before() -> None:
    np.testing.assert_array_equal(Recorder(engine)(np.ones((2, 3), np.float32))[0], np.full((2, 3), 2.0))


def test_few_are_all_kept() -> None:
    assert numbers(0) == []
    assert numbers(50) == list(range(50))


def test_many_are_thinned_out_evenly() -> None:
    for count in (MOST + 1, 2 * MOST, 1000, 5000):
        noted = numbers(count)
        steps = set(np.diff(noted))
        assert MOST / 4 <= len(noted) <= MOST
        assert len(steps) == 1
        assert noted[-1] >= count - 2 * max(steps) - 7


def test_what_is_noted_is_a_copy() -> None:
    recorder, batch = Recorder(engine), np.zeros((1, 2), np.float32)
    recorder(batch)
    batch[:] = 1
    assert not recorder.noted()[0].any()
