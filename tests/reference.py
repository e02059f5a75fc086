"""Where the reference material is: golden outputs and real clips, in the folder ``shared`` beside the project."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

SHARED = Path(os.environ.get("AVCER_SHARED", Path(__file__).parents[2] / "shared"))
GOLDEN = SHARED / "reference" / "golden"
CLIPS = SHARED / "data" / "clips"


def stand_in_weights(name: str) -> dict[str, np.ndarray]:
    """The tensors with which the golden outputs were computed: ``name`` as in the manifests, key -> array."""
    location = importlib.util.spec_from_file_location("seeded_weights", SHARED / "reference" / "seeded_weights.py")
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    arrays: dict[str, np.ndarray] = module.weights(name)
    return arrays
