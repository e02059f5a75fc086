"""Frames: their number, their times, which way is up, and what damage does to them."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avcer.media import Pictures, Source, film, frames_at, probe
from avcer.media.container import open_media
from avcer.media.film import Film


@pytest.mark.parametrize(
    ("name", "codec", "time_base", "ticks"),
    [
        ("ntsc.mp4", "mpeg4", Fraction(1001, 30_000), list(range(40))),
        ("odd.mp4", "mpeg4", Fraction(1, 11_988), [place * 401 for place in range(20)]),
        ("variable.mp4", "libx264", Fraction(1, 1000), [0, 40, 45, 90, 400, 401, 1500, 1540]),
        ("variable.mkv", "libx264", Fraction(1, 1000), [0, 40, 45, 90, 400, 401, 1500, 1540]),
    ],
)
def test_times_are_the_time_stamps(make_clip, number_of, name, codec, time_base, ticks):
    frames = list(Pictures(make_clip(name, ticks, time_base, codec=codec)))
    assert [frame.index for frame in frames] == list(range(len(ticks)))
    assert [number_of(frame.image) for frame in frames] == [place % 16 for place in range(len(ticks))]
    assert [frame.time_s for frame in frames] == pytest.approx([float(tick * time_base) for tick in ticks], abs=1e-6)


@pytest.mark.parametrize("name", ["reordered.avi", "raw.h264"])
def test_containers_without_presentation_times(make_clip, number_of, name):
    frames = list(Pictures(make_clip(name, range(30), codec="libx264", bf="3")))
    assert [number_of(frame.image) for frame in frames] == [place % 16 for place in range(30)]
    assert np.diff([frame.time_s for frame in frames]) == pytest.approx(0.04)


def test_the_start_of_the_container_is_kept(make_clip):
    path = make_clip("late.mkv", [25, 26, 27])
    assert [frame.time_s for frame in Pictures(path)] == pytest.approx([1.0, 1.04, 1.08], abs=1e-3)


def test_can_be_iterated_again_and_left_early(make_clip):
    pictures = Pictures(make_clip("clip.mp4", range(12)))
    assert next(iter(pictures)).index == 0
    assert len(list(pictures)) == pictures.count == 12
    assert len(list(pictures)) == pictures.count == 12
    assert (pictures.damaged, pictures.warnings) == (0, [])


def test_display_rotation_gives_upright_frames(make_clip, tmp_path):
    upright = cv2.resize(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20, (64, 48), interpolation=cv2.INTER_NEAREST)
    stored = cv2.cvtColor(np.ascontiguousarray(np.rot90(upright, -1)), cv2.COLOR_GRAY2BGR)
    path = tmp_path / "rotated.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 64, "yuv420p"
        stream.set_display_rotation(90)
        container.mux([*stream.encode(av.VideoFrame.from_ndarray(stored, format="bgr24")), *stream.encode(None)])
    clip, frame = probe(path), next(iter(Pictures(path)))
    assert (clip.width, clip.height, clip.rotation) == (64, 48, 90)
    assert frame.image.shape == (48, 64, 3)
    assert np.corrcoef(frame.image[..., 0].ravel(), upright.ravel())[0, 1] > 0.99


def test_damage_is_counted_and_the_rest_is_decoded(make_clip):
    path = make_clip("damaged.avi", range(60), codec="mjpeg", size=(160, 120))
    stored = bytearray(path.read_bytes())
    starts = [place for place in range(len(stored) - 3) if stored[place : place + 3] == b"\xff\xd8\xff"]
    assert len(starts) == 60
    for start, end in pairwise(starts[20:24]):
        stored[start : end - 16] = bytes(end - 16 - start)
    path.write_bytes(stored)
    pictures = Pictures(path)
    times = [frame.time_s for frame in pictures]
    assert len(times) == 57
    assert times[-1] == pytest.approx(59 / 25)
    assert pictures.damaged == 3
    assert len(pictures.warnings) == 1
    assert "damaged in 3 places" in pictures.warnings[0]


def test_a_cut_short_file_gives_what_is_there(make_clip, number_of):
    path = make_clip("cut.mp4", range(100), size=(160, 120), movflags="faststart")
    path = _index_first(path)
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) * 7 // 10])
    pictures = Pictures(path)
    numbers = [number_of(frame.image) for frame in pictures]
    assert 30 < len(numbers) < 90
    assert numbers == [place % 16 for place in range(len(numbers))]
    assert f"cut short: {len(numbers)} of about 100 frames" in pictures.warnings[0]
    shown = list(frames_at(path, [0.0, 1.0, 3.9]))
    assert [time_s for time_s, _ in shown] == pytest.approx([0.0, 1.0, (len(numbers) - 1) / 25])


def _index_first(path: Path) -> Path:
    target = path.with_stem("faststart")
    with av.open(str(path)) as source, av.open(str(target), "w", options={"movflags": "faststart"}) as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return target


GROWTH = """
import resource, sys
from avcer.media import Pictures, open_sound, windows
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for frame in Pictures(sys.argv[1]):
    if frame.index == 100: early = peak()
for window in windows(open_sound(sys.argv[1])): pass
print(frame.index, peak() - early)
"""


def test_memory_does_not_grow_with_the_clip(make_clip):
    path = make_clip("long.mkv", range(2000), size=(320, 240), sounds=[(0.0, np.zeros((2, 1_280_000), np.float32))])
    made = subprocess.run([sys.executable, "-c", GROWTH, str(path)], capture_output=True, text=True, check=True)
    last, growth_kib = map(int, made.stdout.split())
    assert last == 1999
    assert growth_kib < 20_000  # all frames together would be 460 MB


def test_frames_at_gives_the_frames_shown(make_clip, number_of):
    ticks = [0, 40, 80, 400, 440, 2000, 2040]
    path = make_clip("clip.mp4", ticks, Fraction(1, 1000))
    shown = [(time_s, number_of(image)) for time_s, image in frames_at(path, [-1, 0.0399, 0.2, 0.3997, 1.9, 2.04, 99])]
    assert shown == [(0.0, 0), (0.04, 1), (0.08, 2), (0.4, 3), (0.44, 4), (2.04, 6), (2.04, 6)]


@pytest.mark.parametrize("key_every", ["12", "9999"])
@pytest.mark.parametrize("name", ["long.mp4", "long.mkv", "long.avi", "long.ts", "long.h264"])
def test_frames_at_agrees_with_decoding_everything(make_clip, name, key_every):
    path = make_clip(name, range(750), codec="libx264", g=key_every, bf="2", preset="ultrafast")
    everything = [(frame.time_s, frame.image.mean()) for frame in Pictures(path)]
    wanted = [0.5, 7.0, 7.01, 14.0, 28.0, 40.0]
    expected = [[item for item in everything if item[0] <= time_s + 0.0005][-1] for time_s in wanted]
    shown = [(time_s, image.mean()) for time_s, image in frames_at(path, wanted)]
    assert [time_s for time_s, _ in shown] == pytest.approx([time_s for time_s, _ in expected])
    assert [level for _, level in shown] == pytest.approx([level for _, level in expected])


def test_after_a_way_that_led_back_only_longer_ones_are_sought(make_clip, monkeypatch):
    path = make_clip("long.mp4", range(1500), codec="libx264", g="250", preset="ultrafast")
    sought: list[float] = []
    entered = Film.entered
    monkeypatch.setattr(Film, "entered", lambda film, time_s: sought.append(time_s) or entered(film, time_s))
    assert [time_s for time_s, _ in frames_at(path, [6.0, 14.0, 55.0])] == [6.0, 14.0, 55.0]
    assert sought == [6.0, 55.0]


def test_a_recording_with_an_index_is_opened_once_however_many_moments_are_sought(make_clip, monkeypatch):
    path = make_clip("long.mp4", range(750), codec="libx264", g="12", preset="ultrafast")
    opened: list[Source] = []
    monkeypatch.setattr(film, "open_media", lambda source, *more: opened.append(source) or open_media(source, *more))
    assert len(list(frames_at(path, [1.0, 8.0, 15.0, 29.0]))) == 4
    assert len(opened) == 1


def test_a_frame_of_another_size_keeps_its_own(tmp_path):
    path = tmp_path / "sizes.mjpeg"
    stored = b""
    for width, height in [(64, 48), (64, 48), (128, 96)]:
        stored += cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()
    path.write_bytes(stored)
    pictures = Pictures(path)
    assert [frame.image.shape for frame in pictures] == [(48, 64, 3), (48, 64, 3), (96, 128, 3)]
    assert pictures.sizes == [(0, 64, 48), (2, 128, 96)]
    assert "the size of the picture changes in 1 place: 64x48, 128x96" in pictures.warnings


def test_times_always_rise(make_clip):
    frames = list(Pictures(make_clip("clip.ts", range(30), codec="libx264", bf="3")))
    assert all(later.time_s > earlier.time_s for earlier, later in pairwise(frames))


@pytest.mark.parametrize("number", [10, 20])
def test_a_part_may_be_named_in_whole_milliseconds(make_clip, number):
    """A frame at 0.33367 s or 0.66733 s is meant by 0.334 s and 0.667 s: it begins a part, and does not belong to the
    one before.
    """
    path = make_clip("ntsc.mp4", range(40), Fraction(1001, 30_000))
    rounded_s = round(number * 1001 / 30_000, 3)
    assert len(list(Pictures(path, end_s=rounded_s))) == number
    assert len(list(Pictures(path, start_s=rounded_s))) == 40 - number
