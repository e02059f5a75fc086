from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.c_expr_db import HEADER, fill_sample_file, read_c_expr_db, sample_file

Make = Callable[..., Path]
FIRST = (
    "image_location,Fearfully_Surprised,Happily_Surprised,Sadly_Surprised,Disgustedly_Surprised,Angrily_Surprised,"
    "Sadly_Fearful,Sadly_Angry\n"
)
SAMPLE = FIRST + "2/00001.jpg,\n10/00001.jpg,\n10/00003.jpg,\n2/00002.jpg,\n"
NAME = "CVPR_6th_ABAW_CE_test_set_sample.txt"


def test_the_frames_that_are_wanted(make: Make) -> None:
    corpus = read_c_expr_db(make("videos/2.mp4", "videos/10.mp4", "videos/11.mp4", texts={NAME: SAMPLE}))
    assert corpus.level == "frame"
    assert [(sample.name, sample.wanted, sample.frames, sample.part) for sample in corpus.samples] == [
        ("2", (0, 1), None, "test"),
        ("10", (0, 2), None, "test"),
    ]


def test_the_sample_file_among_others(make: Make) -> None:
    texts = {
        "formats/Expr_sample.txt": "image_location,Neutral,Anger\n1/00001.jpg,\n",
        f"formats/{NAME}": SAMPLE,
        "submission.txt": FIRST + "2/00001.jpg,3\n",
        "empty.txt": "",
    }
    assert sample_file(make(texts=texts)).name == NAME


def test_a_header_of_one_word_and_a_filled_in_file_will_do(make: Make) -> None:
    root = make("1.mp4", texts={"sample.txt": "image_location\n1/00001.jpg\n"})
    assert read_c_expr_db(root).samples[0].wanted == (0,)
    (root / "sample.txt").write_text(FIRST + "1/00002.jpg,0\n")
    assert read_c_expr_db(root).samples[0].wanted == (1,)


def test_several_sample_files_a_strange_line_and_missing_videos(make: Make) -> None:
    with pytest.raises(InputError, match="several sample files"):
        read_c_expr_db(make(texts={"a.txt": SAMPLE, "b.txt": SAMPLE}))
    root = make(texts={"b.txt": ""})
    with pytest.raises(InputError, match="none of the 2 clips that they name, such as 2"):
        read_c_expr_db(root)
    for line in ("2/00000.jpg,", "2/one.jpg,", "00001.jpg"):
        (root / "a.txt").write_text(FIRST + line)
        with pytest.raises(InputError, match="line 2: must be"):
            read_c_expr_db(root)


def test_the_submission_is_in_the_order_of_the_sample_file(make: Make, tmp_path: Path) -> None:
    sheet = make(texts={NAME: SAMPLE}) / NAME
    classes = {"2": np.array([6, 5]), "10": np.array([0, 1])}
    text = fill_sample_file(classes, sheet, tmp_path / "submission.txt").read_text()
    assert text == FIRST + "2/00001.jpg,6\n10/00001.jpg,0\n10/00003.jpg,1\n2/00002.jpg,5\n"
    assert ",".join(HEADER) + "\n" == FIRST


def test_a_video_without_a_frame_gets_the_first_class(make: Make, tmp_path: Path) -> None:
    sheet = make(texts={NAME: FIRST + "2/00001.jpg,\n"}) / NAME
    path = fill_sample_file({"2": np.array([], np.int64)}, sheet, tmp_path / "submission.txt")
    assert path.read_text() == FIRST + "2/00001.jpg,0\n"


def test_what_cannot_be_answered(make: Make, tmp_path: Path) -> None:
    sheet = make(texts={NAME: SAMPLE}) / NAME
    with pytest.raises(InputError, match="the video 10, which was not analysed"):
        fill_sample_file({"2": np.array([0])}, sheet, tmp_path / "submission.txt")
    for wrong in (-1, 7):
        with pytest.raises(ValueError, match="from 0 to 6"):
            fill_sample_file({"2": np.array([wrong]), "10": np.array([0])}, sheet, tmp_path / "submission.txt")
    assert not (tmp_path / "submission.txt").exists()
