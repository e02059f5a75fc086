"""Generated faces: an emotion is a pattern, so that a network can learn it in seconds."""

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
from avcer.types import Image


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other after every small layer are slow, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pattern(label: int, random: np.random.Generator, size: int = 48) -> Image:
    """``(size, size)``: stripes, whose direction is the emotion's, on a background of any grey."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle = np.pi * label / len(BASIC)
    waves = np.sin(12 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) + random.uniform(0, 6))
    grey = random.uniform(90, 160) + random.uniform(40, 80) * waves + random.normal(0, 5, waves.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


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
