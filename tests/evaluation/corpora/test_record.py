from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avcer.evaluation.corpora import Corpus, Sample

CLIP = Path("clip.mp4")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "a/b"}, "file name"),
        ({"name": "a\\b"}, "file name"),
        ({"name": ""}, "file name"),
        ({"label": "Anger", "frames": ("Anger",)}, "not several"),
        ({"frames": ("Anger",), "wanted": (0,)}, "not several"),
        ({"blend": {"Anger": 70, "Fear": 20}}, "add up to 100"),
    ],
)
def test_what_is_no_sample(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sample(**{"name": "a", "path": CLIP, **fields})


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"label": "Anger"}, "video"),
        ({"blend": {"Anger": 70, "Fear": 30}}, "video"),
        ({"frames": ("Anger", None)}, "frame"),
        ({"wanted": (0, 1)}, "frame"),
        ({}, "video"),
    ],
)
def test_what_a_score_counts(fields: dict[str, Any], level: str) -> None:
    assert Corpus("mine", (Sample("a", CLIP, **fields),)).level == level
