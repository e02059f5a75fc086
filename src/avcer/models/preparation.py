"""What a card says of its model's input: a kind of preparation, and the constants of that kind.

``preprocessing`` on a card is ``{"kind": "grey_square", "size": 48, ...}``. A kind is one frozen class beside its
station, whose fields are the constants; a table there maps the names of kinds to the classes. ``prepared_by`` makes the
object. So every constant on a card is read, or the card is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, Self, TypeVar

import numpy as np

from avcer.errors import ModelError
from avcer.models.card import ModelCard, Role
from avcer.types import Float, Image

FORMER: Final[Mapping[str, Mapping[str, Any]]] = {
    "bare_box": {"size": 224, "mean": [91.4953, 103.8827, 131.0912], "scale": 1.0},
    "grey_square": {"mean": [0.0], "scale": 1 / 255},
    "feature_steps": {"steps": 10, "interval_s": 0.2},
}
"""What older cards leave unsaid. Source of the first mean: AVCER's released code (that of VGGFace2)."""
UNREAD: Final = ("colour", "channels", "resize", "range", "sample_rate", "window_s", "step_s", "features")
"""What older cards state beside the constants: facts that follow from the kind, and that nothing has ever read."""


class Preparation(Protocol):
    """How the input of a model is made. A kind of it is a frozen class whose fields are the constants."""

    kind: ClassVar[str]

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants of a card; TypeError, ValueError or KeyError where they are not those of the kind."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """All constants as JSON has them, for a card."""
        ...


Prepares = TypeVar("Prepares", bound=Preparation)


def prepared_by(card: ModelCard, kinds: Mapping[str, type[Prepares]]) -> Prepares:
    """The preparation that ``card`` asks for, one of ``kinds``.

    Raises:
        ModelError: its kind or one of its constants is not known.
    """
    constants = current(card.role, card.preprocessing)
    kind = constants.pop("kind")
    if kind not in kinds:
        raise _refusal(card, f"a preparation of the kind {kind!r}")
    try:
        made = kinds[kind].of_card(constants)
    except (TypeError, ValueError, KeyError) as error:
        raise _refusal(card, f"a preparation {kind!r} with other constants ({error})") from error
    if unknown := sorted(set(constants) - set(made.as_dict())):
        raise _refusal(card, f"a preparation {kind!r} with {', '.join(unknown)}")
    return made


def card_entry(preparation: Preparation) -> dict[str, Any]:
    """What a card states of a preparation."""
    return {"kind": preparation.kind, **preparation.as_dict()}


def current(role: Role, preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """``preprocessing`` as cards state it today. Older ones, those of models that were imported or trained before
    there were kinds, state none: it follows from the role and the constants.
    """
    if "kind" in preprocessing:
        return dict(preprocessing)
    constants = {name: value for name, value in preprocessing.items() if name not in UNREAD}
    kind = _kind(role, constants)
    return {"kind": kind, **FORMER.get(kind, {}), **constants}


@dataclass(frozen=True)
class Scaling:
    """What a network takes of a pixel: ``(pixel - mean) * scale``, with a ``mean`` for each channel."""

    mean: tuple[float, ...]
    scale: float

    @classmethod
    def of_card(cls, card: ModelCard) -> Scaling:
        """For an engine that is given pixels.

        Raises:
            ModelError: the card states none; the model takes no pixels.
        """
        constants = current(card.role, card.preprocessing)
        try:
            return cls(tuple(constants["mean"]), constants["scale"])
        except (TypeError, KeyError) as error:
            raise _refusal(card, f"pixels without their {error}") from error

    def planes(self, pixels: Image) -> Float:
        """``(H, W, C)`` of uint8 -> ``(C, H, W)`` of float32."""
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
        planes -= np.array(self.mean, np.float32)[:, np.newaxis, np.newaxis]
        if self.scale != 1:
            planes /= np.float32(1 / self.scale)  # 255 has no exact inverse
        return planes


def _kind(role: Role, constants: Mapping[str, Any]) -> str:
    if role == "static":
        return "grey_square" if "margin" in constants else "bare_box"
    if role == "audio":
        return "voice_frames" if "spectrogram" in constants else "waveform"
    return "frame" if role == "detector" else "feature_steps"


def _refusal(card: ModelCard, what: str) -> ModelError:
    return ModelError(
        f"{card.name}: its card asks for {what}; install the version of avcer that made it, or a newer one"
    )
