"""Small recordings made on the spot: pictures whose brightness tells their number, tones placed in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

MakeClip = Callable[..., Path]
LEVELS, LEVEL_STEP = 16, 14


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """A grey picture; ``number_of`` reads its number (modulo 16) back after lossy coding."""
    return np.full((height, width, 3), 10 + LEVEL_STEP * (number % LEVELS), np.uint8)


@pytest.fixture(scope="session")
def number_of() -> Callable[[NDArray[np.uint8]], int]:
    return lambda image: round((float(image.mean()) - 10) / LEVEL_STEP)


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes a clip: ``times`` of its frames in ticks of ``time_base``, ``sounds`` as (start_s, (channels, n))."""

    def make(
        name: str,
        times: Sequence[int] = (),
        time_base: Fraction = Fraction(1, 25),
        size: tuple[int, int] = (64, 48),
        codec: str = "mpeg4",
        sounds: Sequence[tuple[float, NDArray[np.float32]]] = (),
        sample_rate: int = 16_000,
        audio_codec: str = "pcm_s16le",
        **options: str,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            video = container.add_stream(codec, rate=25, options=options)
            video.width, video.height, video.pix_fmt = *size, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            video.codec_context.time_base = time_base
            audio = container.add_stream(audio_codec, rate=sample_rate, layout="stereo") if sounds else None
            for number, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(picture(number, *size), format="bgr24")
                frame.pts, frame.time_base = time, time_base
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            for start_s, samples in sounds:
                assert audio is not None
                for begin in range(0, samples.shape[1], 1000):
                    piece = (samples[:, begin : begin + 1000].T.reshape(1, -1) * 32767).astype(np.int16)
                    sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="s16", layout="stereo")
                    sound.sample_rate = sample_rate
                    sound.pts, sound.time_base = round(start_s * sample_rate) + begin, Fraction(1, sample_rate)
                    container.mux(audio.encode(sound))
            if audio is not None:
                container.mux(audio.encode(None))
        return path

    return make
