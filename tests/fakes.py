"""Made-up models and films. A face is a bright square: its grey is what it shows, its red is how sure the detector is.

``card`` and ``visual_models`` are for tests of single stations, ``engines`` for a whole ``Analyzer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cv2
import numpy as np

from avcer.emotion.audio import AudioModel
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.faces.detect import CENTRE_VARIANCE, SIZE_VARIANCE, priors
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE, SoundBlock
from avcer.models.card import UNWRITTEN, ModelCard, Role
from avcer.models.engine import Engine
from avcer.models.store import find
from avcer.sight import VisualModels
from avcer.types import Face, Float, Frame, Image

RATE = 25
BACKGROUND = 20
"""Pixels that are brighter belong to a face."""


def card(role: Role, labels: tuple[str, ...] = BASIC, **preprocessing: Any) -> ModelCard:
    """A card of nothing that is installed."""
    return ModelCard(
        name=role, family="mini", role=role, architecture="made up", graph=UNWRITTEN, weights=UNWRITTEN, inputs=("N",),
        labels=labels, preprocessing=preprocessing, licence="MIT", source="tests",
    )  # fmt: skip


@dataclass(frozen=True)
class Square:
    """A face on a picture: left, top, side, in pixels; what it shows, 0 to 255; how sure the detector is."""

    left: int
    top: int = 10
    side: int = 30
    grey: int = 120
    score: float = 1.0


def picture(*faces: Square, size: tuple[int, int] = (120, 160)) -> Image:
    """A black picture of ``size`` (height, width) with faces."""
    image = np.zeros((*size, 3), np.uint8)
    for face in faces:
        place = image[face.top : face.top + face.side, face.left : face.left + face.side]
        place[..., :2] = face.grey
        place[..., 2] = round(face.score * 255)
    return image


def film(
    place: Callable[[int], Sequence[Square]], frames: int, size: tuple[int, int] = (120, 160), first_s: float = 0.0
) -> list[Frame]:
    """Frames, 25 a second, each with the faces that ``place`` gives for its number."""
    return [Frame(index, first_s + index / RATE, picture(*place(index), size=size)) for index in range(frames)]


def boxes(image: Image | Float) -> Float:
    """``(N, 4)``: the bright squares of a picture, from left to right."""
    bright = (image[..., 0] > BACKGROUND).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    found = [[left, top, left + width, top + height] for left, top, width, height, _ in stats[1:]]
    return np.array(sorted(found), np.float32).reshape(-1, 4)


class Finder:
    """A detector that finds the bright squares; remembers the sizes of pictures and fails where it is told to."""

    begin_score = 0.0

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.shapes: list[tuple[int, ...]] = []

    def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        """The faces of pictures, which must be of one size."""
        assert len({image.shape for image in images}) <= 1
        self.shapes += [image.shape[:2] for image in images]
        if self.fails_at is not None and len(self.shapes) > self.fails_at:
            raise ArithmeticError("made up")
        return [[Face(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes(image)] for image in images]


def grey_logits(greys: Float, classes: int = len(BASIC)) -> Float:
    """``(N,)`` greys of 0 to 1 -> logits: Neutral for black, Anger for white."""
    anger = np.clip(greys, 1e-6, 1 - 1e-6)
    logits = np.full((len(greys), classes), -30, np.float32)
    logits[:, 0], logits[:, 1] = np.log(1 - anger), np.log(anger)
    return logits


def see(batch: Float) -> tuple[Float, ...]:
    """A static network: Anger is the picture's grey, and so is the only feature."""
    greys = batch.mean(axis=(1, 2, 3))
    return grey_logits(greys), greys[:, None]


def feel(windows: Float) -> tuple[Float, ...]:
    """A dynamic network: it believes the newest of a window."""
    return (grey_logits(windows[:, -1, 0]),)


def visual_models(finder: Any = None) -> VisualModels:
    """The three models of the pictures."""
    static = StaticModel(card("static", margin=0.0, size=8), see)
    return VisualModels(finder or Finder(), static, DynamicModel(card("dynamic"), feel))


@dataclass
class Voice:
    """An audio network that hears one emotion in everything; remembers how many windows it was given a call."""

    emotion: str = "Sadness"
    classes: int = len(BASIC)
    calls: list[int] = field(default_factory=list)

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """Logits ``(N, classes)``."""
        self.calls.append(len(batch))
        logits = np.zeros((len(batch), self.classes), np.float32)
        logits[:, BASIC.index(self.emotion)] = 5
        return (logits,)


class Ups:
    """An audio network whose answer changes with the loudness of its samples, so that each window has its own."""

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """Logits ``(N, 7)``."""
        flat = np.abs(batch.reshape(len(batch), -1))
        return (np.stack([flat[:, start::7].mean(axis=1) for start in range(7)], axis=1).astype(np.float32),)


class UpsAndDowns(Ups):
    """The same with an output for speaker normalisation: the first one the other way round."""

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """Two logits ``(N, 7)``."""
        (logits,) = super().__call__(batch)
        return logits, logits[:, ::-1]


class Downs(Ups):
    """The second output alone."""

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """Logits ``(N, 7)``."""
        return (super().__call__(batch)[0][:, ::-1],)


def audio_model(engine: Engine | None = None) -> AudioModel:
    """An audio model that is given the samples themselves."""
    return AudioModel(card("audio"), engine or Ups())


def speech(seconds: float, first_s: float = 0.0, block_s: float = 0.5) -> Iterator[SoundBlock]:
    """Noise that swells, in blocks."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * SAMPLE_RATE)).astype(np.float32)
    noise *= np.linspace(0.1, 1, len(noise), dtype=np.float32)
    size = round(block_s * SAMPLE_RATE)
    for start in range(0, len(noise), size):
        yield SoundBlock(first_s + start / SAMPLE_RATE, noise[start : start + size])


class Squares:
    """A detector's network for a whole ``Analyzer``: finds the bright squares of what ``network_input`` made.

    Each is put on the prior that fits best, with the score that its red says.
    """

    def __init__(self, mean: Sequence[float], scale: float) -> None:
        self._mean = np.array(mean, np.float32)
        self._scale = scale
        self.shapes: list[tuple[int, int]] = []

    def __call__(self, batch: Float) -> tuple[Float, ...]:
        """Box offsets ``(N, P, 4)``, scores ``(N, P, 2)``, landmarks ``(N, P, 10)``."""
        anchors = priors(*batch.shape[2:])
        self.shapes += [batch.shape[2:]] * len(batch)
        count = (len(batch), len(anchors))
        offsets, landmarks = np.zeros((*count, 4), np.float32), np.zeros((*count, 10), np.float32)
        scores = np.zeros((*count, 2), np.float32)
        for row, planes in enumerate(batch):
            pixels = planes.transpose(1, 2, 0) / self._scale + self._mean
            for box in boxes(pixels):
                left, top, right, bottom = box.astype(int)
                centre, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
                far = np.abs(anchors[:, :2] - centre).sum(axis=1) + np.abs(anchors[:, 2:] - sides).sum(axis=1)
                best = int(far.argmin())
                prior = anchors[best]
                offsets[row, best, :2] = (centre - prior[:2]) / prior[2:] / CENTRE_VARIANCE
                offsets[row, best, 2:] = np.log(sides / prior[2:]) / SIZE_VARIANCE
                middle = pixels[(top + bottom) // 2, (left + right) // 2]
                scores[row, best, 1] = np.clip(middle[2] / 255, 0, 1)
        return offsets, scores, landmarks


def engines(**others: Engine) -> dict[Role, Engine]:
    """Networks for a whole ``Analyzer(models="mini", engines=...)``; ``others`` take the place of single ones."""
    constants = find("mini", "detector").card.preprocessing
    usual: dict[str, Engine] = {
        "detector": Squares(constants["mean"], constants["scale"]), "static": see, "dynamic": feel, "audio": Voice(),
    }  # fmt: skip
    return cast(dict[Role, Engine], usual | others)
