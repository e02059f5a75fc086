from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.blemore import read_blemore
from miniatures import BLEMORE, BLEND, Miniature
from miniatures import BLENDS as HEADER

Make = Callable[..., Path]
Lay = Callable[[Miniature], Path]


def test_single_emotions_and_blends(lay: Lay) -> None:
    corpus = read_blemore(lay(BLEMORE))
    assert corpus.level == "video"
    assert {sample.speaker: (sample.blend, sample.part) for sample in corpus.samples} == {
        "A102": ({"Disgust": 100}, "train"),
        "A411": ({"Anger": 30, "Happiness": 70}, "train"),
        "A300": (None, "test"),
    }


def test_a_test_part_without_labels_and_other_columns(make: Make) -> None:
    texts = {
        "test_metadata.csv": "filename\nA300_x.mp4\n",
        "more_metadata.csv": "filename,set,speaker,emotion_1\nb,dev,Kim,neu\nc,,,sad\n",
    }
    corpus = read_blemore(make("A300_x.mp4", "b.mp4", texts=texts))
    assert corpus.missing == ("c",)
    assert {(sample.name, sample.speaker, sample.part) for sample in corpus.samples} == {
        ("A300_x", "A300", "test"),
        ("b", "Kim", "validation"),
    }
    assert {sample.name: sample.blend for sample in corpus.samples} == {"A300_x": None, "b": {"Neutral": 100}}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (BLEND.replace("70.0", "60.0"), "add up to 100"),
        (BLEND.replace("30.0,70.0", ","), "add up to 100"),
        (BLEND.replace(",hap,", ",ang,"), "add up to 100"),
        (BLEND.replace(",hap,", ",sur,"), "'sur'"),
    ],
)
def test_what_is_no_blend(make: Make, row: str, said: str) -> None:
    with pytest.raises(InputError, match=f"row 2.*{said}"):
        read_blemore(make("A411_mix_ang_hap_30_70_ver1.mp4", texts={"train_metadata.csv": HEADER + row}))
