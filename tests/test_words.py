"""The words of the command line are those of the tables that give them their meaning."""

from __future__ import annotations

from typing import get_args, get_type_hints

from avcer import words
from avcer.decision.policy import RULES
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
    assert words.RULES == RULES
    assert get_args(get_type_hints(Options)["sound_for"]) == words.SOUND_FOR
    assert set(words.VOCABULARIES) == set(VOCABULARIES)
    assert tuple(FORMATS) == words.FORMATS
    assert words.USUAL_FORMATS == DEFAULT_FORMATS
    assert {word.replace("-", "_") for word in words.CORPORA} | {"ferplus"} == set(CORPORA)
    assert tuple(PEERS) == words.PEERS
