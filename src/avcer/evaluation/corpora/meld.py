"""MELD: utterances of a television series, an emotion each (Poria et al., ACL 2019).

Three tables, ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv``; and clips ``dia0_utt3.mp4`` whose
names occur in all parts, so a folder must tell the part: ``train_splits``, ``dev_splits_complete``,
``output_repeated_splits_test``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.files import SOUNDS, VIDEOS, choose, emotion, find, gather, part_of, read_rows
from avcer.evaluation.corpora.record import Corpus, Part, Sample

TABLES: Final[dict[str, Part]] = {
    "train_sent_emo.csv": "train",
    "dev_sent_emo.csv": "validation",
    "test_sent_emo.csv": "test",
}
COLUMNS: Final = ("dialogue_id", "utterance_id", "emotion", "speaker")
LOOKED_FOR: Final = ", ".join(TABLES)


def read_meld(root: Path) -> Corpus:
    """The utterances of the tables below ``root`` whose clips are there. A few are broken or missing as published.

    Raises:
        InputError: no such table, one without the columns, or none of the clips.
    """
    suffixes = VIDEOS + SOUNDS
    clips = choose((((part_of(path.parent, root), path.stem), path) for path in find(root, suffixes)), suffixes)
    samples, missing = [], []
    for part, stem, row in _utterances(root):
        name, path = f"{part}_{stem}", clips.get((part, stem))
        if path is None:
            missing.append(name)
        elif label := emotion(row["emotion"]):
            samples.append(Sample(name, path, speaker=row["speaker"], label=label, part=part))
    return gather("meld", root, samples, LOOKED_FOR, missing)


def _utterances(root: Path) -> Iterator[tuple[Part, str, dict[str, str]]]:
    tables = {path.name: path for path in find(root, (".csv",)) if path.name in TABLES}
    for name, path in tables.items():
        for row in read_rows(path, COLUMNS):
            if not row["dialogue_id"].isdigit() or not row["utterance_id"].isdigit():
                raise InputError(f"{path}: has a row without a number for Dialogue_ID or Utterance_ID; take it anew")
            yield TABLES[name], f"dia{row['dialogue_id']}_utt{row['utterance_id']}", row
