"""What the static models see of a face: how it is cut out of the picture, its size, its colours, its scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import cv2
import numpy as np

from avcer.faces.crop import crop, square_crop
from avcer.models.preparation import Preparation, Scaling
from avcer.types import Float, Image


class FacePreparation(Preparation, Protocol):
    """How a face becomes the input of a network: cut, then brought to its pixels, then scaled."""

    @property
    def scaling(self) -> Scaling:
        """From pixels to what the network takes."""
        ...

    def crop(self, image: Image, box: Float) -> Image | None:
        """The face inside ``box (4,)`` of a whole BGR picture; None where nothing of it lies inside the picture."""
        ...

    def pixels(self, face: Image) -> Image:
        """A BGR picture of nothing but a face, of any size, in the size and colours of the network: ``(s, s, C)``."""
        ...

    def picture(self, image: Image, box: Float, size: int) -> Image | None:
        """What the network sees of ``image``, for looking at: ``(size, size, 3)``, BGR; or None as in ``crop``."""
        ...


class _Scaled:
    """What the kinds below share: their constants, of which two are these, and the scaling by them."""

    mean: tuple[float, ...]
    scale: float

    @classmethod
    def of_card(cls, constants: Mapping[str, Any]) -> Self:
        """With the constants that a card names."""
        return cls(**{**constants, "mean": tuple(constants["mean"])})

    def as_dict(self) -> dict[str, Any]:
        """The constants, for a card."""
        return {**vars(self), "mean": list(self.mean)}

    @property
    def scaling(self) -> Scaling:
        """See ``FacePreparation``."""
        return Scaling(self.mean, self.scale)


@dataclass(frozen=True)
class BareBox(_Scaled):
    """The detector's box as it is, stretched to a square of ``size`` pixels by nearest neighbour, BGR.

    Source: AVCER's released code, for EMO-AffectNet.
    """

    kind: ClassVar[str] = "bare_box"

    size: int
    mean: tuple[float, ...]
    scale: float

    def crop(self, image: Image, box: Float) -> Image | None:
        """See ``FacePreparation``."""
        return crop(image, box)

    def pixels(self, face: Image) -> Image:
        """See ``FacePreparation``."""
        return resize_nearest(face, self.size)

    def picture(self, image: Image, box: Float, size: int) -> Image | None:
        """Smooth, unlike the network's input: so are the pictures under the released code's heat maps."""
        face = crop(image, box)
        return None if face is None else cv2.resize(face, (size, size)).astype(np.uint8, copy=False)


@dataclass(frozen=True)
class GreySquare(_Scaled):
    """The square around the box with a ``margin`` (a share of its side, at either end), ``size`` pixels wide, grey."""

    kind: ClassVar[str] = "grey_square"

    size: int
    margin: float
    mean: tuple[float, ...] = (0.0,)
    scale: float = 1 / 255

    def crop(self, image: Image, box: Float) -> Image | None:
        """See ``FacePreparation``."""
        return square_crop(image, box, self.margin, self.size)

    def pixels(self, face: Image) -> Image:
        """See ``FacePreparation``."""
        if face.shape[0] != self.size or face.shape[1] != self.size:
            face = cv2.resize(face, (self.size, self.size), interpolation=cv2.INTER_AREA).astype(np.uint8)
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)[:, :, None].astype(np.uint8, copy=False)

    def picture(self, image: Image, box: Float, size: int) -> Image | None:
        """See ``FacePreparation``."""
        return square_crop(image, box, self.margin, size)


def resize_nearest(image: Image, size: int) -> Image:
    """``(h, w, 3)`` to ``(size, size, 3)`` by nearest neighbour, choosing the same pixels as Pillow does."""
    rows, columns = (_nearest(length, size) for length in image.shape[:2])
    resized: Image = image[rows[:, None], columns]
    return resized


def _nearest(length: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Pillow steps from the middle of the first pixel, adding up the scale; the rounding of its sums matters."""
    scale = length / size
    steps = np.full(size, scale)
    steps[0] = scale * 0.5
    return np.minimum(np.add.accumulate(steps).astype(np.int64), length - 1)
