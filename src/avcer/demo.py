"""A short clip made from a photograph that comes with Matplotlib, and a voice made from sines: nothing to download.

The picture is the United States Navy's portrait of Grace Hopper (public domain, ``grace_hopper.jpg`` among Matplotlib's
sample data). The face moves, turns, darkens, and is hidden for a moment; the voice speaks, stops, and speaks again,
louder and higher.
"""

from __future__ import annotations

import platform
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from av.video import VideoStream

from avcer.errors import MissingExtraError, OutputError
from avcer.files import atomic, make_folder
from avcer.media import SAMPLE_RATE
from avcer.types import Double, Float, Image

DURATION_S: Final = 8.0
RATE: Final = 25
SIZE: Final = (480, 360)  # width, height
_PORTRAIT: Final = "grace_hopper.jpg"
_FACE_IN_FILE: Final = (268.0, 230.0)  # pixels of the file
_SCALE: Final = 0.55
_FACE_CENTRE: Final = (222.0, 115.0)  # pixels of ``photograph()``
_SAME_CODE: Final = {"x264-params": "asm=SSE4"} if platform.machine() in ("x86_64", "AMD64") else {}
"""With its code for AVX-512, x264 writes another file each time; with that for SSE4, the same on all x86 processors."""
_X264: Final = {"crf": "18", "preset": "veryfast", **_SAME_CODE}
_HIDDEN_S: Final = (5.0, 5.6)
_SILENT_S: Final = (3.2, 4.4)


def make_clip(path: Path) -> Path:
    """Writes the demonstration clip, 8 seconds of 480x360 H.264 at 25 frames a second with AAC sound. Each call writes
    the same file, however many processors there are.

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
    pictures = container.add_stream("libx264", rate=RATE, options=_X264)
    pictures.width, pictures.height = SIZE
    pictures.pix_fmt = "yuv420p"
    pictures.thread_count = 1  # what x264 writes depends on how many threads it has
    sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
    _encode_pictures(container, pictures)
    _encode_sound(container, sound)


def _encode_pictures(container: OutputContainer, stream: VideoStream) -> None:
    portrait = photograph()
    for number in range(int(DURATION_S * RATE)):
        frame = av.VideoFrame.from_ndarray(_picture(portrait, number / RATE), format="bgr24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _encode_sound(container: OutputContainer, stream: AudioStream) -> None:
    samples = (voice(DURATION_S) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def photograph() -> Image:
    """The portrait ``(512, 512, 3)``, BGR: a face of about 100 x 130 pixels around (222, 115), more backdrop beside it.

    Raises:
        MissingExtraError: this Matplotlib came without its sample data.
    """
    from avcer.plotting import get_sample_data  # slow to import, and needed by the demonstration alone

    path = get_sample_data(_PORTRAIT, asfileobj=False)
    portrait = cv2.imread(str(path))
    if portrait is None:
        raise MissingExtraError(f"{path}: is missing; install Matplotlib from PyPI, which holds it")
    shift = np.array(_FACE_CENTRE) - _SCALE * np.array(_FACE_IN_FILE)
    matrix = np.array([[_SCALE, 0, shift[0]], [0, _SCALE, shift[1]]])
    smaller = cv2.GaussianBlur(portrait, (0, 0), 0.5)  # at about half the size, finer detail would flicker
    moved = cv2.warpAffine(smaller, matrix, (512, 512), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.uint8, copy=False)


def _picture(portrait: Image, time_s: float) -> Image:
    """The photograph as the camera sees it at one moment: swaying, nearing, lit from bright to dim, hidden once."""
    angle = 6 * np.sin(2 * np.pi * time_s / 4)
    zoom = 1.25 + 0.35 * np.sin(2 * np.pi * time_s / 7)
    matrix = cv2.getRotationMatrix2D(_FACE_CENTRE, angle, zoom)
    sway = 30 * np.sin(2 * np.pi * time_s / 5), 12 * np.sin(2 * np.pi * time_s / 3)
    matrix[:, 2] += np.array(SIZE) / 2 - np.array(_FACE_CENTRE) + np.array(sway)
    moved = cv2.warpAffine(portrait, matrix, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
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
