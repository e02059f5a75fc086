from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.ferplus import read_ferplus
from miniatures import FERPLUS, Miniature
from miniatures import VOTES as HEADER

Make = Callable[..., Path]
Lay = Callable[[Miniature], Path]


def test_an_emotion_needs_more_than_half_of_all_votes(lay: Lay) -> None:
    corpus = read_ferplus(lay(FERPLUS))
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
