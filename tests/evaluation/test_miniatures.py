"""A miniature of each corpus, in its own layout, from its folder to the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer import Analyzer, cli
from avcer.errors import UsageError
from avcer.evaluation.corpora import read_corpus
from avcer.evaluation.corpus_run import score_corpus
from avcer.evaluation.tables.frames import FrameTable, read_frames
from avcer.labels import BASIC
from miniatures import (
    AFEW,
    AFFWILD2,
    BLEMORE,
    CREMA_D,
    EMODB,
    ENTERS,
    FERPLUS,
    FRAMES,
    MELD,
    RAVDESS,
    SAVEE,
    Miniature,
    fill,
    make_media,
    two_people,
    write_clip,
)

CALM = {BASIC.index("Neutral"), BASIC.index("Sadness")}
"""What the models may say of the person on the clips."""
FILES = {"clips", "run.json", "frames.csv", "metrics.json", "report.md"}
PICTURES = {"confusion.png", "recalls.png"}


@dataclass(frozen=True)
class Clips:
    """A corpus whose clips have one label each, ``labels`` (name -> label), and how many of them are seen and
    how many are heard; how many are annotated but ``missing``."""

    miniature: Miniature
    labels: dict[str, str]
    seen: int
    heard: int
    missing: int = 0


CORPORA = {
    "ravdess": Clips(RAVDESS, {"01-01-06-01-02-01-12": "Fear", "03-01-02-01-01-01-03": "Neutral"}, 1, 2),
    "crema-d": Clips(
        CREMA_D, {"1001_DFA_ANG_XX": "Anger", "1002_IEO_HAP_LO": "Happiness", "1040_ITH_SAD_XX": "Sadness"}, 2, 3
    ),
    "savee": Clips(SAVEE, {"DC_a01": "Anger", "DC_sa03": "Sadness", "JE_su15": "Surprise", "KL_n30": "Neutral"}, 1, 4),
    "emodb": Clips(EMODB, {"03a01Fa": "Happiness", "16b10Wb": "Anger", "11b03T": "Sadness"}, 0, 3),
    "afew": Clips(AFEW, {"train_000046280": "Anger", "validation_000046280": "Happiness"}, 2, 2),
    "meld": Clips(
        MELD, {"train_dia0_utt0": "Happiness", "validation_dia0_utt0": "Sadness", "test_dia0_utt0": "Anger"}, 3, 3, 1
    ),
    "ferplus": Clips(FERPLUS, {"fer0000001": "Happiness", "fer0000003": "Fear", "fer0000005": "Disgust"}, 3, 0, 1),
}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(setting="fast")


def share_right(table: FrameTable) -> float:
    """Of the rows on which the static model says something, those on which it says the label."""
    seen = table.valid[:, 0]
    said = np.array(BASIC)[table.values[seen, 0].argmax(axis=1)]
    return float((said == table.words[seen]).mean())


def reported(out: Path) -> tuple[FrameTable, dict[str, Any]]:
    """The rows and the numbers of a report, from its folder."""
    return read_frames([out / "frames.csv"]), json.loads((out / "metrics.json").read_text())


@pytest.mark.parametrize("name", CORPORA)
def test_clips_with_a_label_each(name: str, media: dict[str, Path], analyzer: Analyzer, tmp_path: Path) -> None:
    expected, out = CORPORA[name], tmp_path / "out"
    corpus = read_corpus(name, fill(tmp_path / "corpus", expected.miniature, media))
    assert "left_out" not in score_corpus(corpus, analyzer, out)
    table, metrics = reported(out)
    assert {path.name for path in out.iterdir()} == FILES | PICTURES
    assert len(table) == len(expected.labels)
    assert dict(zip(table.videos.tolist(), table.words.tolist(), strict=True)) == expected.labels
    assert table.valid.sum(axis=0).tolist() == [
        expected.seen,
        0 if name == "ferplus" else expected.seen,
        expected.heard,
    ]
    assert set(table.values[table.valid[:, 0], 0].argmax(axis=1).tolist()) <= CALM
    about = metrics["about"]
    assert (about["level"], about["clips"], about["missing"]) == ("video", len(expected.labels), expected.missing)
    assert metrics["n"] == len(expected.labels)
    assert set(metrics["per_class"]) == set(expected.labels.values())
    assert [metrics["modalities"][curve]["n"] for curve in ("VS", "A")] == [expected.seen, expected.heard]
    if expected.seen:
        assert metrics["modalities"]["VS"]["accuracy"] == pytest.approx(share_right(table))


@pytest.fixture(scope="module")
def wild(media: dict[str, Path], analyzer: Analyzer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the miniature of Aff-Wild2."""
    root, out = tmp_path_factory.mktemp("affwild2"), tmp_path_factory.mktemp("out")
    fill(root, AFFWILD2, media)
    write_clip(root / "batch2" / "video10_1.avi", two_people())
    assert score_corpus(read_corpus("affwild2", root), analyzer, out)["n"] == 3 + 24 + FRAMES
    return out


class TestAffWild2:
    def test_labels_by_frame(self, wild: Path) -> None:
        """-1 and Other are left out, and frames past the end of the annotation or of the video."""
        table, metrics = reported(wild)
        words = {name: table.words[table.videos == name].tolist() for name in set(table.videos.tolist())}
        assert words == {
            "1-30-1280x720": ["Neutral", "Happiness", "Surprise"],
            "video10_1_left": 24 * ["Anger"],
            "video10_1_right": 2 * ["Sadness"] + 23 * ["Neutral"],
        }
        about = metrics["about"]
        assert (about["level"], about["clips"], about["missing"]) == ("frame", 3, 1)

    def test_the_person_on_the_named_side(self, wild: Path) -> None:
        """The one on the right is there in the second half only, and is as calm as the one on the left."""
        table, metrics = reported(wild)
        left, right = (table.rows(table.videos == f"video10_1_{side}") for side in ("left", "right"))
        assert left.valid.mean() > 0.95
        assert not right.valid[:ENTERS, :2].any()
        assert right.valid[ENTERS + 2 :].all()
        assert metrics["modalities"]["VS"]["n"] < metrics["modalities"]["A"]["n"] == metrics["n"] == len(table)
        assert metrics["modalities"]["VS"]["per_class"]["Neutral"] > 0.9
        assert metrics["modalities"]["VS"]["per_class"]["Anger"] == 0
        assert "Sadness" not in metrics["modalities"]["VS"]["per_class"]

    def test_its_videos_have_no_label(self, media: dict[str, Path], analyzer: Analyzer, tmp_path: Path) -> None:
        corpus = read_corpus("affwild2", fill(tmp_path / "corpus", AFFWILD2, media))
        with pytest.raises(UsageError, match="--level frame"):
            score_corpus(corpus, analyzer, tmp_path / "out", level="video")


def test_by_frame_where_clips_are_labelled(media: dict[str, Path], analyzer: Analyzer, tmp_path: Path) -> None:
    """Every frame of a video has its label; a recording of at most four seconds is one row."""
    out = tmp_path / "out"
    corpus = read_corpus("ravdess", fill(tmp_path / "corpus", RAVDESS, media))
    assert score_corpus(corpus, analyzer, out, level="frame")["n"] == FRAMES + 1
    assert reported(out)[1]["about"]["level"] == "frame"


def test_one_part(media: dict[str, Path], analyzer: Analyzer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_corpus(read_corpus("afew", fill(tmp_path / "corpus", AFEW, media)), analyzer, out, "validation")
    assert reported(out)[0].videos.tolist() == ["validation_000046280"]


def test_blends(media: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command: two clips have labels; a calm face is neither of the two blends."""
    root, out = fill(tmp_path / "corpus", BLEMORE, media), tmp_path / "out"
    assert cli.main(["evaluate", "blemore", str(root), "--setting", "fast", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    table, metrics = reported(out)
    assert dict(zip(table.videos.tolist(), table.words.tolist(), strict=True)) == {
        "A102_disg_int1_ver1": "Disgust", "A411_mix_ang_hap_30_70_ver1": "Anger 30 + Happiness 70",
    }  # fmt: skip
    assert printed["blend"] == metrics["blend"]
    assert metrics["blend"]["VS"] == {"n": 2, "acc_presence": 0, "acc_salience": 0}
    assert metrics["n"] == 1
    assert "Blends" in (out / "report.md").read_text()
