"""What annotators write for an emotion or a compound, and the label that it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from avcer.errors import UsageError
from avcer.labels import BASIC, NONE, PAIRS_15, VOCABULARIES, Vocabulary
from avcer.parsing import toml_of

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Neutral": ("neutrality", "no emotion", "calm"),
    "Anger": ("angry", "mad", "furious", "rage"),
    "Disgust": ("disgusted", "revulsion"),
    "Fear": ("fearful", "afraid", "scared", "frightened"),
    "Happiness": ("happy", "joy", "joyful", "glad"),
    "Sadness": ("sad", "sorrow", "unhappy"),
    "Surprise": ("surprised", "astonished", "astonishment"),
}
"""Words for the basic emotions, beside their names. Only what means the same: contempt is none of them, nor is a
smile. (``evaluation.tables.speech.WORDS`` decides which recordings of corpora count, and must not grow with these.)
"""

_BETWEEN: Final = (" and ", "+", "&", "/", ",")
"""What stands between the two emotions of a compound that is not called by its name."""


class Words:
    """Labels by the words for them: in any case, with blanks, hyphens or underscores.

    Args:
        own: words of the user's -> a label, or '' for what is to be left out.
        vocabulary: the compounds of an analysis, if they have names of the user's.
    """

    def __init__(self, own: Mapping[str, str] | None = None, vocabulary: Vocabulary | None = None) -> None:
        basic = {plain(word): label for label, others in SYNONYMS.items() for word in (label, *others)}
        vocabularies = [*VOCABULARIES.values(), PAIRS_15, *([vocabulary] if vocabulary else [])]
        compounds = [one for each in vocabularies for one in each.compounds]
        self._basic = basic
        self._pairs = {frozenset((one.first, one.second)): one.name for one in compounds}
        self._labels = {plain(one.name): one.name for one in compounds} | basic | {"": "", plain(NONE): ""}
        for word, label in (own or {}).items():
            meant = self.label(label)
            if meant is None:
                raise UsageError(f"{word!r} is to mean {label!r}, which is no label; the labels are {self.known}")
            self._labels[plain(word)] = meant

    def label(self, word: str) -> str | None:
        """The label that a word means; '' where it means that there is none; None for an unknown word."""
        simple = plain(word)
        return self._labels.get(simple) if simple in self._labels else self._pair(simple)

    @property
    def known(self) -> str:
        """The labels, for a message."""
        return ", ".join(dict.fromkeys((*BASIC, *self._pairs.values())))

    def _pair(self, word: str) -> str | None:
        """The compound of two basic emotions, such as 'happy + surprised'."""
        for sign in _BETWEEN:
            parts = [self._basic.get(part.strip()) for part in word.split(sign)]
            if len(parts) == 2 and None not in parts:
                return self._pairs.get(frozenset(str(part) for part in parts))
        return None


def plain(word: str) -> str:
    """A word in small letters with single blanks, without the ``*`` that avcer puts behind a person's label."""
    return " ".join(word.replace("_", " ").replace("-", " ").casefold().strip().rstrip("*").split())


def read_map(path: Path) -> dict[str, str]:
    """Words of the user's, from a TOML file with one table::

        [labels]
        "gut gelaunt" = "Happiness"
        "?" = ""

    Raises:
        UsageError: it cannot be read, or is no such table.
    """
    try:
        table = toml_of(path.read_text(encoding="utf-8")).get("labels")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; give a TOML file with a table [labels]") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as a map of words ({error})") from error
    if not isinstance(table, dict) or not all(isinstance(label, str) for label in table.values()):
        raise UsageError(f'{path}: needs a table [labels] with entries like "gut gelaunt" = "Happiness"')
    return table
