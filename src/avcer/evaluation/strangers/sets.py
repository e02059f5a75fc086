"""What is scored: labelled voices, faces and clips. None is decoded before its turn, for corpora are large."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from avcer.errors import InputError
from avcer.evaluation.corpora.record import Corpus, Sample
from avcer.evaluation.strangers.protocol import protocol_of, speakers_scored
from avcer.evaluation.tables.faces import EMOTION_COLUMNS, OTHER_COLUMNS, VALIDATION_SHARE
from avcer.evaluation.tables.parquet import column_names, read_columns
from avcer.evaluation.tables.speech import WORDS, decode
from avcer.labels import BASIC
from avcer.media import open_sound
from avcer.types import Boolean, Float, Image, Integer

Kind = Literal["voices", "faces", "clips"]


@dataclass(frozen=True)
class LabelledSet:
    """N items of a corpus: ``labels (N,)`` index ``BASIC``; ``speakers (N,)``, each item a speaker of its own where
    nobody is named; ``item`` gives the one at a place: samples ``(S,)`` at 16 kHz of voices, a BGR picture of faces, a
    ``Sample`` of clips.
    """

    name: str
    kind: Kind
    labels: Integer
    speakers: NDArray[np.str_]
    item: Callable[[int], Any]

    def __len__(self) -> int:
        return len(self.labels)


def of_corpus(corpus: Corpus, kind: Kind) -> LabelledSet | None:
    """The part of a corpus of files that its protocol scores; None where nothing is."""
    samples = [sample for sample in corpus.samples if sample.label in BASIC]
    if kind != "clips":
        scored = speakers_scored(corpus.name, [sample.speaker for sample in samples])
        samples = [one for one, chosen in zip(samples, scored, strict=True) if chosen]
    if any(sample.part for sample in samples):
        samples = [sample for sample in samples if sample.part != "train"]
    if not samples:
        return None
    labels = np.array([BASIC.index(sample.label or "") for sample in samples])
    speakers = np.array([sample.speaker or sample.recording for sample in samples])
    load: dict[Kind, Callable[[Sample], Any]] = {"voices": _sound, "faces": _picture, "clips": lambda sample: sample}
    return LabelledSet(corpus.name, kind, labels, speakers, lambda place: load[kind](samples[place]))


def of_table(path: Path) -> LabelledSet | None:
    """The part of a table of voices or faces (Parquet) that its protocol scores; None for any other table.

    Raises:
        InputError: it cannot be read.
    """
    columns = set(column_names(path))
    if {"emotion", "audio"} <= columns and {"speaker", "actor"} & columns:
        return _voices(path, columns)
    if "image" in columns and ("label" in columns or {"split", *EMOTION_COLUMNS, *OTHER_COLUMNS} <= columns):
        return _faces(path, columns)
    return None


def name_of(path: Path) -> str:
    """The corpus of a table: ``ferplus-00.parquet`` is ``ferplus``."""
    return path.stem.split("-")[0]


def _voices(path: Path, columns: set[str]) -> LabelledSet | None:
    who = "speaker" if "speaker" in columns else "actor"
    wanted = ["emotion", "audio", who, *({"name"} & columns)]
    rows = read_columns(path, wanted, only=True)
    speakers = [str(speaker) for speaker in rows[who]]
    words = [WORDS.get(str(word).lower()) for word in rows["emotion"]]
    name = name_of(path)
    kept = np.array([word is not None for word in words], bool) & speakers_scored(name, speakers)
    if (only := protocol_of(name).only) and "name" in rows:
        kept &= np.array([bool(re.match(only, str(one))) for one in rows["name"]], bool)
    labels = np.array([BASIC.index(word) if word else -1 for word in words])
    sounds = rows["audio"]
    return _chosen(name, "voices", kept, labels, speakers, lambda place: decode(sounds[place], path))


def _faces(path: Path, columns: set[str]) -> LabelledSet | None:
    name = name_of(path)
    if "label" in columns:
        rows = read_columns(path, ["image", "label"], only=True)
        labels = np.array([_index(word) for word in rows["label"]])
        kept = labels >= 0
        if name == "affect7":
            kept &= np.array([_aside(image) for image in rows["image"]], bool)
    else:
        rows = read_columns(path, ["image", "split", *EMOTION_COLUMNS, *OTHER_COLUMNS], only=True)
        votes = np.array([rows[column] for column in EMOTION_COLUMNS]).T
        every = votes.sum(axis=1) + np.array([rows[column] for column in OTHER_COLUMNS]).sum(axis=0)
        labels = votes.argmax(axis=1)
        kept = (votes.max(axis=1) > every / 2) & (np.array(rows["split"]) != "train")
    pictures = rows["image"]
    speakers = [f"{place}" for place in range(len(labels))]
    return _chosen(name, "faces", kept, labels, speakers, lambda place: _decoded(pictures[place], path))


def _chosen(
    name: str, kind: Kind, kept: Boolean, labels: Integer, speakers: Sequence[str], item: Callable[[int], Any]
) -> LabelledSet | None:
    places = np.flatnonzero(kept)
    if not len(places):
        return None
    return LabelledSet(name, kind, labels[places], np.array(speakers)[places], lambda place: item(int(places[place])))


def _index(word: object) -> int:
    """The place of a word's emotion in ``BASIC``; -1 for a word of none."""
    emotion = WORDS.get(str(word).lower())
    return BASIC.index(emotion) if emotion else -1


def _aside(image: bytes) -> bool:
    """As ``tables.faces`` splits tables that have no split of their own."""
    key = hashlib.sha1(image, usedforsecurity=False).hexdigest()
    return int(key[:8], 16) < VALIDATION_SHARE * 2**32


def _sound(sample: Sample) -> Float:
    sound = open_sound(sample.path)
    blocks = [block.samples for block in sound] if sound else []
    if not blocks:
        raise InputError(f"{sample.path}: holds no sound that can be decoded; copy it again")
    joined: Float = np.concatenate(blocks)
    return joined


def _picture(sample: Sample) -> Image:
    return _decoded(sample.path.read_bytes(), sample.path)


def _decoded(image: bytes, path: Path) -> Image:
    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{path}: holds a picture that cannot be decoded; copy it again")
    return picture.astype(np.uint8, copy=False)
