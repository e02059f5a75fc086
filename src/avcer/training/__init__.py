"""Training: data, losses, loop, one recipe a model; writes what models/ reads. Needs the extra ``torch``."""

from __future__ import annotations

from avcer.training.recipes import (
    CORPORA_ROLES,
    PUBLISHED_ROLES,
    Architecture,
    DecisionRecipe,
    FusionRecipe,
    Recipe,
    decision_recipe,
    fusion_recipe,
    recipe,
)

__all__ = [
    "CORPORA_ROLES",
    "PUBLISHED_ROLES",
    "Architecture",
    "DecisionRecipe",
    "FusionRecipe",
    "Recipe",
    "decision_recipe",
    "fusion_recipe",
    "recipe",
]
