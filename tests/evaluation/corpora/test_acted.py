"""The corpora that say everything in the names of their files and folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avcer.evaluation.corpora import Corpus
from avcer.evaluation.corpora.ased import read_ased
from avcer.evaluation.corpora.classes import read_classes
from avcer.evaluation.corpora.crema_d import read_crema_d
from avcer.evaluation.corpora.emodb import read_emodb
from avcer.evaluation.corpora.emovo import read_emovo
from avcer.evaluation.corpora.files import SOUNDS, VIDEOS
from avcer.evaluation.corpora.nemo import read_nemo
from avcer.evaluation.corpora.ravdess import read_ravdess
from avcer.evaluation.corpora.savee import read_savee
from avcer.evaluation.corpora.turev import read_turev
from avcer.evaluation.corpora.urdu import read_urdu
from miniatures import ASED, CLASSES, CREMA_D, EMODB, EMOVO, NEMO, RAVDESS, SAVEE, TUREV, URDU, Miniature

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


def test_sounds_or_videos_alone(lay: Lay) -> None:
    root = lay(Miniature((*CREMA_D.clips, *RAVDESS.clips, *SAVEE.clips)))
    assert [sample.path.suffix for sample in read_crema_d(root, SOUNDS).samples] == [".wav"] * 3
    assert [sample.path.suffix for sample in read_crema_d(root, VIDEOS).samples] == [".flv"] * 2
    assert {sample.name for sample in read_ravdess(root, suffixes=SOUNDS).samples} == {
        "03-01-06-01-02-01-12", "03-01-02-01-01-01-03",
    }  # fmt: skip
    assert {sample.name for sample in read_savee(root, VIDEOS).samples} == {"DC_a01"}


def test_emovo(lay: Lay) -> None:
    assert said(read_emovo(lay(EMOVO))) == {
        ("dis-f1-b1", "Disgust", "f1", ".wav"),
        ("gio-m3-n5", "Happiness", "m3", ".wav"),
        ("neu-m3-l1", "Neutral", "m3", ".wav"),
    }


def test_turev_by_its_folders_each_word_once(lay: Lay) -> None:
    assert said(read_turev(lay(TUREV))) == {
        ("Angry_1157_kz_acik", "Anger", "1157", ".wav"),
        ("Calm_1234_sk_algi", "Neutral", "1234", ".wav"),
        ("Happy_7895_mt_dil", "Happiness", "7895", ".wav"),
    }


def test_ased_without_sentences_of_one_emotion(lay: Lay) -> None:
    assert said(read_ased(lay(ASED))) == {
        ("a5-01-01-02-50", "Anger", "50", ".wav"),
        ("n1-02-02-01-07", "Neutral", "07", ".wav"),
        ("S4-02-02-01-29", "Sadness", "29", ".wav"),
    }


def test_urdu(lay: Lay) -> None:
    assert said(read_urdu(lay(URDU))) == {
        ("SM1_F10_A010", "Anger", "SM1", ".wav"),
        ("SF12_F3_S0103", "Sadness", "SF12", ".wav"),
        ("SM4_F1_N012", "Neutral", "SM4", ".wav"),
    }


def test_nemo(lay: Lay) -> None:
    assert said(read_nemo(lay(NEMO))) == {
        ("WR0_surprised_64", "Surprise", "WR0", ".wav"),
        ("KD0_anger_1", "Anger", "KD0", ".wav"),
        ("TP0_neutral_9", "Neutral", "TP0", ".wav"),
    }


def test_pictures_in_class_folders(lay: Lay) -> None:
    corpus = read_classes(lay(CLASSES))
    assert {(sample.name, sample.label, sample.part) for sample in corpus.samples} == {
        ("train_happy_1_png", "Happiness", "train"),
        ("val_happy_1_png", "Happiness", "validation"),
        ("val_Anger_2_jpg", "Anger", "validation"),
    }
