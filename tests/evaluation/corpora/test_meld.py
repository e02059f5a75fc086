from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.meld import read_meld

Make = Callable[..., Path]
HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def row(emotion: str, dialogue: int, utterance: int, speaker: str = "Monica") -> str:
    return f'1,"Well, no\x85",{speaker},{emotion},neutral,{dialogue},{utterance},8,21,"00:16:16,059","00:16:21,731"\n'


def test_the_same_name_in_every_part(make: Make) -> None:
    root = make(
        "train/train_splits/dia0_utt0.mp4",
        "dev/dev_splits_complete/dia0_utt0.mp4",
        "test/output_repeated_splits_test/dia0_utt0.mp4",
        "test/output_repeated_splits_test/._dia0_utt0.mp4",
        texts={
            "train_sent_emo.csv": HEADER + row("joy", 0, 0),
            "dev_sent_emo.csv": HEADER + row("sadness", 0, 0, "The Interviewer"),
            "test_sent_emo.csv": HEADER + row("anger", 0, 0) + row("fear", 125, 3),
            "train_sent_emo_dya.csv": HEADER + row("anger", 0, 0),
        },
    )
    corpus = read_meld(root)
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
