"""Models in int8, made on this machine by ``avcer.quantization``: they run in the place of those they were made of.

Each is a folder of its own, with the card of the model that it was made of, but for the graph: that is a pair of
files, ``graph.xml`` and ``graph.bin``; the bytes are those of both, the hash that of the second. PyTorch's weights stay
with the model itself.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from avcer.errors import ModelError
from avcer.home import home
from avcer.models.card import CARD_FILE, FileRecord, ModelCard
from avcer.models.store import InstalledModel, replace_folder, sha256

GRAPH: Final = "graph.xml"
NUMBERS: Final = "graph.bin"


def folder() -> Path:
    """Where all of them are; it can be deleted at any time."""
    return home() / "int8"


def find_int8(model: InstalledModel) -> InstalledModel | None:
    """What was made of exactly this model, if it is whole."""
    try:
        made = _location(model)
        card = ModelCard.read(made)
        whole = sum((made / name).stat().st_size for name in (GRAPH, NUMBERS)) == card.graph.bytes
    except (ModelError, OSError, RuntimeError):  # none; damaged; a user without a home
        return None
    return InstalledModel(card, made) if whole else None


def describe(model: InstalledModel, made: Path, scores: dict[str, Any] | None = None) -> InstalledModel:
    """The model in the folder ``made``, where ``GRAPH`` and ``NUMBERS`` are: its card is that of ``model``, with
    ``scores`` beside its own.
    """
    size = sum((made / name).stat().st_size for name in (GRAPH, NUMBERS))
    graph = FileRecord(GRAPH, size, sha256(made / NUMBERS))
    card = replace(model.card, graph=graph, scores={**model.card.scores, **(scores or {})})
    (made / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    return InstalledModel(card, made)


def keep_int8(model: InstalledModel, made: Path) -> None:
    """Moves the folder ``made``, which lies in ``folder()``, to where ``model`` finds it; others of its name go.

    Raises:
        OSError: it cannot be moved.
    """
    remove_int8(model.card.name)
    replace_folder(made, _location(model))


def remove_int8(name: str) -> bool:
    """Removes what was made of models of that name; whether there was any."""
    made = list(folder().glob(f"{name}-*"))
    for one in made:
        shutil.rmtree(one)
    return bool(made)


def _location(model: InstalledModel) -> Path:
    return folder() / f"{model.card.name}-{model.card.graph.sha256[:16]}"
