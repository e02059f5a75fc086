"""Vocabularies: the built-in ones, the user's own, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from avcer.errors import UsageError
from avcer.labels import AVCER_12, BASIC, C_EXPR_DB, VISUAL, read_vocabulary


def test_orders_hold_the_same_emotions() -> None:
    assert set(VISUAL) == set(BASIC)
    assert [compound.indices for compound in C_EXPR_DB.compounds] == [
        (3, 6), (4, 6), (5, 6), (2, 6), (1, 6), (3, 5), (1, 5)
    ]  # fmt: skip
    assert AVCER_12.names[:7] == C_EXPR_DB.names
    assert len(AVCER_12) == len(set(AVCER_12.names)) == 12


@pytest.mark.parametrize(("name", "count"), [("raf-db", 11), ("du", 12), ("blemore", 10)])
def test_more_vocabularies_name_different_pairs(name: str, count: int) -> None:
    vocabulary = read_vocabulary(name)
    assert len({frozenset(compound.indices) for compound in vocabulary.compounds}) == count
    assert len(set(vocabulary.names)) == count


def test_built_in_and_own(tmp_path: Path) -> None:
    assert read_vocabulary("avcer-12") is AVCER_12
    path = tmp_path / "mine.toml"
    path.write_text('[compounds]\n"Bittersweet" = ["happiness", "Sadness"]\n', encoding="utf-8")
    own = read_vocabulary(path)
    assert own.name == "mine"
    assert own.compounds[0].indices == (4, 5)


@pytest.mark.parametrize(
    "text",
    ["", "compounds = 3", "[compounds]", "[compounds]\nA = 1", "not toml [",
     '[compounds]\nX = ["Fear"]', '[compounds]\nX = ["Fear", "Joy"]', '[compounds]\nX = ["Fear", "Fear"]',
     "[compounds]\nX = [\"Neutral\", \"Fear\"]", "[compounds]\nnone = [\"Fear\", \"Anger\"]",
     "[compounds]\nAV = [\"Fear\", \"Anger\"]"],
)  # fmt: skip
def test_bad_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.toml") as caught:
        read_vocabulary(path)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="c-expr-db, avcer-12"):
        read_vocabulary("klingon")
    with pytest.raises(UsageError, match=r"missing\.toml"):
        read_vocabulary("missing.toml")
