from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.afew import read_afew
from miniatures import AFEW, Miniature

Make = Callable[..., Path]
Lay = Callable[[Miniature], Path]


def test_the_folder_is_the_label(lay: Lay) -> None:
    corpus = read_afew(lay(AFEW))
    assert corpus.level == "video"
    assert [(sample.name, sample.label, sample.part) for sample in corpus.samples] == [
        ("train_000046280", "Anger", "train"),
        ("validation_000046280", "Happiness", "validation"),
    ]


def test_without_parts_and_in_another_coding_beside_it(make: Make) -> None:
    (sample,) = read_afew(make("videos/Surprise/1.avi", "videos/Surprise/1.mp4")).samples
    assert (sample.name, sample.label, sample.part, sample.path.name) == ("1", "Surprise", "", "1.mp4")


def test_one_name_under_two_emotions(make: Make) -> None:
    with pytest.raises(InputError, match=r"named validation_1 .*Fear.*Sad"):
        read_afew(make("Val_AFEW/Fear/1.avi", "Val_AFEW/Sad/1.avi"))
