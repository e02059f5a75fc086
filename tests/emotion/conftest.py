"""Published networks with the stand-in weights of the reference material, as engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from avcer.models.engine import Engine
from avcer.models.networks import build
from avcer.types import Float
from reference import stand_in_weights

StandIn = Callable[[str, str], Engine]


@pytest.fixture(scope="session")
def stand_in(shared: Path) -> StandIn:
    """Name of a checkpoint in ``seeded_weights.py`` and architecture -> an engine with those weights."""

    def engine(checkpoint: str, architecture: str) -> Engine:
        network = build(architecture)
        network.load_state_dict({key: torch.from_numpy(array) for key, array in stand_in_weights(checkpoint).items()})
        network.eval()

        @torch.inference_mode()
        def run(batch: Float) -> tuple[Float, ...]:
            outputs = network(torch.from_numpy(np.ascontiguousarray(batch)))
            return tuple(part.numpy() for part in (outputs if isinstance(outputs, tuple) else (outputs,)))

        return run

    return engine
