"""The protocol of a model that is ready to run; ``runtime`` and ``torch_engine`` implement it."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from avcer.types import Float

Precision = Literal["default", "float32"]
Items: TypeAlias = NDArray[np.float32 | np.uint8]
"""A batch as its station prepares it: float32 as the model's card says, or pixels where ``takes_pixels`` says so."""


class Engine(Protocol):
    """A model that is ready to run. Any number of threads may call it at once; the results are those of one.

    What suits its device better than what suits a processor it says in attributes: see ``batch_size`` and
    ``takes_pixels``.
    """

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """The outputs for a batch of any size, in the order in which the model declares them."""
        ...


def batch_size(engine: Engine, usual: int) -> int:
    """How many items ``engine`` wants a call: what its attribute ``batch`` says, else what is usual."""
    size: int = getattr(engine, "batch", usual)
    return size


def takes_pixels(engine: Engine) -> bool:
    """Whether ``engine`` wants pictures as they are, ``(N, H, W, C)`` of uint8, and does the rest on its device."""
    takes: bool = getattr(engine, "takes_pixels", False)
    return takes
