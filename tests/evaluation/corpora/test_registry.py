from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avcer.errors import InputError, UsageError
from avcer.evaluation.corpora import CORPORA, read_corpus

Make = Callable[..., Path]


def test_an_unknown_corpus_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'iemocap'.*affwild2, afew"):
        read_corpus("iemocap", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_corpus("afew", tmp_path / "nowhere")


@pytest.mark.parametrize("name", sorted(set(CORPORA) - {"table"}))
def test_a_folder_without_the_corpus(name: str, make: Make) -> None:
    with pytest.raises(InputError, match=f"holds nothing of {name}; looked for"):
        read_corpus(name, make("notes.txt", "some/other.mp4", "some/other.csv", "picture.png"))


def test_names_may_be_written_with_dashes(make: Make) -> None:
    assert read_corpus("crema-d", make("1001_DFA_ANG_XX.flv")).name == "crema_d"
