from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError
from avcer.evaluation.corpora.files import (
    PICTURES,
    SOUNDS,
    VIDEOS,
    by_stem,
    emotion,
    find,
    gather,
    part_of,
    read_rows,
    read_text,
)
from avcer.evaluation.corpora.record import Sample

Make = Callable[..., Path]


def names(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find(root, suffixes)]


def test_files_are_found_in_order_hidden_ones_are_not(make: Make) -> None:
    root = make("b/2.mp4", "b/10.AVI", "a/1.mp4", "a/._1.mp4", ".git/3.mp4", "a/1.wav", "z.png")
    assert names(root, VIDEOS) == ["a/1.mp4", "b/10.AVI", "b/2.mp4"]
    assert names(root, PICTURES) == ["z.png"]


def test_linked_folders_are_searched(make: Make, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "1.mp4").touch()
    root = make()
    (root / "videos").symlink_to(tmp_path / "disk")
    assert names(root, VIDEOS) == ["videos/1.mp4"]


def test_of_several_files_the_first_suffix_counts_then_the_first_folder(make: Make) -> None:
    root = make("a/1.wav", "b/1.mp4", "c/1.mp4", "a/2.flv", "b/2.mp4")
    found = by_stem(root, VIDEOS + SOUNDS)
    assert {stem: path.relative_to(root).as_posix() for stem, path in found.items()} == {"1": "b/1.mp4", "2": "b/2.mp4"}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(InputError, match=f"{root}: cannot be read as a folder"):
            list(find(root, VIDEOS))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("Train_AFEW/Angry/1.avi", "train"),
        ("Val_AFEW/Angry/1.avi", "validation"),
        ("dev_splits_complete/dia0_utt0.mp4", "validation"),
        ("test/output_repeated_splits_test/dia0_utt0.mp4", "test"),
        ("train/all/val/1.mp4", "validation"),
        ("test_metadata.csv", "test"),
        ("valley/trainer/1.mp4", ""),
    ],
)
def test_the_nearest_folder_that_names_a_part(path: str, part: str) -> None:
    assert part_of(Path("corpus", path), Path("corpus")) == part


def test_the_root_itself_may_name_the_part() -> None:
    assert part_of(Path("x/Val_AFEW/Angry/1.avi"), Path("x/Val_AFEW")) == "validation"
    assert part_of(Path("train/Val_AFEW/Angry/1.avi"), Path("train/Val_AFEW")) == "validation"
    assert part_of(Path("train/afew/Angry/1.avi"), Path("train/afew")) == ""


def test_words_of_emotion() -> None:
    assert [emotion(word) for word in ("Happy", "joy", "CALM", "boredom")] == [
        "Happiness",
        "Happiness",
        "Neutral",
        None,
    ]


def test_rows_are_read_with_what_real_tables_hold(make: Make) -> None:
    text = '\ufeffPath , Label\na.mp4,"one\x85, two"\n\nb.mp4\n c.mp4 ,"two\nlines",more\n'
    root = make(texts={"table.csv": text})
    assert read_rows(root / "table.csv", ("path", "label")) == [
        {"path": "a.mp4", "label": "one\x85, two"},
        {"path": "b.mp4", "label": ""},
        {"path": "c.mp4", "label": "two\nlines"},
    ]


def test_names_in_another_encoding_keep_their_bytes(make: Make) -> None:
    path = make() / "table.csv"
    path.write_bytes(b"path\nm\xfcde.mp4\n")
    assert read_rows(path, ("path",))[0]["path"] == "m\udcfcde.mp4"
    with pytest.raises(InputError, match="cannot be read"):
        read_text(path.with_name("nowhere.csv"))


@pytest.mark.parametrize("text", ["", "path;label\na;b\n"])
def test_a_table_without_its_columns(make: Make, text: str) -> None:
    with pytest.raises(InputError, match="needs the columns path, label"):
        read_rows(make(texts={"table.csv": text}) / "table.csv", ("path", "label"))


def test_nothing_found_nothing_there_and_names_twice() -> None:
    root, sample = Path("corpus"), Sample("1", Path("a/1.mp4"))
    with pytest.raises(InputError, match="corpus: holds nothing of mine; looked for videos"):
        gather("mine", root, [], "videos")
    with pytest.raises(InputError, match="none of the 2 clips that they name, such as 7"):
        gather("mine", root, [], "videos", ["7", "8"])
    with pytest.raises(InputError, match=r"named 1 \(a/1.mp4, a/1.mp4\)"):
        gather("mine", root, [sample, sample], "videos")
    assert gather("mine", root, [sample], "videos", ["7"]).missing == ("7",)
