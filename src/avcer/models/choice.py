"""Which model does a job: the one of a family, or one that the user trained, in its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcer.errors import ModelError, UsageError
from avcer.models.card import ROLES, Family, ModelCard, Role
from avcer.models.store import InstalledModel, find, verify


def choose(family: Family, role: Role, own: Sequence[str | Path] = ()) -> InstalledModel:
    """The model among the folders ``own`` (as ``avcer train`` writes them) whose card names the role; where there is
    none, that of the family.

    Raises:
        ModelError: a folder holds no whole model, two hold models of the role, or the family's is not installed.
    """
    models = [InstalledModel(ModelCard.read(folder), folder) for folder in map(Path, own)]
    for model in models:
        if model.card.family != family:
            its = model.card.family
            raise ModelError(f"{model.folder}: is a model of the {its} family; use it with --models {its}")
    matching = [model for model in models if model.card.role == role]
    if len(matching) > 1:
        raise ModelError(f"{matching[1].folder}: a second {role} model; name one for each role")
    if not matching:
        return find(family, role)
    verify(matching[0])
    return matching[0]


def expect_roles(own: Sequence[str | Path], roles: Sequence[Role], user: str) -> None:
    """Refuses own models that ``user``, a command in words, would pass over.

    Raises:
        UsageError: a model is of none of the ``roles``.
        ModelError: a folder holds no readable model.
    """
    for folder in map(Path, own):
        role = ModelCard.read(folder).role
        if role not in roles:
            raise UsageError(
                f"{folder}: is a model of the role {role}; {user} uses {', '.join(roles)}: leave this one out"
            )


def choose_all(family: Family, own: Sequence[str | Path] = ()) -> dict[Role, InstalledModel]:
    """All four models of an analysis.

    Raises:
        ModelError: as ``choose``; or the dynamic model was trained on the features of another static model.
    """
    models = {role: choose(family, role, own) for role in ROLES}
    reads = models["dynamic"].card.preprocessing.get("static_sha256", "")
    if own and reads not in ("", models["static"].card.graph.sha256):
        raise ModelError(
            f"{models['dynamic'].folder}: reads the features of another static model than {models['static'].folder}; "
            "train one for it: avcer train dynamic DATA... --own-model DIR"
        )
    return models
