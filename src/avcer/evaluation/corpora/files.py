"""What all readers share: finding files, reading tables and words, and putting a corpus together."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from avcer.errors import InputError
from avcer.evaluation.corpora.record import Corpus, Part, Sample
from avcer.evaluation.tables.speech import WORDS

VIDEOS: Final = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".flv")
SOUNDS: Final = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aac")
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp")

PARTS: Final[dict[str, Part]] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test",
}  # fmt: skip
"""What corpora call their parts."""

Key = TypeVar("Key", bound=Hashable)


class NothingFoundError(InputError):
    """A folder holds nothing of a corpus."""


def find(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Files at any depth below ``root`` that end in one of ``suffixes``, in alphabetical order, folder by folder.

    Links are followed, as corpora are large and lie on several disks. Hidden files and folders are passed over:
    archives packed on a Mac hold a hidden twin of every clip.

    Raises:
        InputError: ``root`` is missing or no folder, or a folder may not be read.
    """
    for folder, inside, names in os.walk(root, onerror=_refuse, followlinks=True):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(suffixes):
                yield Path(folder, name)


def _refuse(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: cannot be read as a folder ({error.strerror}); give a readable folder")


def choose(found: Iterable[tuple[Key, Path]], suffixes: tuple[str, ...]) -> dict[Key, Path]:
    """One file for each key: of several, the one whose suffix comes first in ``suffixes``, then the first found."""
    chosen: dict[Key, Path] = {}
    for key, path in found:
        if key not in chosen or _rank(path, suffixes) < _rank(chosen[key], suffixes):
            chosen[key] = path
    return chosen


def _rank(path: Path, suffixes: tuple[str, ...]) -> int:
    return suffixes.index(path.suffix.lower())


def by_stem(root: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files below ``root`` by their names without suffix."""
    return choose(((path.stem, path) for path in find(root, suffixes)), suffixes)


def named(root: Path, name: re.Pattern[str], emotions: Mapping[str, str]) -> list[Sample]:
    """The recordings below ``root`` whose names hold everything: the groups ``speaker`` and ``emotion`` of ``name``."""
    found = ((name.fullmatch(stem), path) for stem, path in by_stem(root, SOUNDS).items())
    return [
        Sample(match[0], path, speaker=match["speaker"], label=emotions[match["emotion"]])
        for match, path in found
        if match
    ]


def part_of(path: Path, root: Path) -> Part:
    """The part that a file's name says, or else the nearest folder above it up to ``root``: ``Val_AFEW`` is
    validation.
    """
    for name in reversed((root.absolute().name, *path.relative_to(root).parts)):
        for word in re.findall("[a-z]+", name.lower()):
            if word in PARTS:
                return PARTS[word]
    return ""


def emotion(word: str) -> str | None:
    """The basic emotion that a word of a corpus means; None for any other word, such as 'boredom'."""
    return WORDS.get(word.lower())


def read_text(path: Path, length: int = -1) -> str:
    """The text of a file, or its first ``length`` characters. Bytes that are not UTF-8 are kept as surrogates, as
    they are in names of files.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            return file.read(length)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from error


def read_rows(path: Path, needed: Collection[str]) -> list[dict[str, str]]:
    """The rows of a CSV file: column in small letters -> text, without the blanks around it.

    Raises:
        InputError: it cannot be read, or lacks one of the columns ``needed``.
    """
    try:
        # Not str.splitlines: it also breaks at U+0085, which occurs in the utterances of MELD.
        table = list(csv.reader(io.StringIO(read_text(path))))
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); save it as comma-separated UTF-8") from error
    header = [name.strip().lower() for name in table[0]] if table else []
    if not set(needed) <= set(header):
        raise InputError(f"{path}: needs the columns {', '.join(needed)}; its header has {', '.join(header)}")
    return [dict(zip(header, map(str.strip, _padded(row, len(header))), strict=True)) for row in table[1:] if row]


def _padded(row: list[str], length: int) -> list[str]:
    return [*row, *[""] * (length - len(row))][:length]


def gather(name: str, root: Path, samples: Iterable[Sample], looked_for: str, missing: Iterable[str] = ()) -> Corpus:
    """Puts a corpus together.

    Args:
        name: the corpus.
        root: the folder that was read, for the messages.
        samples: what was found.
        looked_for: what was looked for, in words, for the messages.
        missing: names of clips that are annotated but not there.

    Raises:
        InputError: nothing was found, or two clips have one name.
    """
    corpus = Corpus(name, tuple(samples), tuple(missing))
    if not corpus.samples and corpus.missing:
        lost = f"none of the {len(corpus.missing)} clips that they name, such as {corpus.missing[0]}"
        raise InputError(f"{root}: has annotations of {name}, but {lost}; put the clips there, too")
    if not corpus.samples:
        raise NothingFoundError(f"{root}: holds nothing of {name}; looked for {looked_for}")
    (often, times), *_ = Counter(sample.name for sample in corpus.samples).most_common(1)
    if times > 1:
        first, second, *_ = (sample.path for sample in corpus.samples if sample.name == often)
        raise InputError(f"{root}: has two clips or annotations named {often} ({first}, {second}); keep one of them")
    return corpus
