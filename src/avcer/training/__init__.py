"""Training: data, losses, loop, one recipe a model; writes what models/ reads. Needs the extra ``torch``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from avcer.errors import MissingExtraError
from avcer.models.card import ModelCard, Role

Recipe = Callable[[Sequence[Path], Path, int | None, Callable[[str], None]], ModelCard]
"""Data tables, run folder, epochs (None: the recipe's own), report -> card of the model in ``<run folder>/model``."""


def recipe(role: Role) -> Recipe:
    """The training recipe of a role.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    try:
        train: Recipe = import_module(f"{__name__}.{role}").train
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'training needs {error.name}: pip install "avcer[torch]"') from error
    return train
