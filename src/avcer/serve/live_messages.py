"""Messages of a live client: how pictures and sound are packed, and what of them waits to be worked off."""

from __future__ import annotations

import io
import struct
import time
from dataclasses import dataclass
from threading import Condition
from typing import Final

import cv2
import numpy as np
from PIL import Image as Pillow

from avcer.errors import InputError, UsageError
from avcer.media import SAMPLE_RATE, SoundBlock
from avcer.types import Image

PICTURE: Final = struct.Struct("<BId")
"""1, a number of the client's for the frame, seconds at which it was captured; then the JPEG."""
SOUND: Final = struct.Struct("<Bd")
"""2, seconds of the first sample; then 16-bit samples, mono at 16 kHz, little-endian as all of it."""
A_PICTURE, A_SOUND = 1, 2
MOST_PIXELS: Final = 4096 * 2304
MOST_SOUND_S: Final = 10.0
"""Sound of a longer time than this does not wait to be heard."""


@dataclass
class Sent:
    """What has come since the last time: the newest picture, and all sound."""

    picture: tuple[int, float, bytes, float] | None = None
    sound: list[SoundBlock] | None = None
    ended: bool = False


class Newest:
    """One thread puts in what the client sends, another takes it: the newest picture, and all sound."""

    def __init__(self) -> None:
        self.skipped = 0
        self._sent = Sent(sound=[])
        self._changed = Condition()

    def put(self, message: bytes) -> None:
        """Takes a binary message.

        Raises:
            UsageError: it is not one of the two kinds.
        """
        kind = message[0] if message else 0
        with self._changed:
            if kind == A_PICTURE and len(message) > PICTURE.size:
                _, number, time_s = PICTURE.unpack_from(message)
                self.skipped += self._sent.picture is not None
                self._sent.picture = number, _finite(time_s), message[PICTURE.size :], time.monotonic()
            elif kind == A_SOUND and len(message) > SOUND.size:
                self._put_sound(_finite(SOUND.unpack_from(message)[1]), message[SOUND.size :])
            else:
                raise UsageError("a message is neither a picture nor sound; see docs/live.md")
            self._changed.notify()

    def end(self) -> None:
        """Says that nothing more comes."""
        with self._changed:
            self._sent.ended = True
            self._changed.notify()

    def take(self) -> Sent:
        """Waits for a picture, sound or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._sent.picture or self._sent.sound or self._sent.ended)
            taken, self._sent = self._sent, Sent(sound=[], ended=self._sent.ended)
        return taken

    def _put_sound(self, start_s: float, coded: bytes) -> None:
        samples = np.frombuffer(coded[: len(coded) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)
        assert self._sent.sound is not None
        self._sent.sound.append(SoundBlock(start_s, samples))
        while sum(len(block.samples) for block in self._sent.sound) > MOST_SOUND_S * SAMPLE_RATE:
            self._sent.sound.pop(0)


def decoded(coded: bytes) -> Image:
    """The picture of a JPEG.

    Raises:
        InputError: it is none, or too large.
    """
    try:
        with Pillow.open(io.BytesIO(coded), formats=("JPEG",)) as head:
            width, height = head.size
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise InputError("a picture is no JPEG; send pictures as JPEG") from error
    if width * height > MOST_PIXELS:
        raise InputError(f"a picture has {width} x {height} pixels; send at most {MOST_PIXELS} of them")
    image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("a picture is damaged; send it again")
    return image.astype(np.uint8, copy=False)


def _finite(time_s: float) -> float:
    if not np.isfinite(time_s) or abs(time_s) > 1e12:
        raise UsageError("a time is not a number of seconds")
    return float(time_s)
