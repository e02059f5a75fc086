"""What a model is: one record, kept beside its files as ``card.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from avcer.errors import ModelError
from avcer.parsing import json_of
from avcer.types import Record

Role = Literal["detector", "static", "dynamic", "audio"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Family = Literal["mini", "published"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

CARD_FILE: Final = "card.json"
GRAPH_FILE: Final = "model.onnx"
WEIGHTS_FILE: Final = "weights.safetensors"
HEAVY: Final = 50_000_000
"""Bytes of a graph: the networks of an analysis have either twice as many or two million at most."""


@dataclass(frozen=True)
class FileRecord:
    """A file of a model: its name, its size in bytes, its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


def _file(name: str, bytes: int, sha256: str) -> FileRecord:  # noqa: A002 - the words of the document
    """A record from outside: the name must stay inside the model's folder."""
    if name != Path(name).name or not isinstance(bytes, int) or not isinstance(sha256, str):
        raise ValueError(f"{name!r} is no file of a model")
    return FileRecord(name, bytes, sha256)


UNWRITTEN: Final = FileRecord("", 0, "")
"""Stands for a file in the card of a model that is not written yet."""


NOT_FOR: Final = (
    "Decisions about people. Finding out what a person feels: it says what an expression looks like. In the European "
    "Union, inferring emotions of people at work or in education is prohibited other than for medical or safety "
    "reasons (Regulation (EU) 2024/1689, Article 5(1)(f)), and people on whom emotion recognition is used must be "
    "told (Article 50(3))."
)
"""On the card of every model that names emotions."""


@dataclass(frozen=True)
class ModelCard(Record):
    """One model: identity, files, interface, terms and measured scores.

    ``architecture`` is a key of ``models.networks``; ``graph`` is what OpenVINO runs, ``weights`` what PyTorch loads;
    ``inputs`` gives the axes of the input, batch first (``"N"``); ``labels`` is the order of the outputs (empty for
    a detector); ``preprocessing`` holds the constants that the station in front of the model reads; ``limits`` says
    where it fails, ``not_for`` what nobody should use it for; ``speed`` is what one item took on one core.
    """

    name: str
    family: Family
    role: Role
    architecture: str
    graph: FileRecord
    weights: FileRecord
    inputs: tuple[int | str, ...]
    labels: tuple[str, ...]
    preprocessing: dict[str, Any]
    licence: str
    source: str
    source_sha256: str = ""
    training_data: str = ""
    limits: str = ""
    not_for: str = ""
    speed: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)

    @property
    def heavy(self) -> bool:
        """Whether one call fills all cores: two such networks at once are slower than one after the other, and such a
        detector costs several times what reading a face does.
        """
        return self.graph.bytes > HEAVY

    def to_json(self) -> str:
        """The card as an indented JSON document."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """The card of the model in ``folder``.

        Raises:
            ModelError: no card there, or one that this version cannot read.
        """
        path = folder / CARD_FILE
        try:
            values = json_of(path.read_text(encoding="utf-8"))
            values["graph"] = _file(**values["graph"])
            values["weights"] = _file(**values["weights"])
            values["inputs"], values["labels"] = tuple(values["inputs"]), tuple(values["labels"])
            return cls(**values)
        except FileNotFoundError as error:
            raise ModelError(
                f"{folder}: holds no model (no {CARD_FILE}); give a folder with one, or install it"
            ) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{path}: not a readable model card ({error}); install the model again") from error
