"""Basic emotions, compound vocabularies, and every class order in one place.

Sources: AVCER (Ryumina et al., CVPR Workshops 2024, doi 10.1109/CVPRW63382.2024.00478) for the orders and the
vocabularies; C-EXPR-DB (Kollias, CVPR 2023) for the seven compound expressions and their class indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from avcer.errors import UsageError
from avcer.modalities import CURVES
from avcer.parsing import toml_of

BASIC: Final = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
"""The basic emotions in the order of fusion, of every record and of every table that avcer writes."""

VISUAL: Final = ("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger")
"""The order in which the published static and dynamic models give their seven outputs."""

AUDIO_8: Final = (*BASIC, "Other")
"""The order of the published 8-class audio model; the 7-class variant has the order of ``BASIC``."""

NONE: Final = "none"
"""The result 'no compound expression' (Rule 1 leaves seven zeros). Not an absence of data."""

RESERVED: Final = {
    NONE,
    *("frame", "time_s", "face", "x1", "y1", "x2", "y2"),
    *CURVES,
    *("kind", "salience", "probability", "runner_up", "label_raw", "label_set"),
    *BASIC,
}
"""Names that no compound may have: they are columns of the tables, or results of their own."""


@dataclass(frozen=True)
class Compound:
    """A compound expression: its name, and the two basic emotions that it blends."""

    name: str
    first: str
    second: str

    def __post_init__(self) -> None:
        for emotion in (self.first, self.second):
            if emotion not in BASIC[1:]:
                known = ", ".join(BASIC[1:])
                raise UsageError(f"compound {self.name!r} names {emotion!r}; the basic emotions are {known}")
        if self.first == self.second:
            raise UsageError(f"compound {self.name!r} names {self.first} twice; a compound blends two emotions")

    @property
    def indices(self) -> tuple[int, int]:
        """Positions of the two emotions in ``BASIC``."""
        return BASIC.index(self.first), BASIC.index(self.second)


@dataclass(frozen=True)
class Vocabulary:
    """The compound expressions that a decision chooses from, in the order of their class index."""

    name: str
    compounds: tuple[Compound, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the compounds, by class index."""
        return tuple(compound.name for compound in self.compounds)

    def as_dict(self) -> dict[str, object]:
        """The vocabulary for a provenance: its name, and of each compound the name and the two emotions."""
        return {"name": self.name, "compounds": [[one.name, one.first, one.second] for one in self.compounds]}

    def __len__(self) -> int:
        return len(self.compounds)


C_EXPR_DB: Final = Vocabulary(
    "c-expr-db",
    (
        Compound("Fearfully Surprised", "Fear", "Surprise"),
        Compound("Happily Surprised", "Happiness", "Surprise"),
        Compound("Sadly Surprised", "Sadness", "Surprise"),
        Compound("Disgustedly Surprised", "Disgust", "Surprise"),
        Compound("Angrily Surprised", "Anger", "Surprise"),
        Compound("Sadly Fearful", "Fear", "Sadness"),
        Compound("Sadly Angry", "Anger", "Sadness"),
    ),
)
"""The seven compound expressions of C-EXPR-DB; the position is the challenge's class index."""

AVCER_12: Final = Vocabulary(
    "avcer-12",
    (
        *C_EXPR_DB.compounds,
        Compound("Sadly Disgusted", "Sadness", "Disgust"),
        Compound("Fearfully Angry", "Fear", "Anger"),
        Compound("Fearfully Disgusted", "Fear", "Disgust"),
        Compound("Angrily Disgusted", "Anger", "Disgust"),
        Compound("Happily Disgusted", "Happiness", "Disgust"),
    ),
)
"""The twelve of the authors' later demo: the seven of C-EXPR-DB, then five more."""

RAF_DB: Final = Vocabulary(
    "raf-db",
    (
        Compound("Happily Surprised", "Happiness", "Surprise"),
        Compound("Happily Disgusted", "Happiness", "Disgust"),
        Compound("Sadly Fearful", "Sadness", "Fear"),
        Compound("Sadly Angry", "Sadness", "Anger"),
        Compound("Sadly Surprised", "Sadness", "Surprise"),
        Compound("Sadly Disgusted", "Sadness", "Disgust"),
        Compound("Fearfully Angry", "Fear", "Anger"),
        Compound("Fearfully Surprised", "Fear", "Surprise"),
        Compound("Angrily Surprised", "Anger", "Surprise"),
        Compound("Angrily Disgusted", "Anger", "Disgust"),
        Compound("Disgustedly Surprised", "Disgust", "Surprise"),
    ),
)
"""The eleven compounds of RAF-DB (Li et al., CVPR 2017)."""

DU: Final = Vocabulary("du", (*RAF_DB.compounds, Compound("Fearfully Disgusted", "Fear", "Disgust")))
"""The twelve different pairs of Du et al. (PNAS 2014). Three more of their fifteen categories name a pair again, with
another of the two in front: Appalled, Hatred, Awed.
"""

BLEMORE: Final = Vocabulary(
    "blemore",
    (
        Compound("Angrily Disgusted", "Anger", "Disgust"),
        Compound("Fearfully Angry", "Anger", "Fear"),
        Compound("Happily Angry", "Anger", "Happiness"),
        Compound("Sadly Angry", "Anger", "Sadness"),
        Compound("Fearfully Disgusted", "Disgust", "Fear"),
        Compound("Happily Disgusted", "Disgust", "Happiness"),
        Compound("Sadly Disgusted", "Disgust", "Sadness"),
        Compound("Happily Fearful", "Fear", "Happiness"),
        Compound("Sadly Fearful", "Fear", "Sadness"),
        Compound("Happily Sad", "Happiness", "Sadness"),
    ),
)
"""The ten blends of BLEMORE: all pairs of five emotions, without Surprise. It gives them no names of their own."""

PAIRS_15: Final = Vocabulary(
    "pairs-15",
    (
        *BLEMORE.compounds[:4],
        Compound("Angrily Surprised", "Anger", "Surprise"),
        *BLEMORE.compounds[4:7],
        Compound("Disgustedly Surprised", "Disgust", "Surprise"),
        *BLEMORE.compounds[7:9],
        Compound("Fearfully Surprised", "Fear", "Surprise"),
        BLEMORE.compounds[9],
        Compound("Happily Surprised", "Happiness", "Surprise"),
        Compound("Sadly Surprised", "Sadness", "Surprise"),
    ),
)
"""All fifteen pairs of the six emotions, in the order of ``BASIC``."""

VOCABULARIES: Final = {
    vocabulary.name: vocabulary for vocabulary in (C_EXPR_DB, AVCER_12, RAF_DB, DU, BLEMORE, PAIRS_15)
}


def read_vocabulary(choice: str | Path) -> Vocabulary:
    """A built-in vocabulary by its name, or the user's own from a TOML file.

    The file has one table, ``[compounds]``, each entry a name and its two basic emotions::

        [compounds]
        "Bittersweet" = ["Happiness", "Sadness"]

    Raises:
        UsageError: unknown name, unreadable file, or an entry that is not a pair of basic emotions.
    """
    if str(choice) in VOCABULARIES:
        return VOCABULARIES[str(choice)]
    path, known = Path(choice), f"one of {', '.join(VOCABULARIES)}"
    if path.suffix != ".toml":
        raise UsageError(f"unknown vocabulary {str(choice)!r}: give {known}, or a .toml file")
    try:
        table = toml_of(path.read_text(encoding="utf-8")).get("compounds")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; give a .toml file with a table [compounds], or {known}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as a vocabulary ({error})") from error
    if not isinstance(table, dict) or not table:
        raise UsageError(f'{path}: needs a table [compounds] with entries like "Sadly Angry" = ["Sadness", "Anger"]')
    return Vocabulary(path.stem, tuple(_compound(path, name, pair) for name, pair in table.items()))


def _compound(path: Path, name: str, pair: object) -> Compound:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(emotion, str) for emotion in pair)):
        raise UsageError(f'{path}: {name!r} must be a pair of basic emotions, such as ["Fear", "Surprise"]')
    if name in RESERVED or not name.strip():
        raise UsageError(f"{path}: {name!r} has another meaning in the tables; choose another name")
    try:
        return Compound(name, *(emotion.capitalize() for emotion in pair))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
