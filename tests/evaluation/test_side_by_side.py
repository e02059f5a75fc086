from __future__ import annotations

import numpy as np
import pytest

from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.errors import InputError
from avcer.evaluation.side_by_side import by_video, predictions, score_table
from avcer.evaluation.tables.frames import FrameTable

POLICY = Policy(MEAN, rule="sum")


def made_up(words: list[str], said: list[list[int]]) -> FrameTable:
    """Each model names one class, or -1 for nothing, with 0.7."""
    named = np.array(said)
    values = np.where(np.arange(7) == named[:, :, None], 0.7, 0.05)
    valid = named >= 0
    videos = np.array([f"v{index // 2}" for index in range(len(words))])
    return FrameTable(np.where(valid[:, :, None], values, 0), valid, np.array(words), videos)


def test_each_model_is_scored_where_it_speaks() -> None:
    table = made_up(["Anger", "Anger", "Fear", "Fear"], [[1, 3, -1], [1, 3, 3], [3, 3, -1], [1, 3, 3]])
    scores = score_table(table, POLICY)
    assert scores["n"] == 4
    assert scores["modalities"]["VS"]["accuracy"] == pytest.approx(3 / 4)
    assert scores["modalities"]["VD"]["per_class"] == {"Anger": 0, "Fear": 1}
    assert scores["modalities"]["A"]["n"] == 2
    assert {"uar", "macro_f1", "macro_precision", "mean_of_four", "ece", "intervals"} <= set(scores)


def test_compounds_are_decided_by_the_rule() -> None:
    table = made_up(["Sadly Angry", "Happily Surprised"], [[1, 5, 5], [4, 4, 4]])
    scores = score_table(table, POLICY)["compound"]
    assert scores["AV"]["accuracy"] == 1
    assert scores["VS"]["n"] == 2
    assert scores["AV"]["none"] == 0


def test_a_video_is_the_mean_of_what_was_said() -> None:
    table = by_video(made_up(["Fear"] * 4, [[1, 3, -1], [1, 3, 3], [3, -1, -1], [1, -1, -1]]))
    assert table.videos.tolist() == table.recordings.tolist() == ["v0", "v1"]
    assert table.valid.tolist() == [[True, True, True], [True, False, False]]
    assert table.values[0, 0, 1] == pytest.approx(0.7)
    assert table.values[1, 0, 1] == pytest.approx((0.7 + 0.05) / 2)


def test_a_video_with_two_labels_has_none_of_its_own() -> None:
    with pytest.raises(InputError, match="v0"):
        by_video(made_up(["Fear", "Anger"], [[1, 1, 1], [1, 1, 1]]))


def test_blends_are_scored_by_presence_and_salience() -> None:
    table = made_up(["Anger 50 + Fear 50", "Anger 70 + Fear 30", "Fear"], [[1, 3, -1], [1, 3, -1], [3, 3, 3]])
    scores = score_table(table, POLICY)["blend"]["AV"]
    assert scores == {"n": 3, "acc_presence": 1, "acc_salience": 0.5}
    assert score_table(table, POLICY)["n"] == 1


def test_words_that_nobody_knows_cannot_be_scored() -> None:
    with pytest.raises(InputError, match="nothing can be scored"):
        score_table(made_up(["Other"], [[1, 1, 1]]), POLICY)


def test_a_row_on_which_nobody_speaks_is_wrong() -> None:
    labels, predicted, *_ = predictions(made_up(["Fear", "Fear"], [[-1, -1, -1], [3, 3, 3]]), POLICY)
    assert labels.tolist() == [3, 3]
    assert predicted.tolist() == [-1, 3]
