"""Which corpora lie below a folder: in the layouts in which they are handed out, and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.ased import read_ased
from avcer.evaluation.corpora.classes import read_classes
from avcer.evaluation.corpora.crema_d import read_crema_d
from avcer.evaluation.corpora.emodb import read_emodb
from avcer.evaluation.corpora.emovo import read_emovo
from avcer.evaluation.corpora.ferplus import TABLE as VOTES
from avcer.evaluation.corpora.ferplus import read_ferplus
from avcer.evaluation.corpora.files import PARTS, PICTURES, SOUNDS, VIDEOS, NothingFoundError, emotion, find
from avcer.evaluation.corpora.nemo import read_nemo
from avcer.evaluation.corpora.ravdess import read_ravdess
from avcer.evaluation.corpora.record import Corpus
from avcer.evaluation.corpora.savee import read_savee
from avcer.evaluation.corpora.table import read_table
from avcer.evaluation.corpora.turev import read_turev
from avcer.evaluation.corpora.urdu import read_urdu
from avcer.evaluation.strangers.sets import Kind, LabelledSet, of_corpus, of_table

LABELS: Final = "labels.csv"
TABLES: Final = ".parquet"
Reader = Callable[[Path], Corpus]
VOICES: Final[tuple[Reader, ...]] = (
    partial(read_ravdess, suffixes=SOUNDS),
    partial(read_crema_d, suffixes=SOUNDS),
    partial(read_savee, suffixes=SOUNDS),
    read_emodb, read_emovo, read_turev, read_ased, read_urdu, read_nemo,
)  # fmt: skip
CLIPS: Final[tuple[Reader, ...]] = (
    partial(read_ravdess, suffixes=VIDEOS),
    partial(read_crema_d, suffixes=VIDEOS),
    partial(read_savee, suffixes=VIDEOS),
)


@dataclass
class Found:
    """The ``sets`` below ``root``; ``notes`` on what is passed over, a line each; ``files`` that belong to a set."""

    root: Path
    sets: list[LabelledSet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)

    def add(self, made: LabelledSet | None, name: str) -> None:
        """A set of the corpus ``name``, unless it is there already in another file or form, or nothing of it counts."""
        if made is None:
            self.notes.append(f"{name}: nothing that its protocol scores; left out")
        elif any((one.name, one.kind) == (made.name, made.kind) for one in self.sets):
            self.notes.append(f"{made.name}: is there in another file or form, too, which is left out")
        else:
            self.sets.append(made)

    def read(self, reader: Reader, root: Path, kind: Kind, name: str = "") -> None:
        """What ``reader`` finds below ``root``, but for files of another set; an annotation that cannot be read is a
        note.
        """
        try:
            corpus = reader(root)
        except NothingFoundError:
            return
        except InputError as error:
            self.notes.append(str(error))
            return
        samples = tuple(sample for sample in corpus.samples if sample.path not in self.files)
        if samples:
            self.files |= {sample.path for sample in samples}
            corpus = replace(corpus, name=name or corpus.name, samples=samples)
            self.add(of_corpus(corpus, kind), corpus.name)

    @property
    def claimed(self) -> set[Path]:
        """What in the folder itself holds files of a set."""
        return {self.root / path.relative_to(self.root).parts[0] for path in self.files}


def find_corpora(root: Path) -> Found:
    """Everything below ``root`` that can be scored.

    Raises:
        InputError: ``root`` is no folder, or holds no corpus that is known.
    """
    found = Found(root)
    for path in find(root, (TABLES,)):
        _read_table(found, path)
    for path in find(root, (LABELS,)):
        found.read(lambda _, path=path: read_table(path), root, "clips", path.parent.name)  # type: ignore[misc]
    for reader in VOICES:
        found.read(reader, root, "voices")
    for reader in CLIPS:
        found.read(reader, root, "clips")
    if any(find(root, (VOTES,))):
        found.read(read_ferplus, root, "faces")
    for folder in _class_folders(found):
        found.read(read_classes, folder, "faces", folder.name.lower())
    found.notes += [f"{path}: holds no corpus that is known; left out" for path in _unknown(found)]
    if not found.sets:
        raise InputError(f"{root}: holds no corpus that is known; put some there, docs/benchmark.md has their layouts")
    return found


def _read_table(found: Found, path: Path) -> None:
    try:
        made = of_table(path)
    except InputError as error:
        found.notes.append(str(error))
        return
    if made is not None:
        found.files.add(path)
        found.add(made, made.name)


def _class_folders(found: Found) -> Iterator[Path]:
    """Folders with class folders in them: those beside the other corpora; or the whole, if it is nothing else."""
    folders = [path for path in sorted(found.root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    if any(emotion(path.name) or path.name.lower() in PARTS for path in folders):
        if not found.files:
            yield found.root
        return
    yield from (path for path in folders if path not in found.claimed)


def _unknown(found: Found) -> Iterator[Path]:
    """What lies in the folder itself and holds sound, pictures or tables, but nothing of a set."""
    suffixes = (*SOUNDS, *VIDEOS, *PICTURES, TABLES)
    for path in sorted(found.root.iterdir()):
        if path in found.claimed or path.name.startswith("."):
            continue
        if path.name.lower().endswith(suffixes) or (path.is_dir() and any(find(path, suffixes))):
            yield path
