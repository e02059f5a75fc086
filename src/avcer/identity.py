"""The identity of a run: everything that can change a result, in one record.

Two runs with equal identities say the same of a clip, but for the last digits, which may differ between processors and
between versions of the libraries. So a result may stand in for another run if it has the same identity, and the same
clip.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

WITHOUT_EFFECT: Final = ("threads",)
"""Options that no result depends on."""
SAID_BETTER: Final = ("own_models", "compounds", "fusion", "device", "precision")
"""Options that name a file, or leave a choice to the machine: the identity holds what came of them."""
LATER: Final = ("person",)
"""Options that came later, left out where they are None: runs from before have the same identity."""
DECIDING: Final = ("rule", "decision", "least_segment")
"""Options of the decision alone, beside fusion weights and vocabulary: the models say the same whatever they are."""


@dataclass(frozen=True)
class ModelIdentity:
    """A model that ran.

    ``sha256`` is that of its graph, ``int8_sha256`` of what was made of it in int8 if that is what ran; ``interface``
    sums up its card's input, labels and preparation; ``engine`` names what ran in its place if a caller brought it.
    """

    name: str
    architecture: str
    sha256: str
    interface: str
    int8_sha256: str = ""
    engine: str = ""

    def to_dict(self) -> dict[str, str]:
        """For JSON; what does not apply is left out."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Identity:
    """What makes a run the one that it is. Hashable, and equal where all of it is.

    Args:
        version: of avcer.
        device: where the models ran, ``cpu`` or ``cuda``.
        precision: what they computed in, ``float32`` or ``bfloat16``.
        models: each role and its model.
        options: the choices in force that change a result, by name.
        fusion: the fusion weights, as canonical JSON; empty in ``of_models``.
        vocabulary: the compounds to choose from, as canonical JSON; empty in ``of_models``.
    """

    version: str
    device: str
    precision: str
    models: tuple[tuple[str, ModelIdentity], ...]
    options: tuple[tuple[str, Any], ...]
    fusion: str = ""
    vocabulary: str = ""
    digest: str = field(init=False)
    """A short name of the identity: 16 hexadecimal digits of the SHA-256 of all the others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", summary(self._stated()))

    @classmethod
    def of(
        cls,
        version: str,
        device: str,
        precision: str,
        models: Mapping[str, ModelIdentity],
        options: Mapping[str, Any],
        fusion: Mapping[str, Any],
        vocabulary: Mapping[str, Any],
    ) -> Self:
        """Of records as JSON has them; ``options`` as ``Options.in_force`` gives them."""
        left_out = {*WITHOUT_EFFECT, *SAID_BETTER, *(name for name in LATER if options.get(name) is None)}
        chosen = {name: _hashable(value) for name, value in options.items() if name not in left_out}
        return cls(
            version=version,
            device=device,
            precision=precision,
            models=tuple(models.items()),
            options=tuple(sorted(chosen.items())),
            fusion=canonical(fusion),
            vocabulary=canonical(vocabulary),
        )

    def of_models(self) -> Self:
        """What the models say depends on this part alone: without rule, fusion weights and vocabulary."""
        kept = tuple((name, value) for name, value in self.options if name not in DECIDING)
        return replace(self, options=kept, fusion="", vocabulary="")

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**self._stated(), "digest": self.digest}

    def _stated(self) -> dict[str, Any]:
        stated: dict[str, Any] = {
            "version": self.version,
            "device": self.device,
            "precision": self.precision,
            "models": {role: model.to_dict() for role, model in self.models},
            "options": {name: _plain(value) for name, value in self.options},
        }
        decided = (("fusion", self.fusion), ("vocabulary", self.vocabulary))
        return stated | {name: json.loads(text) for name, text in decided if text}


def canonical(document: Any) -> str:
    """The one JSON text of a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def summary(document: Any) -> str:
    """16 hexadecimal digits that tell a document from others."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()[:16]


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
