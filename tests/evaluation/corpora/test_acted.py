"""The corpora that say everything in the names of their files: RAVDESS, CREMA-D, SAVEE, EMO-DB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avcer.evaluation.corpora import Corpus
from avcer.evaluation.corpora.crema_d import read_crema_d
from avcer.evaluation.corpora.emodb import read_emodb
from avcer.evaluation.corpora.ravdess import read_ravdess
from avcer.evaluation.corpora.savee import read_savee
from miniatures import CREMA_D, EMODB, RAVDESS, SAVEE, Miniature

Make = Callable[..., Path]
Lay = Callable[[Miniature], Path]


def said(corpus: Corpus) -> set[tuple[str, str | None, str, str]]:
    assert corpus.level == "video"
    return {(sample.name, sample.label, sample.speaker, sample.path.suffix) for sample in corpus.samples}


def test_ravdess_takes_a_performance_once_and_no_songs(lay: Lay) -> None:
    root = lay(RAVDESS)
    speech = {
        ("01-01-06-01-02-01-12", "Fear", "12", ".mp4"),
        ("03-01-02-01-01-01-03", "Neutral", "03", ".wav"),
    }
    assert said(read_ravdess(root)) == speech
    assert said(read_ravdess(root, songs=True)) == speech | {("03-02-05-01-02-01-12", "Anger", "12", ".wav")}


def test_ravdess_names_all_eight_emotions(make: Make) -> None:
    corpus = read_ravdess(make(*(f"Actor_01/01-01-0{code}-01-01-01-01.mp4" for code in range(1, 9))))
    assert [sample.label for sample in corpus.samples] == [
        "Neutral", "Neutral", "Happiness", "Sadness", "Anger", "Fear", "Disgust", "Surprise",
    ]  # fmt: skip


def test_crema_d_prefers_the_video(lay: Lay) -> None:
    assert said(read_crema_d(lay(CREMA_D))) == {
        ("1001_DFA_ANG_XX", "Anger", "1001", ".flv"),
        ("1002_IEO_HAP_LO", "Happiness", "1002", ".wav"),
        ("1040_ITH_SAD_XX", "Sadness", "1040", ".flv"),
    }


def test_savee_in_folders_and_flat(lay: Lay) -> None:
    assert said(read_savee(lay(SAVEE))) == {
        ("DC_a01", "Anger", "DC", ".avi"),
        ("DC_sa03", "Sadness", "DC", ".wav"),
        ("JE_su15", "Surprise", "JE", ".wav"),
        ("KL_n30", "Neutral", "KL", ".wav"),
    }


def test_emodb_leaves_boredom_out(lay: Lay) -> None:
    assert said(read_emodb(lay(EMODB))) == {
        ("03a01Fa", "Happiness", "03", ".wav"),
        ("16b10Wb", "Anger", "16", ".wav"),
        ("11b03T", "Sadness", "11", ".wav"),
    }
