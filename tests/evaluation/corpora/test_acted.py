"""The corpora that say everything in the names of their files: RAVDESS, CREMA-D, SAVEE, EMO-DB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avcer.evaluation.corpora import Corpus
from avcer.evaluation.corpora.crema_d import read_crema_d
from avcer.evaluation.corpora.emodb import read_emodb
from avcer.evaluation.corpora.ravdess import read_ravdess
from avcer.evaluation.corpora.savee import read_savee

Make = Callable[..., Path]


def said(corpus: Corpus) -> set[tuple[str, str | None, str, str]]:
    assert corpus.level == "video"
    return {(sample.name, sample.label, sample.speaker, sample.path.suffix) for sample in corpus.samples}


def test_ravdess_takes_a_performance_once_and_no_songs(make: Make) -> None:
    root = make(
        "Actor_12/02-01-06-01-02-01-12.mp4",
        "Actor_12/01-01-06-01-02-01-12.mp4",
        "Actor_12/03-01-06-01-02-01-12.wav",
        "Actor_12/03-02-05-01-02-01-12.wav",
        "audio/Actor_03/03-01-02-01-01-01-03.wav",
        "audio/again/Actor_03/03-01-02-01-01-01-03.wav",
        "Actor_03/03-01-09-01-01-01-03.wav",
    )
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


def test_crema_d_prefers_the_video(make: Make) -> None:
    root = make(
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1002_IEO_HAP_LO.wav",
        "AudioWAV/1040_ITH_SAD_X.wav",
        "VideoFlash/1040_ITH_SAD_XX.flv",
        "AudioWAV/1040_ITH_BOR_XX.wav",
    )
    assert said(read_crema_d(root)) == {
        ("1001_DFA_ANG_XX", "Anger", "1001", ".flv"),
        ("1002_IEO_HAP_LO", "Happiness", "1002", ".wav"),
        ("1040_ITH_SAD_XX", "Sadness", "1040", ".flv"),
    }


def test_savee_in_folders_and_flat(make: Make) -> None:
    root = make(
        "AudioVisualClip/DC/a1.avi",
        "AudioData/DC/a01.wav",
        "AudioData/DC/sa03.wav",
        "AudioData/JE/su15.wav",
        "flat/KL_n30.wav",
        "AudioData/XX/a01.wav",
        "AudioData/JK/b01.wav",
    )
    assert said(read_savee(root)) == {
        ("DC_a01", "Anger", "DC", ".avi"),
        ("DC_sa03", "Sadness", "DC", ".wav"),
        ("JE_su15", "Surprise", "JE", ".wav"),
        ("KL_n30", "Neutral", "KL", ".wav"),
    }


def test_emodb_leaves_boredom_out(make: Make) -> None:
    root = make("wav/03a01Fa.wav", "wav/16b10Wb.wav", "wav/08a02La.wav", "wav/11b03T.wav", "wav/other.wav")
    assert said(read_emodb(root)) == {
        ("03a01Fa", "Happiness", "03", ".wav"),
        ("16b10Wb", "Anger", "16", ".wav"),
        ("11b03T", "Sadness", "11", ".wav"),
    }
