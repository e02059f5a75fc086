from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from avcer.errors import InputError
from avcer.evaluation.corpora.table import read_table
from avcer.labels import Compound, Vocabulary

Make = Callable[..., Path]


def table(make: Make, text: str, *clips: str) -> Path:
    return make(*clips, texts={"mine.csv": text}) / "mine.csv"


def test_paths_and_labels_are_enough(make: Make) -> None:
    path = table(make, "path,label\na/one.mp4,happy\ntwo.wav,Sadly_Angry\ntwo.mp4,\n", "a/one.mp4", "two.wav")
    corpus = read_table(path)
    assert (corpus.name, corpus.level, corpus.missing) == ("mine", "video", ("two",))
    assert [(sample.name, sample.label) for sample in corpus.samples] == [
        ("a_one", "Happiness"),
        ("two", "Sadly Angry"),
    ]
    assert corpus.samples[0].path == path.parent / "a" / "one.mp4"


def test_every_column(make: Make) -> None:
    text = (
        "part,speaker,start,end,label,path\n"
        "dev,Ann,0,2.5,Fear,talk.mp4\n"
        "Test,Ben,2.5,,,talk.mp4\n"
        ",,,,neutral,talk.mp4\n"
    )
    samples = read_table(table(make, text, "talk.mp4")).samples
    assert [(s.name, s.start_s, s.end_s, s.speaker, s.part, s.label) for s in samples] == [
        ("talk_0-2.5", 0.0, 2.5, "Ann", "validation", "Fear"),
        ("talk_2.5-", 2.5, None, "Ben", "test", None),
        ("talk", None, None, "", "", "Neutral"),
    ]
    assert {one.recording for one in samples} == {"talk.mp4"}


def test_absolute_paths_and_ways_out_of_the_folder(make: Make, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    samples = read_table(table(make, f"path,label\n../clip.mp4,fear\n{tmp_path}/clip.mp4,fear\n")).samples
    assert samples[0].name == "clip"
    assert samples[1].path == tmp_path / "clip.mp4"
    assert all("/" not in sample.name for sample in samples)


def test_parquet_holds_the_same(make: Make) -> None:
    path = make("a.mp4", "b.mp4") / "mine.parquet"
    rows = [
        {"Path": "a.mp4", "Label": "Anger", "start": 1.5, "end": float("nan"), "speaker": 7},
        {"Path": "b.mp4", "Label": None, "start": None, "end": 3.0, "speaker": None},
    ]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert [(s.name, s.label, s.start_s, s.end_s, s.speaker) for s in read_table(path).samples] == [
        ("a_1.5-", "Anger", 1.5, None, "7"),
        ("b_0-3", None, None, 3.0, ""),
    ]


def test_a_vocabulary_of_one_s_own(make: Make) -> None:
    path = table(make, "path,label\na.mp4,bittersweet\n", "a.mp4")
    own = Vocabulary("own", (Compound("Bittersweet", "Happiness", "Sadness"),))
    assert read_table(path, own).samples[0].label == "Bittersweet"
    with pytest.raises(InputError, match="row 2: has the label 'bittersweet'"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path;label\na.mp4;Fear\n", "needs the columns path, label"),
        ("path,label\n", "holds nothing of mine"),
        ("path,label\nb.mp4,Fear\n", "none of the 1 clips"),
        ("path,label,part\na.mp4,Fear,trial\n", "row 2: has the part 'trial'"),
        ("path,label,start\na.mp4,Fear,soon\n", "row 2: has the start 'soon'"),
        ("path,label,start\na.mp4,Fear,-1\n", "row 2: has the start '-1'"),
        ("path,label,end\na.mp4,Fear,inf\n", "row 2: has the end 'inf'"),
        ("path,label,start,end\na.mp4,Fear,3,2\n", "row 2: ends at 2 s, before it begins"),
        ("path,label\na.mp4,Fear\na.mp4,Anger\n", "named a "),
    ],
)
def test_what_is_no_corpus(make: Make, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(table(make, text, "a.mp4"))


def test_what_is_no_table(make: Make) -> None:
    root = make(texts={"mine.parquet": "no"})
    with pytest.raises(InputError, match="is no table"):
        read_table(root)
    with pytest.raises(InputError, match="cannot be read as a Parquet table"):
        read_table(root / "mine.parquet")
    parquet.write_table(pa.Table.from_pylist([{"path": "a"}]), root / "mine.parquet")
    with pytest.raises(InputError, match="needs the columns path, label; it has path"):
        read_table(root / "mine.parquet")
