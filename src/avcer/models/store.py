"""Where the models are: the mini ones inside the package, the published ones in a per-user folder.

Nothing is downloaded here, and no folder is made for models before one is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from avcer.errors import ModelError, OutputError
from avcer.home import home
from avcer.models.card import CARD_FILE, FAMILIES, ROLES, Family, FileRecord, ModelCard, Role

MINI: Final = Path(__file__).parent / "data" / "mini"
"""The folder of the shipped models, one sub-folder a role."""


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be run: its card, and the folder of its files."""

    card: ModelCard
    folder: Path

    @property
    def graph(self) -> Path:
        """The ONNX file, for OpenVINO."""
        return self.folder / self.card.graph.name

    @property
    def weights(self) -> Path:
        """The safetensors file, for PyTorch."""
        return self.folder / self.card.weights.name


def location(family: Family, role: Role) -> Path:
    """The folder of a model, whether it is installed or not."""
    return (MINI if family == "mini" else home() / "models" / family) / role


def find(family: Family, role: Role) -> InstalledModel:
    """The installed model of that family and role; its files are there and have the right size.

    Raises:
        ModelError: not installed, or damaged.
    """
    folder = location(family, role)
    if not (folder / CARD_FILE).exists():
        raise ModelError(f"{folder}: the {family} {role} model is not installed; {_remedy(family, role)}")
    model = InstalledModel(ModelCard.read(folder), folder)
    if (model.card.family, model.card.role) != (family, role):
        is_ = f"{model.card.family} {model.card.role}"
        raise ModelError(f"{folder}: holds a {is_} model, not the {family} {role} one; {_remedy(family, role)}")
    for record in (model.card.graph, model.card.weights):
        _check_size(model, record)
    return model


def occupied() -> list[tuple[Family, Role]]:
    """Family and role of every installed model, damaged ones too: mini ones first, in the order of ``ROLES``."""
    pairs = [(family, role) for family in FAMILIES for role in ROLES]
    return [(family, role) for family, role in pairs if (location(family, role) / CARD_FILE).exists()]


def installed() -> list[InstalledModel]:
    """Every installed model, in the order of ``occupied``.

    Raises:
        ModelError: one of them is damaged.
    """
    return [find(family, role) for family, role in occupied()]


def verify(model: InstalledModel) -> None:
    """Compares both files with the sizes and the SHA-256 of the card.

    Raises:
        ModelError: a file is missing or differs.
    """
    for record in (model.card.graph, model.card.weights):
        check_file(model, record)


def check_file(model: InstalledModel, record: FileRecord) -> None:
    """Compares one file with the size and the SHA-256 of the card. A file is read again when it has changed.

    Raises:
        ModelError: it is missing or differs.
    """
    _check_size(model, record)
    path = model.folder / record.name
    if _known_sha256(path, path.stat().st_size, path.stat().st_mtime_ns) != record.sha256:
        raise ModelError(f"{path}: is damaged (its SHA-256 is not the one on its card); {_cure(model)}")


def install(new: Path, family: Family, role: Role) -> InstalledModel:
    """Moves the model in the folder ``new`` into the store; the earlier install stays if anything fails.

    Raises:
        ModelError: ``new`` does not hold a whole model of that family and role.
        OutputError: the store cannot be written.
    """
    card = ModelCard.read(new)
    if (card.family, card.role) != (family, role):
        raise ModelError(f"{new}: holds a {card.family} {card.role} model, not a {family} {role} one")
    verify(InstalledModel(card, new))
    target = location(family, role)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{role}-") as beside:
            shutil.move(new, Path(beside) / "new")
            replace_folder(Path(beside) / "new", target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error}); set AVCER_HOME to a folder that can") from error
    return find(family, role)


def replace_folder(new: Path, target: Path) -> None:
    """Renames the folder ``new`` to ``target``; both lie on one disk. A failure leaves the earlier ``target``.

    Raises:
        OSError: it cannot be renamed.
    """
    earlier = target.with_name(f".{target.name}.earlier")
    if earlier.exists() and not target.exists():  # an earlier call was killed between its two renames
        earlier.rename(target)
    shutil.rmtree(earlier, ignore_errors=True)
    if target.exists():
        target.rename(earlier)
    try:
        new.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _known_sha256(path: Path, size: int, modified_ns: int) -> str:
    return sha256(path)


def _check_size(model: InstalledModel, record: FileRecord) -> None:
    path = model.folder / record.name
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:  # a name that no file can have
        size = 0
    if size != record.bytes:
        state = f"has {size} bytes instead of {record.bytes}" if size else "is missing"
        raise ModelError(f"{path}: {state}; {_cure(model)}")


def _cure(model: InstalledModel) -> str:
    family, role = model.card.family, model.card.role
    return _remedy(family, role) if model.folder == location(family, role) else "train it again, or copy it again"


def _remedy(family: Family, role: Role) -> str:
    if family == "mini":
        return "reinstall the package avcer, which ships it"
    return f"run: avcer models import published --{role} FILE"
