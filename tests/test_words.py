"""The words of the command line are those of the tables that give them their meaning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

from avcer import words
from avcer.decision.compound import TABLE
from avcer.decision.policy import RULES, TITLES
from avcer.evaluation.corpora.registry import CORPORA
from avcer.evaluation.peers.registry import PEERS
from avcer.labels import VOCABULARIES
from avcer.models.card import FAMILIES, ROLES
from avcer.models.runtime import DEVICES
from avcer.options import SETTINGS, Options
from avcer.output.writers import DEFAULT_FORMATS, FORMATS


def test_words_are_those_of_the_tables() -> None:
    assert words.FAMILIES == FAMILIES
    assert words.ROLES == ROLES
    assert tuple(SETTINGS) == words.SETTINGS
    assert words.DEVICES == DEVICES
    assert words.RULES == RULES == tuple(TITLES)
    assert get_args(words.PairRule) == tuple(TABLE)
    assert get_args(get_type_hints(Options)["sound_for"]) == words.SOUND_FOR
    assert set(words.VOCABULARIES) == set(VOCABULARIES)
    assert tuple(FORMATS) == words.FORMATS
    assert words.USUAL_FORMATS == DEFAULT_FORMATS
    assert {word.replace("-", "_") for word in words.CORPORA} | {"ferplus"} == set(CORPORA)
    assert tuple(PEERS) == words.PEERS


def test_the_pages_name_the_formats() -> None:
    """In the table of ``docs/exports.md``, and in the menu of the page."""
    root = Path(words.__file__).parents[2]
    table = (root / "docs" / "exports.md").read_text(encoding="utf-8").partition("|---|")[2].partition("\n\n")[0]
    first = [row.split("|")[1] for row in table.splitlines()[1:]]
    assert sorted(word for cell in first for word in re.findall(r"`(\w+)`", cell)) == sorted(FORMATS)
    menu = (root / "src" / "avcer" / "serve" / "page" / "downloads.js").read_text(encoding="utf-8")
    shown = menu.partition("const WORDS = {")[2].partition("};")[0]
    assert sorted(re.findall(r"(\w+): \"", shown)) == sorted(FORMATS)
    (begins,) = re.findall(r"const FIRST = \[(.*)\]", menu)
    assert set(re.findall(r"\"(\w+)\"", begins)) <= set(FORMATS)
