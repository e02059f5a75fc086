"""Makes int8 models of installed ones, on the user's own clips, and keeps those that hold the tolerance and are faster.

The first, third, .. inputs that the clips give set the ranges of the whole numbers, the others are for checking.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from avcer.errors import OutputError
from avcer.models.card import Family, Role
from avcer.models.choice import choose_all
from avcer.models.quantized import describe, folder, keep_int8, remove_int8
from avcer.models.store import InstalledModel
from avcer.quantization.check import Comparison, Limits, compare
from avcer.quantization.inputs import gather
from avcer.quantization.make import check_extra, write_int8
from avcer.types import Float

ROLES: Final[tuple[Role, ...]] = ("detector", "static", "audio")
"""The dynamic models are small and recurrent: they stay as they are."""
LIMITS: Final[dict[Role, Limits]] = {"detector": Limits(difference=0.05), "static": Limits(), "audio": Limits()}
LEAST_ITEMS: Final = 20
"""Inputs of a model, below which nothing can be said."""


@dataclass(frozen=True)
class Outcome:
    """What became of one model: how its int8 version compares (None: too few inputs to tell), and whether it is kept.

    ``items`` is how many inputs the clips gave.
    """

    name: str
    items: int
    comparison: Comparison | None
    kept: bool

    def told(self) -> str:
        """In one line."""
        if self.comparison is None:
            return f"{self.name}: left as it is: {self.items} inputs are too few to tell; name longer clips"
        state = "runs in int8 from now on" if self.kept else "left as it is"
        return f"{self.name}: {state}: in int8, {self.comparison.told()}"


def quantize(
    family: Family,
    clips: Sequence[Path],
    limits: Limits | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Iterator[Outcome]:
    """Tries each model of a family; yields what became of it.

    Args:
        family: whose models.
        clips: with faces and voices such as will be analysed later; a minute or more in all.
        limits: what an int8 model must hold to be kept; None for those of its role.
        report: told what is being done.

    Raises:
        MissingExtraError: NNCF is not installed.
        ModelError, InputError: a model or a clip cannot be read.
        OutputError: the per-user folder cannot be written.
    """
    check_extra()
    models = choose_all(family)
    inputs = gather(models, clips, report)
    for role in ROLES:
        model, given = models[role], inputs[role]
        if len(given) < LEAST_ITEMS:
            yield Outcome(model.card.name, len(given), None, False)
            continue
        report(f"{model.card.name}: made from {len(given[::2])} inputs, checked on {len(given[1::2])}")
        try:
            comparison, kept = _try(models, role, given, limits or LIMITS[role])
        except OSError as error:
            remedy = "set AVCER_HOME to a folder that can"
            raise OutputError(f"{folder()}: cannot be written ({error}); {remedy}") from error
        yield Outcome(model.card.name, len(given), comparison, kept)


def _try(
    models: Mapping[Role, InstalledModel], role: Role, given: Sequence[Float], limits: Limits
) -> tuple[Comparison, bool]:
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as beside:
        new = Path(beside) / "new"
        new.mkdir()
        write_int8(models[role], given[::2], new)
        comparison = compare(models, role, describe(models[role], new), given[1::2])
        kept = limits.held_by(comparison)
        if kept:
            describe(models[role], new, {"int8": asdict(comparison)})
            keep_int8(models[role], new)
        else:
            remove_int8(models[role].card.name)  # what an earlier call kept holds no longer
    return comparison, kept
