from __future__ import annotations

import numpy as np
import pytest

from avcer.decision.blend import blend
from avcer.labels import BASIC


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"Anger": 0.9, "Fear": 0.1}, {"Anger": 100}),
        ({"Anger": 0.7, "Fear": 0.3}, {"Anger": 70, "Fear": 30}),
        ({"Anger": 0.45, "Fear": 0.55}, {"Anger": 50, "Fear": 50}),
        ({"Neutral": 0.5, "Fear": 0.4}, {"Neutral": 100}),
        ({"Fear": 0.5, "Neutral": 0.4}, {"Fear": 100}),
        ({"Surprise": 0.8, "Sadness": 0.1}, {"Sadness": 100}),
        ({}, {"Neutral": 100}),
    ],
)
def test_the_two_strongest_share(said: dict[str, float], expected: dict[str, int]) -> None:
    values = np.array([[said.get(emotion, 0.0) for emotion in BASIC]])
    for much in (0.01, 1, 100):  # only the proportion matters
        found = {BASIC[index]: int(value) for index, value in enumerate(blend(much * values)[0]) if value}
        assert found == expected
