from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.affwild2 import read_affwild2
from miniatures import EXPRESSIONS as HEADER
from miniatures import TRACK

Make = Callable[..., Path]


def test_a_label_a_frame(make: Make) -> None:
    root = make("batch1/1-30-1280x720.mp4", texts={f"{TRACK}/Train_Set/1-30-1280x720.txt": HEADER + "0\n4\n-1\n7\n6\n"})
    corpus = read_affwild2(root)
    (sample,) = corpus.samples
    assert corpus.level == "frame"
    assert sample.path == root / "batch1" / "1-30-1280x720.mp4"
    assert sample.frames == ("Neutral", "Happiness", None, None, "Surprise")
    assert (sample.name, sample.part, sample.side, sample.label) == ("1-30-1280x720", "train", None, None)


def test_two_people_of_one_video(make: Make) -> None:
    texts = {f"{TRACK}/Validation_Set/video10_1{side}.txt": HEADER + "1\n" for side in ("", "_left", "_right")}
    corpus = read_affwild2(make("batch2/video10_1.avi", texts=texts))
    assert {sample.path.name for sample in corpus.samples} == {"video10_1.avi"}
    assert {sample.recording for sample in corpus.samples} == {"video10_1"}
    assert {(sample.name, sample.side, sample.part) for sample in corpus.samples} == {
        ("video10_1", None, "validation"),
        ("video10_1_left", "left", "validation"),
        ("video10_1_right", "right", "validation"),
    }


def test_a_video_of_that_very_name_needs_no_side(make: Make) -> None:
    (sample,) = read_affwild2(make("a_left.mp4", "a.mp4", texts={"Train_Set/a_left.txt": HEADER + "1\n"})).samples
    assert (sample.path.name, sample.side) == ("a_left.mp4", None)


def test_other_tracks_and_earlier_challenges(make: Make) -> None:
    texts = {
        "VA_Estimation_Challenge/Train_Set/a.txt": "valence,arousal\n0.1,0.2\n",
        "AU_Detection_Challenge/Train_Set/a.txt": "AU1,AU2\n0,1\n",
        "EXPR_Set/Train_Set/a.txt": HEADER.replace(",Other", "").replace("\n", "\r\n") + "5\r\n\r\n",
        "elsewhere/a.txt": HEADER + "9\n",
    }
    (sample,) = read_affwild2(make("a.mp4", texts=texts)).samples
    assert sample.frames == ("Sadness",)


def test_a_video_that_is_not_there(make: Make) -> None:
    texts = {f"Train_Set/{name}.txt": HEADER + "1\n" for name in ("a", "b", "c_left")}
    assert read_affwild2(make("a.mp4", texts=texts)).missing == ("b", "c_left")


def test_what_is_no_class_and_a_second_copy(make: Make) -> None:
    with pytest.raises(InputError, match=r"a.txt: has the class '8'"):
        read_affwild2(make("a.mp4", texts={"Train_Set/a.txt": HEADER + "1\n8\n"}))
    with pytest.raises(InputError, match="two clips or annotations named a"):
        read_affwild2(make(texts={f"{folder}Train_Set/a.txt": HEADER + "1\n" for folder in ("", "5th/")}))
