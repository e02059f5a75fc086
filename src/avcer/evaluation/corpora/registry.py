"""The table of corpora. A new one is a module with a reader, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from avcer.errors import InputError, UsageError
from avcer.evaluation.corpora.afew import read_afew
from avcer.evaluation.corpora.affwild2 import read_affwild2
from avcer.evaluation.corpora.ased import read_ased
from avcer.evaluation.corpora.blemore import read_blemore
from avcer.evaluation.corpora.c_expr_db import read_c_expr_db
from avcer.evaluation.corpora.classes import read_classes
from avcer.evaluation.corpora.crema_d import read_crema_d
from avcer.evaluation.corpora.emodb import read_emodb
from avcer.evaluation.corpora.emovo import read_emovo
from avcer.evaluation.corpora.ferplus import read_ferplus
from avcer.evaluation.corpora.meld import read_meld
from avcer.evaluation.corpora.nemo import read_nemo
from avcer.evaluation.corpora.ravdess import read_ravdess
from avcer.evaluation.corpora.record import Corpus
from avcer.evaluation.corpora.savee import read_savee
from avcer.evaluation.corpora.table import read_table
from avcer.evaluation.corpora.turev import read_turev
from avcer.evaluation.corpora.urdu import read_urdu

CORPORA: Final[Mapping[str, Callable[[Path], Corpus]]] = {
    "affwild2": read_affwild2,
    "afew": read_afew,
    "c_expr_db": read_c_expr_db,
    "ravdess": read_ravdess,
    "crema_d": read_crema_d,
    "meld": read_meld,
    "savee": read_savee,
    "emodb": read_emodb,
    "blemore": read_blemore,
    "emovo": read_emovo,
    "turev": read_turev,
    "ased": read_ased,
    "urdu": read_urdu,
    "nemo": read_nemo,
    "classes": read_classes,
    "ferplus": read_ferplus,
    "table": read_table,
}
"""Each reader by the name of its corpus. It is given the corpus' folder; ``table`` is given a file."""


def read_corpus(name: str, root: Path) -> Corpus:
    """Reads the corpus ``name`` (``c-expr-db`` is ``c_expr_db``) from the folder ``root``. No clip is opened.

    Raises:
        UsageError: an unknown corpus.
        InputError: ``root`` is missing, holds nothing of that corpus, or an annotation that cannot be read.
    """
    reader = CORPORA.get(name.replace("-", "_"))
    if reader is None:
        raise UsageError(f"unknown corpus {name!r}; the corpora are {', '.join(CORPORA)}")
    if not root.exists():
        raise InputError(f"{root}: does not exist; give the place of {name}")
    return reader(root)
