from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.blemore import read_blemore

Make = Callable[..., Path]
HEADER = (
    "filename,video_id,gender,mix,emotion_1,version,intensity_level,situation,emotion_2,emotion_1_salience,"
    "emotion_2_salience,fold\n"
)
SINGLE = "A102_disg_int1_ver1,A102,f,0,disg,1,1.0,,,,,1\n"
BLEND = "A411_mix_ang_hap_30_70_ver1,A411,m,1,ang,1,,,hap,30.0,70.0,0\n"


def test_single_emotions_and_blends(make: Make) -> None:
    clips = ("train/A102_disg_int1_ver1.mov", "train/A411_mix_ang_hap_30_70_ver1.mov")
    corpus = read_blemore(make(*clips, texts={"train_metadata.csv": HEADER + SINGLE + BLEND}))
    assert corpus.level == "video"
    assert [(sample.speaker, sample.blend, sample.part) for sample in corpus.samples] == [
        ("A102", {"Disgust": 100}, "train"),
        ("A411", {"Anger": 30, "Happiness": 70}, "train"),
    ]


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
