"""FER+: the pictures of FER 2013 with the votes of ten annotators (Barsoum et al., ICMI 2016).

``fer2013new.csv`` and the pictures that its column ``Image name`` names, in folders such as ``FER2013Train``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.files import PICTURES, by_stem, find, gather, read_rows
from avcer.evaluation.corpora.record import Corpus, Part, Sample
from avcer.evaluation.tables.faces import EMOTION_COLUMNS, OTHER_COLUMNS
from avcer.labels import BASIC

TABLE: Final = "fer2013new.csv"
USAGES: Final[dict[str, Part]] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
LOOKED_FOR: Final = f"the table {TABLE}"
_VOTES: Final = tuple(column.lower() for column in (*EMOTION_COLUMNS, *OTHER_COLUMNS))


def read_ferplus(root: Path) -> Corpus:
    """The pictures below ``root`` for which one of the seven emotions holds more than half of all votes.

    Raises:
        InputError: no table, one that cannot be understood, or none of the pictures.
    """
    pictures = by_stem(root, PICTURES)
    samples, missing = [], []
    for path in find(root, (TABLE,)):
        for number, row in enumerate(read_rows(path, ("usage", "image name", *_VOTES)), 2):
            label, name = _label(row, f"{path}, row {number}"), Path(row["image name"]).stem
            if name and label and name in pictures:
                samples.append(Sample(name, pictures[name], label=label, part=USAGES.get(row["usage"], "")))
            elif name and label:
                missing.append(name)
    return gather("ferplus", root, samples, LOOKED_FOR, missing)


def _label(row: dict[str, str], place: str) -> str | None:
    try:
        votes = [int(row[column]) for column in _VOTES]
    except ValueError as error:
        raise InputError(f"{place}: votes must be whole numbers ({error}); take the published table") from error
    most = max(votes[: len(BASIC)])
    return BASIC[votes.index(most)] if most > sum(votes) / 2 else None
