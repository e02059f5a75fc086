"""The copy that browsers play: the same pictures at the same times, and the sound with them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avcer.media import Pictures, open_sound, probe
from avcer.media.playable import even, fitted, write_playable
from recordings import AudioTrack, VideoTrack, beep, corners, flashes, grey, tone, write

UNEVEN = [0, 1, 2, 10, 11, 30]
"""Ticks of a 25th of a second."""


def shown(path: Path) -> list[tuple[float, float]]:
    """When each frame of a film is shown and for how long, as its packets say."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        return [(float(one.pts * one.time_base), float(one.duration * one.time_base)) for one in packets]


@pytest.mark.parametrize("first", [0, 125])
def test_each_picture_keeps_its_time_and_the_last_lasts_as_usual(tmp_path, first):
    """Also of a recording that begins at five seconds: a player shows that as 0."""
    ticks = [first + tick for tick in UNEVEN]
    path = write(tmp_path / "clip.mkv", VideoTrack([grey(3 * number) for number in range(6)], ticks=ticks))
    told = []
    made = write_playable(path, tmp_path / "copy.mp4", progress=lambda *said: told.append(said))
    times, lasting = zip(*shown(made), strict=True)
    assert times == pytest.approx([tick / 25 for tick in UNEVEN], abs=0.002)
    assert lasting[:-1] == pytest.approx(np.diff(UNEVEN) / 25, abs=0.002)
    assert lasting[-1] == pytest.approx(1 / probe(path).average_rate, abs=0.002)
    copied = [frame.image.mean() for frame in Pictures(made)]
    assert copied == pytest.approx([grey(3 * number).mean() for number in range(6)], abs=10)
    assert [(stage, done) for stage, done, _ in told] == [("copy", number) for number in range(1, 7)]


@pytest.mark.parametrize(
    ("size", "wanted"), [((64, 48), (64, 48)), ((1600, 96), (1280, 76)), ((96, 1600), (76, 1280)), ((1280, 32),) * 2]
)
def test_large_pictures_are_reduced_and_none_is_enlarged(tmp_path, size, wanted):
    path = write(tmp_path / "clip.mkv", VideoTrack([corners(size)] * 3))
    clip = probe(write_playable(path, tmp_path / "copy.mp4"))
    assert (clip.width, clip.height) == wanted
    (image, *_) = (frame.image for frame in Pictures(tmp_path / "copy.mp4"))
    height, width = image.shape[:2]
    quarters = [image[height * y // 4, width * x // 4].mean() for y in (1, 3) for x in (1, 3)]
    assert quarters == pytest.approx([40, 100, 160, 220], abs=8)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
@pytest.mark.parametrize("late_s", [0.0, 1.2])
def test_what_is_seen_is_heard_at_the_same_time(tmp_path, codec, late_s):
    """The flash and the beep are at one second; sound may begin after the picture, and is copied or coded anew."""
    sound = AudioTrack(beep(2.5 - late_s, max(1.4 - late_s, 0.2)), codec, start_s=late_s)
    path = write(tmp_path / "clip.mkv", VideoTrack(flashes(60, 35)), sound)
    made = write_playable(path, tmp_path / "copy.mp4")
    flash_s = [frame.time_s for frame in Pictures(made) if frame.image.mean() > 150]
    heard = open_sound(made)
    blocks = list(heard)
    samples = np.concatenate([block.samples for block in blocks])
    beep_s = blocks[0].start_s + np.flatnonzero(np.abs(samples) > 0.1)[0] / 16_000
    assert flash_s == pytest.approx([1.4], abs=0.002)
    assert beep_s == pytest.approx(1.4, abs=0.05)


def test_the_tracks_that_were_chosen_are_copied(tmp_path):
    path = write(
        tmp_path / "clip.mkv", VideoTrack([grey(2)] * 10), VideoTrack([grey(12)] * 10),
        AudioTrack(tone(0.4, 0.1)), AudioTrack(tone(0.4, 0.8)),
    )  # fmt: skip
    made = write_playable(path, tmp_path / "copy.mp4", video_track=2, audio_track=2)
    assert next(iter(Pictures(made))).image.mean() == pytest.approx(grey(12).mean(), abs=10)
    assert max(np.abs(block.samples).max() for block in open_sound(made)) == pytest.approx(0.8, abs=0.1)


def test_a_hole_in_the_sound_stays_as_long_as_it_is(make_clip, tmp_path):
    left = tone(1)
    sounds = [(0.0, np.repeat(left, 2, axis=0)), (6.0, np.repeat(left, 2, axis=0))]
    made = write_playable(make_clip("hole.mkv", range(180), sounds=sounds), tmp_path / "copy.mp4")
    samples = np.concatenate([block.samples for block in open_sound(made)])
    loud = np.flatnonzero(np.abs(samples) > 0.2) / 16_000
    assert loud[-1] == pytest.approx(7.0, abs=0.1)
    assert loud[loud > 2][0] == pytest.approx(6.0, abs=0.1)
    assert loud[loud < 4][-1] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("side", "made"), [(0.2, 2), (2.9, 2), (3.1, 4), (64, 64), (719.4, 720)])
def test_sides_are_even(side, made):
    assert even(side) == made


def test_a_picture_of_another_shape_stands_in_the_middle_of_black():
    white = np.full((40, 40, 3), 255, np.uint8)
    wide = fitted(white, (100, 50))
    assert wide.shape == (50, 100, 3)
    assert np.flatnonzero(wide[25, :, 0]).tolist() == list(range(25, 75))
    assert wide[:, 50].all()
    high = fitted(white, (20, 60))
    assert np.flatnonzero(high[:, 10, 0]).tolist() == list(range(20, 40))
    assert fitted(np.full((1, 900, 3), 255, np.uint8), (90, 60)).any(axis=(1, 2)).sum() == 1


def test_a_pixel_too_few_is_no_reason_for_a_line_of_black():
    white = np.full((49, 100, 3), 255, np.uint8)
    assert fitted(white, (100, 50)).all()
    assert not fitted(white, (100, 52)).all()
    assert fitted(white, (100, 49)) is white
