"""Which recipe trains which model; the recipe itself is imported when it is asked for, as it needs PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from avcer.decision.express import OpenRule
from avcer.decision.fuse import FusionWeights
from avcer.errors import MissingExtraError, UsageError
from avcer.models.card import ModelCard, Role
from avcer.models.choice import expect_roles

Architecture = Literal["mini", "published"]
Part = Literal["doubt", "relative"]
"""Parts of the mini audio model that are fitted by themselves: what is unfamiliar to it, and the relative layer."""
CORPORA_ROLES: Final = ("static", "audio")
"""Those whose tables are corpora, of which one can be left out."""
FACE_ROLES: Final = ("static", "dynamic")
"""Those whose mini model can get a new last layer, fitted on pictures and clips."""
PUBLISHED_ROLES: Final = ("static", "dynamic", "audio")
"""Those whose published architecture has a recipe."""


class Recipe(Protocol):
    """Trains on data tables; the model goes to ``out/model``, the run to ``out/run``."""

    def __call__(
        self, tables: Sequence[Path], out: Path, epochs: int | None, report: Callable[[str], None]
    ) -> ModelCard:
        """``epochs`` None is the recipe's own number."""
        ...


FusionRecipe = Callable[[Sequence[Path], Path, Callable[[str], None], Sequence[Path]], FusionWeights]
"""Data tables, folder for ``fusion.json`` and its picture, report, own models -> the weights."""
DecisionRecipe = Callable[[Sequence[Path], Path, Callable[[str], None], Sequence[Path]], OpenRule]
"""Data tables, folder for ``decision.json``, report, own models -> the rule."""


def recipe(
    role: Role,
    architecture: Architecture = "mini",
    start: Path | None = None,
    own_models: Sequence[Path] = (),
    leave_out: str | None = None,
    only: Part | None = None,
    video: bool = False,
) -> Recipe:
    """The training recipe of a role.

    Args:
        role: the model's.
        architecture: the mini one, or the published one.
        start: a model whose weights a published architecture begins with; for the mini models but the detector,
            one whose last layers are fitted anew.
        own_models: for a dynamic model, the static model whose features it reads.
        leave_out: a corpus that is not learned from, but scored on; of an audio or a static model.
        only: for the mini audio model ``start``: the one part of it that is fitted.
        video: for the mini static model ``start``: all its layers are taught anew, for faces as they are in video.

    Raises:
        UsageError: there is no such recipe, or it does not use one of ``own_models``, or leaves no corpus out.
        MissingExtraError: PyTorch is not installed.
    """
    if video:
        if role != "static" or architecture != "mini" or start is None or any((own_models, leave_out, only)):
            raise UsageError("--video is for train static with --start and a mini model, without --leave-out")
        return _recipe_of("video", start=start)
    if only is not None:
        if role != "audio" or architecture != "mini" or start is None or leave_out is not None:
            raise UsageError(f"--{only}-only is for train audio with --start and a mini model, without --leave-out")
        return _recipe_of(only, start=start)
    if leave_out is not None:
        _expect_corpora(role, architecture, start)
        whole = recipe(role, architecture, start, own_models)
        return _recipe_of("left_out", recipe=whole, leave_out=leave_out, start=start)
    if own_models and role != "dynamic":
        raise UsageError(f"the {role} model is trained without another one; leave --own-model out")
    expect_roles(own_models, ("static",), f"train {role}")
    chosen = {"own_models": own_models} if own_models else {}
    return _mini(role, start, chosen) if architecture == "mini" else _published(role, start, chosen)


def _expect_corpora(role: Role, architecture: Architecture, start: Path | None) -> None:
    if role not in CORPORA_ROLES:
        raise UsageError(f"the {role} model does not learn from corpora by name; leave --leave-out out")
    if role in FACE_ROLES and architecture == "mini" and start is not None:
        raise UsageError("a last layer is judged with each set of clips left out anyway; leave --leave-out out")


def _mini(role: Role, start: Path | None, chosen: dict[str, Any]) -> Recipe:
    if start is None:
        return _recipe_of(role, **chosen)
    if role == "audio":
        return _recipe_of("strangers", start=start)
    if role in FACE_ROLES:
        return _recipe_of("last_layers", start=start, role=role, **chosen)
    raise UsageError(f"the mini {role} recipe begins with random weights; leave --start out, or train published")


def _published(role: Role, start: Path | None, chosen: dict[str, Any]) -> Recipe:
    if role not in PUBLISHED_ROLES:
        raise UsageError(f"the published {role} has no recipe; there is one for {', '.join(PUBLISHED_ROLES)}")
    return _recipe_of(f"published.{role}", start=start, **chosen)


def fusion_recipe() -> FusionRecipe:
    """The recipe of the fusion weights.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    train: FusionRecipe = _train_of("fusion")
    return train


def decision_recipe() -> DecisionRecipe:
    """The recipe of the numbers of the rule ``open``.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    train: DecisionRecipe = _train_of("decision")
    return train


def _recipe_of(module: str, **choices: Any) -> Recipe:
    found: Recipe = partial(_train_of(module), **choices)
    return found


def _train_of(module: str) -> Any:
    try:
        return import_module(f"avcer.training.{module}").train
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'training needs {error.name}: pip install "avcer[torch]"') from error
