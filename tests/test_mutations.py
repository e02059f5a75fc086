"""The mutations of ``benchmarks/mutations.py`` still fit the code; whether tests kill them is measured there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutations import MUTATIONS, Mutation, mutated

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.letter)
def test_the_place_of_each_mutation_is_there_once(mutation: Mutation) -> None:
    """A change of that line has to be made in ``benchmarks/mutations.py``, too."""
    text = (ROOT / "src" / "avcer" / mutation.file).read_text(encoding="utf-8")
    assert mutated(text, mutation) != text
    compile(mutated(text, mutation), mutation.file, "exec")
    assert any((ROOT / test).exists() for test in mutation.tests)


def test_there_are_24_of_the_review_and_27_in_the_joints() -> None:
    letters = [one.letter for one in MUTATIONS]
    assert "".join(letters[:24]) == "ABCDEFGHIJKLMNOPQRSTUVWX"
    assert letters[24:] == [str(number) for number in range(1, 28)]
