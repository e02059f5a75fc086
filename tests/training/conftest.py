"""Generated faces and voices: an emotion is a pattern or a pitch, so that a network can learn it in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from avcer.labels import BASIC
from made_up import encoded, pattern, utterance


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other after every small layer are slow, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def voted_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table like FER+: 280 faces to train on, 70 for validation."""
    random = np.random.default_rng(0)
    rows = []
    for index in range(350):
        label = index % len(BASIC)
        votes = {name.lower(): 8 * (place == label) for place, name in enumerate(BASIC)}
        image = cv2.imencode(".png", pattern(label, random))[1].tobytes()
        rest = {"contempt": 0, "unknown": 2, "NF": 0}
        rows.append({"image": image, "split": "train" if index < 280 else "valid", **votes, **rest})
    path = tmp_path_factory.mktemp("tables") / "voted.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


SPEAKERS = tuple("abcdefhi")
"""By the hash of their names, ``h`` and ``i`` are kept for validation."""


@pytest.fixture(scope="session")
def spoken_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = [word for word in ("angry", "calm", "boredom") for _ in SPEAKERS for _ in range(2)]
    speakers = [speaker for _ in range(3) for speaker in SPEAKERS for _ in range(2)]
    sounds = [encoded(utterance(word, seed)) for seed, word in enumerate(words)]
    path = tmp_path_factory.mktemp("tables") / "tones-00.parquet"
    parquet.write_table(pa.table({"emotion": words, "speaker": speakers, "audio": sounds}), path)
    return path
