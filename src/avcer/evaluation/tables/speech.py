"""Tables of labelled speech, and the scores of an audio model on them.

A table is a Parquet file with the columns ``emotion``, ``audio`` (an encoded recording), and ``speaker`` or
``actor``. Needs the extra ``torch`` (soundfile).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avcer.emotion.waveform import WINDOW
from avcer.errors import InputError
from avcer.evaluation.tables.parquet import read_columns
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE
from avcer.types import Boolean, Double, Float, Integer

STEP: Final = SAMPLE_RATE // 2

WORDS: Final = {
    "neutral": "Neutral", "calm": "Neutral",
    "anger": "Anger", "angry": "Anger",
    "disgust": "Disgust", "disgusted": "Disgust",
    "fear": "Fear", "fearful": "Fear", "afraid": "Fear",
    "happiness": "Happiness", "happy": "Happiness", "joy": "Happiness",
    "sadness": "Sadness", "sad": "Sadness",
    "surprise": "Surprise", "surprised": "Surprise",
}  # fmt: skip
"""What the sets call the basic emotions; recordings under any other word (boredom) are left out."""

VALIDATION_SPEAKERS: Final = {
    "ravdess": ("17", "18", "19", "20"),
    "nemo": ("KD0", "TP0"),
    "emodb": ("11", "13"),
    "savee": ("JE",),
}
"""Kept from training, as many women as men (SAVEE has men only). Of any other table it is a fifth, by the hash of the
speaker's name.
"""


@dataclass(frozen=True)
class SpeechTable:
    """N labelled recordings, mono at 16 kHz, each ``(S,)``; ``labels (N,)`` index ``BASIC``; ``speakers (N,)`` are
    names; ``validation (N,)`` marks the recordings of the speakers kept from training. ``votes (N, 7)`` are the shares
    of listeners who named each emotion, from columns like ``voice_anger``; rows of zeros where there are none.
    """

    name: str
    recordings: list[Float]
    labels: Integer
    speakers: NDArray[np.str_]
    validation: Boolean
    votes: Double

    def __len__(self) -> int:
        return len(self.recordings)

    def rows(self, chosen: Boolean) -> SpeechTable:
        """The chosen rows."""
        recordings = [self.recordings[index] for index in np.flatnonzero(chosen)]
        return SpeechTable(
            self.name, recordings, self.labels[chosen], self.speakers[chosen], self.validation[chosen],
            self.votes[chosen],
        )  # fmt: skip

    def targets(self, share: float) -> Double:
        """Target probabilities ``(N, 7)``: ``share`` of the votes, where there are any, and the label."""
        share_of_votes = share * (self.votes.sum(axis=1, keepdims=True) > 0)
        targets: Double = (1 - share_of_votes) * np.eye(len(BASIC))[self.labels] + share_of_votes * self.votes
        return targets


def read_speech(path: Path) -> SpeechTable:
    """The recordings in a Parquet file whose emotion is one of the seven, decoded.

    Raises:
        InputError: not a table of labelled speech, or a recording that cannot be used.
    """
    columns = _columns(path)
    speakers = np.array([str(speaker) for speaker in columns.get("speaker") or columns["actor"]])
    emotions = [WORDS.get(word.lower()) for word in columns["emotion"]]
    kept = np.array([emotion is not None for emotion in emotions], bool)
    if not kept.any():
        raise InputError(f"{path}: no recording has one of the emotions {', '.join(sorted(WORDS))}")
    name = path.stem.split("-")[0]
    return SpeechTable(
        name,
        [decode(audio, path) for audio, keep in zip(columns["audio"], kept, strict=True) if keep],
        np.array([BASIC.index(emotion) for emotion in emotions if emotion is not None]),
        speakers[kept],
        kept_aside(name, speakers)[kept],
        _votes(columns)[kept],
    )


def _votes(columns: dict[str, list[Any]]) -> Double:
    """What those who heard the voice alone said, in shares ``(N, 7)``."""
    votes = np.zeros((len(columns["emotion"]), len(BASIC)))
    for place, emotion in enumerate(BASIC):
        if (name := f"voice_{emotion.lower()}") in columns:
            votes[:, place] = columns[name]
    shares: Double = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return shares


def _columns(path: Path) -> dict[str, list[Any]]:
    columns = read_columns(path)
    if not {"emotion", "audio"} <= set(columns) or not {"speaker", "actor"} & set(columns):
        raise InputError(f"{path}: needs the columns emotion, audio, and speaker or actor")
    return columns


def decode(audio: bytes, path: Path) -> Float:
    """The samples ``(S,)`` of an encoded recording at 16 kHz; channels are averaged.

    Raises:
        InputError: it cannot be decoded, is empty, or has another rate.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: holds a recording that cannot be decoded ({error})") from error
    if rate != SAMPLE_RATE or not len(samples):
        raise InputError(f"{path}: holds a recording that is empty or not at {SAMPLE_RATE} Hz; resample it")
    mono: Float = samples.mean(axis=1)
    return mono


def kept_aside(name: str, speakers: NDArray[np.str_]) -> Boolean:
    """Which recordings of the table ``name`` are of speakers kept from training, by their ``speakers (N,)``."""
    if name in VALIDATION_SPEAKERS:
        return np.isin(speakers, VALIDATION_SPEAKERS[name])
    return np.array([hashlib.sha1(speaker.encode()).digest()[0] < 256 / 5 for speaker in speakers])


def full_names(table: SpeechTable) -> NDArray[np.str_]:
    """The speakers ``(N,)``, told apart from those of other tables."""
    return np.array([f"{table.name} {speaker}" for speaker in table.speakers])


def windows(recording: Float) -> Iterator[Float]:
    """The whole 4-second windows of a recording, every 0.5 s; a shorter recording is one window."""
    for start in range(0, max(len(recording) - WINDOW, 0) + 1, STEP):
        yield recording[start : start + WINDOW]
