from __future__ import annotations

from pathlib import Path

import pytest

from avcer.annotations.words import Words, read_map
from avcer.errors import UsageError
from avcer.labels import BASIC, PAIRS_15, VOCABULARIES, Compound, Vocabulary


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("HAPPY", "Happiness"), (" joy ", "Happiness"), ("sadly_angry", "Sadly Angry"), ("Sadly-Angry*", "Sadly Angry"),
        ("sad + angry", "Sadly Angry"), ("Surprise and Fear", "Fearfully Surprised"), ("happy/sad", "Happily Sad"),
        ("none", ""), ("", ""), ("  ", ""), ("contempt", None), ("happy + contempt", None), ("happy + joy", None),
    ],
)  # fmt: skip
def test_words(word: str, label: str | None) -> None:
    assert Words().label(word) == label


def test_every_label_of_every_vocabulary_is_a_word() -> None:
    words = Words()
    for name in (*BASIC, *(name for vocabulary in VOCABULARIES.values() for name in vocabulary.names)):
        assert words.label(name.upper()) == name
    assert all(words.label(f"{one.second} & {one.first}") == one.name for one in PAIRS_15.compounds)


def test_a_vocabulary_of_the_users() -> None:
    words = Words(vocabulary=Vocabulary("mine", (Compound("Bittersweet", "Happiness", "Sadness"),)))
    assert words.label("bittersweet") == words.label("sad+happy") == "Bittersweet"


def test_a_map_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[labels]\n"gut gelaunt" = "happy"\n"?" = ""\n', encoding="utf-8")
    words = Words(read_map(path))
    assert words.label("Gut  Gelaunt") == "Happiness"
    assert words.label("?") == ""
    with pytest.raises(UsageError, match="'x' is to mean 'y'"):
        Words({"x": "y"})
    for text in ("[labels", "[other]\na = 'b'", "[labels]\na = 1"):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"map\.toml"):
            read_map(path)
