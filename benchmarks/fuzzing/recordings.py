"""Short recordings of the demonstration's portrait in every container and codec that PyAV can write here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from avcer.demo import make_clip

SECONDS = 1.2
SIZE = (320, 240)
KINDS = {
    "h264.mp4": ("libx264", "aac"),
    "hevc.mp4": ("libx265", "aac"),
    "av1.mp4": ("libsvtav1", "aac"),
    "mpeg4.mov": ("mpeg4", "pcm_s16le"),
    "mjpeg.mov": ("mjpeg", "alac"),
    "prores.mov": ("prores_ks", "pcm_s24le"),
    "h264.mkv": ("libx264", "libopus"),
    "ffv1.mkv": ("ffv1", "flac"),
    "vp8.webm": ("libvpx", "libvorbis"),
    "vp9.webm": ("libvpx-vp9", "libopus"),
    "mpeg4.avi": ("mpeg4", "libmp3lame"),
    "mjpeg.avi": ("mjpeg", "pcm_s16le"),
    "h264.ts": ("libx264", "aac"),
    "mpeg2.ts": ("mpeg2video", "mp2"),
    "mpeg1.mpg": ("mpeg1video", "mp2"),
    "flv1.flv": ("flv", "libmp3lame"),
    "h264.flv": ("libx264", "aac"),
    "wmv2.wmv": ("wmv2", "wmav2"),
    "theora.ogg": ("libtheora", "libvorbis"),
    "h263.3gp": ("h263", "aac"),
    "gif.gif": ("gif", None),
    "raw.nut": ("rawvideo", "pcm_s16le"),
    "sound.wav": (None, "pcm_s16le"),
    "sound.mp3": (None, "libmp3lame"),
    "sound.flac": (None, "flac"),
}
"""File name: codecs of picture and sound."""
FORMATS = {"gif": "rgb8", "mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}


def made_recordings(folder: Path) -> list[Path]:
    """Writes one recording of each kind; a codec that this build of FFmpeg lacks is left out."""
    folder.mkdir(parents=True)
    pictures, sound = _source(folder)
    made = []
    for name, (video, audio) in KINDS.items():
        path = folder / name
        try:
            _write(path, video, audio, pictures, sound)
        except (av.FFmpegError, ValueError):
            path.unlink(missing_ok=True)
            continue
        made.append(path)
    return made


def _source(folder: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures (height x width x RGB) and sound (1 x samples, 48 kHz) of the demonstration's clip."""
    clip = make_clip(folder.with_name("portrait.mp4"))
    with av.open(str(clip)) as read:
        count = int(SECONDS * float(read.streams.video[0].average_rate or 25))
        pictures = []
        for frame in read.decode(video=0):
            pictures.append(frame.reformat(*SIZE, format="rgb24").to_ndarray())
            if len(pictures) == count:
                break
    resampler = AudioResampler("s16", "mono", 48_000)
    with av.open(str(clip)) as read:
        parts = [part.to_ndarray() for frame in read.decode(audio=0) for part in resampler.resample(frame)]
    return pictures, np.concatenate(parts, axis=1)[:, : int(SECONDS * 48_000)]


def _write(path: Path, video: str | None, audio: str | None, pictures: list[np.ndarray], sound: np.ndarray) -> None:
    size = (352, 288) if video == "h263" else SIZE  # H.263 knows few sizes
    with av.open(str(path), "w") as file:
        picture = file.add_stream(video, rate=25) if video else None
        if picture is not None and video is not None:
            picture.width, picture.height = size
            picture.pix_fmt = FORMATS.get(video, "yuv420p")
        voice = file.add_stream(audio, rate=44_100 if path.suffix == ".flv" else 48_000) if audio else None
        for number, array in enumerate(pictures if picture is not None else ()):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24").reformat(*size)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(picture.encode(frame.reformat(format=picture.pix_fmt)))
        if picture is not None:
            file.mux(picture.encode())
        if voice is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
            file.mux(voice.encode(frame))
            file.mux(voice.encode())
