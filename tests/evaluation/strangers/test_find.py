"""Which corpora lie below a folder, and which of their rows count."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from avcer.errors import InputError
from avcer.evaluation.strangers.find import Found, find_corpora
from avcer.evaluation.strangers.protocol import PROTOCOLS, protocol_of, seen, speakers_scored
from avcer.evaluation.tables.faces import EMOTION_COLUMNS, OTHER_COLUMNS
from avcer.labels import BASIC
from avcer.models.store import find
from miniatures import (
    ASED,
    CLASSES,
    CREMA_D,
    EMODB,
    EMOVO,
    FERPLUS,
    NEMO,
    RAVDESS,
    SAVEE,
    TUREV,
    URDU,
    Miniature,
    lay_out,
)  # fmt: skip

VOICES = {"CREMA-D": CREMA_D, "emodb": EMODB, "EMOVO": EMOVO, "TurEV-DB": TUREV, "urdu": URDU, "nemo": NEMO}


def everything(root: Path) -> Path:
    """A folder for each corpus, under any name."""
    root.mkdir()
    places = {**VOICES, "ASED_V1": ASED, "RAVDESS": RAVDESS, "SAVEE": SAVEE, "FERPlus": FERPLUS, "AffectNet": CLASSES}
    for name, miniature in places.items():
        lay_out(root / name, miniature)
    (root / "holiday").mkdir()
    (root / "holiday" / "beach.mp4").touch()
    (root / "papers").mkdir()
    return root


def said(found: Found) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Corpus and kind -> label and speaker of each item."""
    return {
        (one.name, one.kind): sorted(
            zip([BASIC[label] for label in one.labels], one.speakers.tolist(), strict=True)
        )
        for one in found.sets
    }  # fmt: skip


def test_every_layout_at_once(tmp_path: Path) -> None:
    found = find_corpora(everything(tmp_path / "corpora"))
    sets = said(found)
    assert sets["emodb", "voices"] == [("Anger", "16"), ("Sadness", "11")]
    assert sets["emovo", "voices"] == [("Disgust", "f1"), ("Happiness", "m3"), ("Neutral", "m3")]
    assert sets["turev", "voices"] == [("Anger", "1157"), ("Happiness", "7895"), ("Neutral", "1234")]
    assert sets["urdu", "voices"] == [("Anger", "SM1"), ("Neutral", "SM4"), ("Sadness", "SF12")]
    assert sets["nemo", "voices"] == [("Anger", "KD0"), ("Neutral", "TP0")]
    assert sets["savee", "voices"] == [("Neutral", "KL"), ("Surprise", "JE")]
    assert sets["savee", "clips"] == [("Anger", "DC")]
    assert sets["ravdess", "clips"] == [("Fear", "12")]
    assert sets["crema_d", "clips"] == [("Anger", "1001"), ("Sadness", "1040")]
    assert [label for label, _ in sets["ferplus", "faces"]] == ["Disgust", "Fear"]
    assert [label for label, _ in sets["affectnet", "faces"]] == ["Anger", "Happiness"]
    assert [note for note in found.notes if "no corpus that is known" in note] == [
        f"{tmp_path / 'corpora' / 'holiday'}: holds no corpus that is known; left out"
    ]
    assert "ravdess: nothing that its protocol scores; left out" in found.notes  # actors 03 and 12 were learned from


def test_one_corpus_alone(tmp_path: Path) -> None:
    assert set(said(find_corpora(lay_out(tmp_path / "f", CLASSES)))) == {("f", "faces")}
    assert set(said(find_corpora(lay_out(tmp_path / "v", EMOVO)))) == {("emovo", "voices")}


def test_nothing_known_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no corpus that is known; put some there"):
        find_corpora(lay_out(tmp_path / "corpora", Miniature(("holiday/beach.mp4",))))
    with pytest.raises(InputError, match="cannot be read as a folder"):
        find_corpora(tmp_path / "nowhere")


def test_labelled_clips_are_not_read_twice(tmp_path: Path) -> None:
    text = {"own/labels.csv": "path,label,speaker\nclips/01-01-06-01-02-01-12.mp4,Fear,12\n", "bad/labels.csv": "a,b\n"}
    found = find_corpora(lay_out(tmp_path / "c", Miniature(("own/clips/01-01-06-01-02-01-12.mp4",), text)))
    assert said(found) == {("own", "clips"): [("Fear", "12")]}
    assert any("bad/labels.csv: needs the columns path, label" in note for note in found.notes)


def speech_table(path: Path, stem: str, **columns: list[str]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    file = path / f"{stem}.parquet"
    parquet.write_table(pyarrow.table({**columns, "audio": [b"x"] * len(columns["emotion"])}), file)
    return file


def test_tables_of_voices(tmp_path: Path) -> None:
    emotions, speakers = ["happy", "boredom", "calm", "sad"], ["1", "17", "20", "16"]
    speech_table(tmp_path, "ravdess-00", emotion=emotions, actor=speakers)
    speech_table(tmp_path, "korean", emotion=emotions, speaker=speakers)
    names = ["n1-01-01-01-01.wav", "n1-03-01-01-01.wav", "n1-02-01-01-01.wav", "n1-01-01-01-01.wav"]
    aside = next(f"{number:02}" for number in range(99) if hashlib.sha1(b"%02d" % number).digest()[0] < 51)
    speech_table(tmp_path, "ased", emotion=["neutral"] * 4, speaker=[aside] * 4, name=names)
    sets = said(find_corpora(tmp_path))
    assert sets["ravdess", "voices"] == [("Neutral", "20")]
    assert sets["korean", "voices"] == [("Happiness", "1"), ("Neutral", "20"), ("Sadness", "16")]
    assert sets["ased", "voices"] == [("Neutral", aside)] * 3


def test_tables_of_faces(tmp_path: Path) -> None:
    votes = {column: [0, 0, 0] for column in (*EMOTION_COLUMNS, *OTHER_COLUMNS)}
    votes |= {"anger": [9, 9, 4], "fear": [1, 1, 6], "split": ["train", "valid", "valid"], "image": [b"a", b"b", b"c"]}  # type: ignore[dict-item]
    parquet.write_table(pyarrow.table(votes), tmp_path / "ferplus-00.parquet")
    images = [f"{number}".encode() for number in range(40)]
    labels = pyarrow.table({"image": images, "label": ["happy", "contempt"] * 20})
    for name in ("affect7-00", "mine"):
        parquet.write_table(labels, tmp_path / f"{name}.parquet")
    parquet.write_table(pyarrow.table({"boxes": [1]}), tmp_path / "scenes.parquet")
    found = find_corpora(tmp_path)
    counts = {one.name: len(one) for one in found.sets}
    assert counts["ferplus"] == 2
    assert counts["mine"] == 20
    assert 0 < counts["affect7"] < 8
    assert any("scenes.parquet: holds no corpus" in note for note in found.notes)


def test_who_is_scored_and_what_was_seen() -> None:
    assert speakers_scored("ravdess", ["1", "16", "17", "24"]).tolist() == [False, False, True, True]
    assert speakers_scored("emovo", ["f1", "m1"]).all()
    card = find("mini", "audio").card
    assert all(seen(name, [card]) for name in ("ravdess", "nemo", "emodb", "crema_d", "savee", "ased", "ravdess01"))
    assert not any(seen(name, [card]) for name in ("emovo", "turev", "urdu", "javanese", "ferplus", "01"))
    published = replace(card, training_data="RAVDESS, CREMA-D, SAVEE, RAMAS, IEMOCAP")
    assert seen("crema_d", [published])
    assert not seen("emodb", [published])
    assert np.all([protocol_of(name).title for name in PROTOCOLS])
