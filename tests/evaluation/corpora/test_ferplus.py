from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.ferplus import read_ferplus

Make = Callable[..., Path]
HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


def test_an_emotion_needs_more_than_half_of_all_votes(make: Make) -> None:
    rows = (
        "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n"
        "Training,fer0000001.png,0,6,0,1,1,0,0,0,2,0\n"
        "PublicTest,fer0000002.png,0,0,5,0,0,0,0,5,0,0\n"
        "PublicTest,fer0000003.png,0,0,0,0,0,0,6,4,0,0\n"
        "PrivateTest,fer0000004.png,0,0,0,0,0,0,0,10,0,0\n"
        "PrivateTest,fer0000005.png,0,0,0,0,0,10,0,0,0,0\n"
        "PrivateTest,fer0000006.png,0,0,0,0,10,0,0,0,0,0\n"
        "Training,,0,0,0,0,0,0,0,0,0,10\n"
    )
    folders = ("FER2013Train",) * 2 + ("FER2013Valid",) * 2 + ("FER2013Test",) * 2
    pictures = [f"{folder}/fer000000{number}.png" for number, folder in enumerate(folders)]
    corpus = read_ferplus(make(*pictures, texts={"fer2013new.csv": HEADER + rows}))
    assert corpus.missing == ("fer0000006",)
    assert [(sample.name, sample.label, sample.part) for sample in corpus.samples] == [
        ("fer0000001", "Happiness", "train"),
        ("fer0000003", "Fear", "validation"),
        ("fer0000005", "Disgust", "test"),
    ]


def test_what_are_no_votes(make: Make) -> None:
    with pytest.raises(InputError, match=r"row 2: votes must be whole numbers"):
        read_ferplus(make(texts={"fer2013new.csv": HEADER + "Training,fer0000000.png,x,0,0,0,0,0,0,0,0,0\n"}))
    with pytest.raises(InputError, match="needs the columns usage, image name"):
        read_ferplus(make(texts={"fer2013new.csv": "Usage,neutral\n"}))
