"""What the files between the stages of the released code cost: a JPEG for each face, a WAV for the sound.

Ours hands pixels and samples on in memory. Put through the same files, it should give the released numbers.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from avcer import Analysis
from avcer.emotion.audio import AudioModel
from avcer.emotion.static import StaticModel
from avcer.faces.crop import crop
from avcer.hearing import Ear, hear_all
from avcer.media import Pictures, open_sound
from avcer.types import Double, FaceTrack
from reference import CLIPS, released_run


@dataclass(frozen=True)
class Cost:
    """Absolute differences of probabilities ``(N, 7)``.

    ``alone``: ours with against without the round trip; ``without`` and ``through``: ours against the released ones,
    without and with it.
    """

    alone: Double
    without: Double
    through: Double


def jpeg_cost(name: str, analysis: Analysis, model: StaticModel) -> Cost:
    """The static probabilities of the primary face, each crop written as a JPEG and read back."""
    face = analysis.face(analysis.primary)
    assert face is not None
    assert face.track is not None
    return _cost(
        ours=face.static.values[face.static.valid],
        through=_static_through_jpeg(name, face.track, model),
        theirs=released_run(name).static[face.track.frames],
    )


def wav_cost(name: str, analysis: Analysis, model: AudioModel) -> Cost:
    """The audio probabilities, the sound written as 16-bit stereo at 44.1 kHz and read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        _write_wav(CLIPS / f"{name}.mp4", path)
        sound = open_sound(path)
        assert sound is not None
        heard = hear_all(sound, Ear(model)).on_frames(analysis.times_s)
    both = analysis.audio.valid & heard.valid
    return _cost(analysis.audio.values[both], heard.values[both], released_run(name).audio[both])


def _cost(ours: Double, through: Double, theirs: Double) -> Cost:
    return Cost(np.abs(through - ours), np.abs(ours - theirs), np.abs(through - theirs))


def _static_through_jpeg(name: str, track: FaceTrack, model: StaticModel) -> Double:
    """Probabilities ``(N, 7)`` of a track's faces, at OpenCV's default quality."""
    boxes = dict(zip(track.frames.tolist(), track.boxes, strict=True))
    prepared = []
    for frame in Pictures(CLIPS / f"{name}.mp4"):
        face = crop(frame.image, boxes[frame.index]) if frame.index in boxes else None
        if face is not None:
            _, written = cv2.imencode(".jpg", face)
            prepared.append(model.prepare_face(cv2.imdecode(written, cv2.IMREAD_COLOR).astype(np.uint8)))
    return model.predict(np.stack(prepared)).probabilities


def _write_wav(clip: Path, path: Path) -> None:
    resampler = av.AudioResampler("s16", "stereo", 44_100)
    with av.open(str(clip)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        for frame in (*source.decode(audio=0), None):
            for resampled in resampler.resample(frame):
                out.mux(stream.encode(resampled))
        out.mux(stream.encode(None))
