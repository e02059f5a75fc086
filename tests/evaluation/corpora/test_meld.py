from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.meld import read_meld
from miniatures import MELD, Miniature
from miniatures import UTTERANCES as HEADER
from miniatures import utterance_row as row

Make = Callable[..., Path]
Lay = Callable[[Miniature], Path]


def test_the_same_name_in_every_part(lay: Lay) -> None:
    corpus = read_meld(lay(MELD))
    assert corpus.level == "video"
    assert corpus.missing == ("test_dia125_utt3",)
    assert {(sample.name, sample.label, sample.speaker, sample.part) for sample in corpus.samples} == {
        ("train_dia0_utt0", "Happiness", "Monica", "train"),
        ("validation_dia0_utt0", "Sadness", "The Interviewer", "validation"),
        ("test_dia0_utt0", "Anger", "Monica", "test"),
    }
    assert {sample.part: sample.path.parent.name for sample in corpus.samples} == {
        "train": "train_splits",
        "validation": "dev_splits_complete",
        "test": "output_repeated_splits_test",
    }


def test_what_cannot_be_read(make: Make) -> None:
    with pytest.raises(InputError, match="needs the columns dialogue_id"):
        read_meld(make(texts={"dev_sent_emo.csv": "Utterance,Emotion\n"}))
    with pytest.raises(InputError, match="without a number"):
        read_meld(make(texts={"dev_sent_emo.csv": HEADER + row("joy", 0, 0).replace(",0,0,", ",,0,")}))
    with pytest.raises(InputError, match="none of the 1 clips"):
        read_meld(make("train/train_splits/dia0_utt0.mp4", texts={"dev_sent_emo.csv": HEADER + row("joy", 0, 0)}))
