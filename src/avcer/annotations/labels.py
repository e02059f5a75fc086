"""The labels table: a row for each stretch that a person labelled, which ``avcer evaluate`` scores.

``path,start,end,label,speaker,tier,annotator,word,source``: the clip (from the table's folder where that is possible),
seconds of the clip as a player shows it, the label, who is seen, the tier, who annotated, the word as it was written,
and the file that it was in. ``avcer evaluate table`` takes the same table.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os.path import relpath
from pathlib import Path
from typing import Final

from avcer.annotations.record import AnnotatedTier, Annotation
from avcer.annotations.words import Words
from avcer.errors import InputError, OutputError
from avcer.files import atomic_text, make_folder

FILE: Final = "labels.csv"
COLUMNS: Final = ("path", "start", "end", "label", "speaker", "tier", "annotator", "word", "source")
_SHOWN: Final = 5
"""How many unknown words an error names."""


@dataclass(frozen=True)
class Label:
    """A labelled stretch of a clip: seconds as a player counts, and whose, by whom, from where."""

    clip: Path
    start_s: float
    end_s: float
    label: str
    tier: str
    speaker: str = ""
    annotator: str = ""
    word: str = ""
    source: str = ""


def labels_of(
    annotation: Annotation, words: Words, chosen: Sequence[str] = (), tell: Callable[[str], None] = lambda note: None
) -> list[Label]:
    """The labels of a file: of the tiers ``chosen`` by name, else of every tier with times of its own in which a word
    is a label. ``tell`` gets a line on each tier that is passed over.

    Raises:
        InputError: a tier is missing or damaged, no tier holds a label, or a word is unknown.
    """
    tiers = list(_chosen(annotation, chosen)) if chosen else list(_with_labels(annotation, words, tell))
    if not tiers:
        raise InputError(f"{annotation.path}: no tier holds a label of emotions; {_remedy(annotation)}")
    damage = next((tier.damage for tier in tiers if tier.damage), None)
    if damage:
        raise InputError(f"{annotation.path}: {damage}; remove it, or read other tiers with --tier")
    _check_words(annotation, tiers, words)
    clip = annotation.clip or annotation.path.with_suffix("")
    return [
        Label(clip, max(one.start_s, 0.0), one.end_s, label, tier.name, tier.person, tier.annotator, one.text.strip(),
              annotation.path.name)
        for tier in tiers for one in tier.stretches if one.end_s > 0 and (label := words.label(one.text))
    ]  # fmt: skip


def _chosen(annotation: Annotation, names: Sequence[str]) -> Iterator[AnnotatedTier]:
    tiers = {tier.name: tier for tier in annotation.tiers}
    for name in names:
        if name not in tiers:
            raise InputError(f"{annotation.path}: has no tier {name!r}; its tiers are {', '.join(tiers) or 'none'}")
        yield tiers[name]


def _with_labels(annotation: Annotation, words: Words, tell: Callable[[str], None]) -> Iterator[AnnotatedTier]:
    for tier in annotation.tiers:
        if tier.dependent:
            continue
        if tier.damage or any(words.label(one.text) for one in tier.stretches):
            yield tier
        elif any(one.text.strip() for one in tier.stretches):
            tell(f"{annotation.path}: tier {tier.name!r} holds no label and is passed over")


def _check_words(annotation: Annotation, tiers: Iterable[AnnotatedTier], words: Words) -> None:
    unknown = Counter(one.text.strip() for tier in tiers for one in tier.stretches if words.label(one.text) is None)
    if unknown:
        often = [f"{word!r} ({times})" for word, times in unknown.most_common(_SHOWN)]
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise InputError(f"{annotation.path}: unknown words {', '.join(often)}{more}; {_remedy(annotation)}")


def _remedy(annotation: Annotation) -> str:
    names = ", ".join(repr(tier.name) for tier in annotation.tiers)
    return f"say what words mean with --map FILE, or name the tiers of emotions with --tier (there are: {names})"


def write_labels(labels: Iterable[Label], folder: Path) -> Path:
    """Writes ``labels.csv`` into ``folder``, which is made if it is missing.

    Raises:
        OutputError: it cannot be written, or is there already with other content: a person may have edited it.
    """
    path = make_folder(folder) / FILE
    rows = [_row(one, folder) for one in labels]
    if path.exists():
        try:
            same = read_rows(path) == [{name: row[name] for name in COLUMNS} for row in rows]
        except InputError:
            same = False
        if not same:
            raise OutputError(f"{path}: is there already; give another folder with --out, or move it away")
    with atomic_text(path) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _row(one: Label, folder: Path) -> dict[str, str]:
    try:
        clip = Path(relpath(one.clip.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        clip = str(one.clip.absolute())
    return {
        "path": clip, "start": f"{one.start_s:.6f}", "end": f"{one.end_s:.6f}", "label": one.label,
        "speaker": one.speaker, "tier": one.tier, "annotator": one.annotator, "word": " ".join(one.word.split()),
        "source": one.source,
    }  # fmt: skip


def read_labels(path: Path) -> list[Label]:
    """The labels of a table; only ``path``, ``start``, ``end`` and ``label`` are needed.

    Raises:
        InputError: it cannot be read, or a row cannot be understood.
    """
    found = []
    for number, row in enumerate(read_rows(path), start=2):
        try:
            start_s, end_s = float(row["start"]), float(row["end"])
        except ValueError as error:
            raise InputError(f"{path}, row {number}: {error}; give seconds, such as 12.5") from error
        if not 0 <= start_s < end_s < float("inf"):
            raise InputError(f"{path}, row {number}: from {start_s:g} to {end_s:g} s is no stretch; correct the row")
        other = {name: row.get(name, "") for name in ("tier", "speaker", "annotator", "word", "source")}
        found.append(Label(path.parent / row["path"], start_s, end_s, row["label"], **other))
    return found


def read_tables(paths: Sequence[Path]) -> list[Label]:
    """The labels of several tables. Of more than one, ``source`` begins with the table: in two of them, files of one
    name are two annotators' work.

    Raises:
        InputError: as ``read_labels``.
    """
    if len(paths) == 1:
        return read_labels(paths[0])
    return [replace(one, source=f"{path}: {one.source}") for path in paths for one in read_labels(path)]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a labels table as texts.

    Raises:
        InputError: it cannot be read, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in COLUMNS[:4] if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: has no column {missing[0]!r}; avcer import-annotations makes such a table")
            return [{name: text for name, text in row.items() if name} for row in reader]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a table that avcer import-annotations wrote") from error
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a labels table ({error}); check the file") from error
