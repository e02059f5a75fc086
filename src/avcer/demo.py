"""A short clip made from a photograph that comes with scikit-image, and a voice made from sines: nothing to download.

The picture is NASA's portrait of Eileen Collins (public domain, ``skimage.data.astronaut``). The face moves, turns,
darkens, and is hidden for a moment; the voice speaks, stops, and speaks again, louder and higher.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from av.video import VideoStream

from avcer.errors import OutputError
from avcer.files import atomic, make_folder
from avcer.media import SAMPLE_RATE
from avcer.types import Double, Float, Image

DURATION_S: Final = 8.0
RATE: Final = 25
SIZE: Final = (480, 360)  # width, height
_FACE_CENTRE: Final = (222.0, 115.0)  # pixels of the photograph
_HIDDEN_S: Final = (5.0, 5.6)
_SILENT_S: Final = (3.2, 4.4)


def make_clip(path: Path) -> Path:
    """Writes the demonstration clip, 8 seconds of 480x360 H.264 at 25 frames a second with AAC sound.

    Raises:
        OutputError: the file cannot be written.
    """
    make_folder(path.parent)
    try:
        with atomic(path) as part, av.open(str(part), "w", format="mp4") as container:
            _encode(container)
    except av.FFmpegError as error:
        raise OutputError(f"{path}: cannot write the demonstration clip ({error}); choose another --out") from error
    return path


def _encode(container: OutputContainer) -> None:
    pictures = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
    pictures.width, pictures.height = SIZE
    pictures.pix_fmt = "yuv420p"
    sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
    _encode_pictures(container, pictures)
    _encode_sound(container, sound)


def _encode_pictures(container: OutputContainer, stream: VideoStream) -> None:
    photograph = _photograph()
    for number in range(int(DURATION_S * RATE)):
        frame = av.VideoFrame.from_ndarray(_picture(photograph, number / RATE), format="bgr24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _encode_sound(container: OutputContainer, stream: AudioStream) -> None:
    samples = (voice(DURATION_S) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _photograph() -> Image:
    from skimage.data import astronaut  # slow to import, and needed by the demonstration alone

    return np.ascontiguousarray(astronaut()[:, :, ::-1], dtype=np.uint8)  # type: ignore[no-untyped-call]


def _picture(photograph: Image, time_s: float) -> Image:
    """The photograph as the camera sees it at one moment: swaying, nearing, lit from bright to dim, hidden once."""
    angle = 6 * np.sin(2 * np.pi * time_s / 4)
    zoom = 1.25 + 0.35 * np.sin(2 * np.pi * time_s / 7)
    matrix = cv2.getRotationMatrix2D(_FACE_CENTRE, angle, zoom)
    sway = 30 * np.sin(2 * np.pi * time_s / 5), 12 * np.sin(2 * np.pi * time_s / 3)
    matrix[:, 2] += np.array(SIZE) / 2 - np.array(_FACE_CENTRE) + np.array(sway)
    moved = cv2.warpAffine(photograph, matrix, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    picture = moved.astype(np.uint8, copy=False)
    light = 0.8 + 0.35 * np.sin(2 * np.pi * time_s / 6)
    if _HIDDEN_S[0] <= time_s < _HIDDEN_S[1]:
        _hide(picture, matrix @ np.array([*_FACE_CENTRE, 1.0]), zoom)
    lit: Image = np.clip(picture * light, 0, 255).astype(np.uint8)
    return lit


def _hide(picture: Image, centre: Double, zoom: float) -> None:
    """Holds a grey card before the face."""
    half = np.array([48, 62]) * zoom
    left, top = (int(edge) for edge in np.maximum(centre - half, 0))
    right, bottom = (int(edge) for edge in centre + half)
    picture[top:bottom, left:right] = (140, 130, 125)


def voice(duration_s: float) -> Float:
    """A made-up voice, ``(samples,)`` at 16 kHz within -1..1: a buzzing source with syllables and three formants."""
    time = np.arange(int(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    excited = 1 / (1 + np.exp(-6 * (time - 4.5)))
    pitch = 170 + 90 * excited + 25 * np.sin(2 * np.pi * time * 0.9)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    formants = (
        600 + 150 * np.sin(2 * np.pi * time * 2.1),
        1500 + 400 * np.sin(2 * np.pi * time * 1.3),
        2600 + 0 * time,
    )
    samples = np.zeros_like(time)
    for harmonic in range(1, 20):
        closeness = sum(np.exp(-(((harmonic * pitch - formant) / 180) ** 2)) for formant in formants)
        samples += (closeness + 0.05) / harmonic**0.5 * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * time * (3 + 1.5 * excited)), 0, None) ** 0.7
    speaking = ~((time >= _SILENT_S[0]) & (time < _SILENT_S[1]))
    samples *= syllables * speaking * (0.45 + 0.55 * excited)
    scaled: Float = (0.7 * samples / np.abs(samples).max()).astype(np.float32)
    return scaled
