"""Faces and voices that tests make: an emotion is a pattern or a pitch, so that a network can learn it in seconds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow
import soundfile
from pyarrow import parquet

from avcer.emotion.probabilities import softmax
from avcer.evaluation.tables.speaking import Speaking
from avcer.labels import BASIC
from avcer.types import Double, Float, Image, Integer


def pattern(label: int, random: np.random.Generator, size: int = 48) -> Image:
    """``(size, size)``: stripes, whose direction is the emotion's, on a background of any grey."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle = np.pi * label / len(BASIC)
    waves = np.sin(12 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) + random.uniform(0, 6))
    grey = random.uniform(90, 160) + random.uniform(40, 80) * waves + random.normal(0, 5, waves.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def utterance(emotion: str, seed: int) -> Float:
    """Anger is a high steady tone, calm a low one, boredom something else."""
    random = np.random.default_rng(seed)
    times = np.arange(random.integers(12000, 40000)) / 16000
    pitch = {"angry": 1500, "calm": 300}.get(emotion, 700) * random.uniform(0.9, 1.1)
    sound: Float = (0.1 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)
    return sound + random.normal(0, 0.001, len(times)).astype(np.float32)


def three_models(rows: int, seed: int) -> tuple[Double, Integer]:
    """``(rows, 3, 7)``: three models that know the labels more or less well, each better at some classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, rows)
    logits = random.standard_normal((rows, 3, 7))
    skill = np.array([[2, 0, 1, 2, 0, 1, 0], [0, 2, 0, 1, 1, 0, 2], [1, 1, 2, 0, 2, 2, 1]])
    logits[np.arange(rows), :, labels] += skill[:, labels].T
    return softmax(logits.reshape(-1, 7)).reshape(logits.shape), labels


def encoded(samples: Float, rate: int = 16000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()


def angry_and_calm(folder: Path, name: str, **columns: list[object]) -> Path:
    """Eight recordings of four speakers, angry and calm by turns."""
    words = ["angry", "calm"] * 4
    speakers = [speaker for speaker in ("a", "b", "c", "h") for _ in range(2)]
    sounds = [encoded(utterance(word, seed)) for seed, word in enumerate(words)]
    path = folder / f"{name}.parquet"
    parquet.write_table(pyarrow.table({"emotion": words, "speaker": speakers, "audio": sounds, **columns}), path)
    return path


PEOPLE = ("a", "b", "c")


def clips_of_people(name: str = "acted", crops: int = 4, labels: tuple[int, ...] = (0, 1, 4)) -> Speaking:
    """Each speaker says one clip of each label; of the first clip one crop fewer."""
    owners = np.repeat(np.arange(len(PEOPLE) * len(labels)), crops)[1:]
    inputs = np.random.default_rng(0).random((len(owners), 1, 48, 48), np.float32)
    speakers = np.repeat(PEOPLE, len(labels))
    named = np.array([f"{name}-{number}" for number in range(len(speakers))])
    return Speaking(name, inputs, owners, np.tile(labels, len(PEOPLE)), speakers, named)
