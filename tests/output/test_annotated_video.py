"""The annotated video: the right frame under the right box at the right time, and the sound that was there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.errors import InputError, OutputError
from avcer.media import Pictures
from avcer.output import writers
from avcer.output.annotated import facts
from avcer.output.annotated.canvas import Canvas, fit
from avcer.output.corrections import Correction, Corrections, write_corrections
from avcer.types import Double

SIZE = (320, 180)
FRAMES = 40
EVEN = np.arange(FRAMES) / 25
UNEVEN = np.cumsum([0, *([0.02, 0.04, 0.1] * FRAMES)][:FRAMES])


def grey(number: int) -> int:
    return 40 + 12 * (number % 16)


def coded(path: Path, times_s: Double, sound: str | None = "aac", size: tuple[int, int] = SIZE) -> Path:
    """A clip whose pictures tell their numbers; its sound is a tone from 0.2 s on."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(sound, rate=16_000, layout="mono") if sound else None
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), grey(number), np.uint8), format="bgr24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            tone = 8000 * np.sin(np.arange(round(float(times_s[-1]) * 16_000)) / 5)
            tone[: round(0.2 * 16_000)] = 0
            heard = av.AudioFrame.from_ndarray(tone.astype(np.int16)[np.newaxis], format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 16_000, 0, Fraction(1, 16_000)
            container.mux(audio.encode(heard))
            container.mux(audio.encode(None))
    return path


@dataclass
class Shown:
    """What is in a video: times, pictures, where the video ends, and the sound with its first time."""

    times_s: Double
    pictures: list[Any]
    ends_s: float
    sound: Any
    sound_s: float

    @classmethod
    def of(cls, path: Path) -> Shown:
        times, pictures, sound, first = [], [], [], []
        with av.open(str(path)) as container:
            ends_s = float(container.streams.video[0].duration * container.streams.video[0].time_base)
            for frame in container.decode():
                if isinstance(frame, av.VideoFrame):
                    times.append(frame.time)
                    pictures.append(frame.to_ndarray(format="bgr24"))
                else:
                    first.append(frame.time)
                    sound.append(frame.to_ndarray())
        heard = np.concatenate(sound, axis=1) if sound else np.zeros((1, 0))
        return cls(np.array(times), pictures, ends_s, heard, first[0] if first else 0.0)


@pytest.fixture
def clip(tmp_path: Path, scene: Callable[..., Analysis]) -> Callable[..., Analysis]:
    """A coded clip, and an analysis that fits it."""

    def make(times_s: Double = EVEN, sound: str | None = "aac", ending: str = "mp4", **fields: Any) -> Analysis:
        path = coded(tmp_path / f"clip.{ending}", times_s, sound)
        usual = {"faces": ((0, FRAMES - 1, ()),), "frames": FRAMES, **fields}
        made = scene(path=path, **usual)
        return replace(made, times_s=times_s, clip=replace(made.clip, sizes=((0, *SIZE),)))

    return make


def annotated(analysis: Analysis, folder: Path) -> Shown:
    (path,) = writers.save(analysis, folder, ["mp4"])
    assert not list(folder.glob("*.part"))
    return Shown.of(path)


@pytest.mark.parametrize(("times_s", "sound", "ending"), [(EVEN, "aac", "mp4"), (UNEVEN, "pcm_s16le", "mkv")])
def test_frames_boxes_times_and_sound(
    clip: Callable[..., Analysis], tmp_path: Path, times_s: Double, sound: str, ending: str
) -> None:
    analysis = clip(times_s, sound, ending)
    shown = annotated(analysis, tmp_path / "out")
    assert np.abs(shown.times_s - times_s).max() < 0.0005
    assert abs(shown.ends_s - times_s[-1]) < 0.1
    track = analysis.faces[0].track
    assert track is not None
    there = [int(frame.image[:170].mean()) for frame in Pictures(analysis.clip.path)]
    assert min(abs(one - other) for one, other in pairwise(there)) > 8  # told apart
    for number, picture in enumerate(shown.pictures):
        assert abs(int(picture[10:20, 250:300].mean()) - there[number]) < 4  # the very frame
        left, top, right, bottom = track.boxes[number].round().astype(int)
        inside, outside = picture[top + 10 : bottom - 10, left + 10 : right - 10], picture[150:170, 250:]
        assert np.abs(inside.astype(int) - there[number]).mean() < 6
        edge = picture[top + 10 : bottom - 10, left : left + 2].astype(int)
        assert np.abs(edge - edge.mean(axis=2, keepdims=True)).mean() > 4 or abs(edge.mean() - there[number]) > 8
        assert np.abs(outside.astype(int) - there[number]).mean() < 6
    loud = np.flatnonzero(np.abs(shown.sound[0]) > 0.05 * np.abs(shown.sound).max())
    assert abs(shown.sound_s + loud[0] / 16_000 - 0.2) < 0.07
    assert abs(shown.sound.shape[1] / 16_000 - times_s[-1]) < 0.15


def test_released_rules_no_face_and_no_sound(clip: Callable[..., Analysis], tmp_path: Path) -> None:
    shown = annotated(clip(faces=(), sound=None), tmp_path / "nobody")
    assert len(shown.pictures) == FRAMES
    assert not shown.sound.size
    released = clip(provenance={"options": {"rule": "both"}}, faces=((0, 20, (range(5, 9),)), (10, FRAMES - 1, ())))
    assert len(annotated(released, tmp_path / "two").pictures) == FRAMES


def test_a_span_begins_at_nought(clip: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = clip()
    part = replace(analysis, times_s=EVEN[10:30])
    part.provenance.options.update(start=0.4, end=1.2)
    shown = annotated(replace(part, faces=()), tmp_path / "out")
    assert np.abs(shown.times_s - EVEN[:20]).max() < 0.0005
    assert abs(int(shown.pictures[0][:170].mean()) - grey(10)) < 8
    assert abs(shown.sound.shape[1] / 16_000 - 0.8) < 0.15


def test_another_clip_and_a_lost_one(clip: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = clip()
    for other in (replace(analysis, times_s=UNEVEN), replace(analysis, times_s=EVEN[:-3])):
        with pytest.raises(InputError, match="--video"):
            writers.save(other, tmp_path / "out", ["mp4"])
    lost = replace(analysis, clip=replace(analysis.clip, path=tmp_path / "gone.mp4"))
    with pytest.raises(InputError, match="no such file"):
        writers.save(lost, tmp_path / "out", ["mp4"])
    assert not list((tmp_path / "out").iterdir())


def test_a_disk_that_is_full(clip: Callable[..., Analysis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise av.FFmpegError(28, "No space left on device")

    monkeypatch.setattr("avcer.media.filming.FilmWriter.finish", full)
    with pytest.raises(OutputError, match="free some space"):
        writers.save(clip(), tmp_path / "out", ["mp4"])
    assert not list((tmp_path / "out").iterdir())


def test_corrections_are_shown(clip: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = clip(faces=((0, FRAMES - 1, ()), (10, FRAMES - 1, ())))
    corrections = Corrections({0: "Zoë"}, {}, (Correction(0, 0.4, 0.8, "Contempt"),))
    told = list(facts.Facts(analysis, corrections).moments())
    assert [one.said.text for one in told if one.said and one.said.probability is None] == ["Contempt*"] * 10
    assert {seen.name for seen in told[20].faces} == {"Zoë", "Face 1"}
    ribbons = facts.Facts(analysis, corrections).ribbons(3)
    assert [ribbon.name for ribbon in ribbons] == ["Zoë", "Face 1"]
    assert "Contempt*" in {part.said.text for part in ribbons[0].stretches}
    write_corrections(corrections, tmp_path)
    plain, own = annotated(analysis, tmp_path / "out"), annotated(analysis, tmp_path)
    assert not np.array_equal(plain.pictures[15], own.pictures[15])


def test_frames_of_another_size_are_fitted() -> None:
    canvas = Canvas.of(321, 180)
    out = np.zeros((*canvas.size[::-1], 3), np.uint8)
    assert fit(canvas, np.full((180, 321, 3), 9, np.uint8), out) == (1.0, 0, 0)
    assert (out[:180] == 9).all()
    scale, left, top = fit(canvas, np.full((320, 160, 3), 9, np.uint8), out)
    assert (round(scale, 4), left, top) == (0.5625, 116, 0)
    assert (out[:180, 116:206] == 9).all()
    assert not out[:180, :116].any()
